/* From addresses in the trampolines to the instructions they stand for. */
#define _GNU_SOURCE
#include "pcmap.h"

enum { STRIDE = 32 };

static void put_varint(struct x86_vec *v, uint32_t n) {
    while (n >= 0x80) {
        X86_VEC_PUSH(v, uint8_t, (uint8_t)(n | 0x80));
        n >>= 7;
    }
    X86_VEC_PUSH(v, uint8_t, (uint8_t)n);
}

static uint32_t take_varint(const struct x86_pcmap *map, uint32_t *at) {
    uint32_t n = 0;
    for (unsigned shift = 0; *at < map->nbytes && shift < 35; shift += 7) {
        uint8_t byte = map->bytes[(*at)++];
        n |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) break;
    }
    return n;
}

static uint32_t zigzag(uint32_t d) {
    return d << 1 ^ (uint32_t) - (d >> 31);
}
static uint32_t unzigzag(uint32_t n) {
    return n >> 1 ^ (uint32_t) - (n & 1);
}

void x86_pcmap_add(struct x86_pcmap_builder *b, uint32_t code, uint32_t text) {
    if (b->count++ % STRIDE == 0) {
        X86_VEC_PUSH(&b->points, struct x86_pcpoint, (struct x86_pcpoint){code, text, (uint32_t)b->bytes.used});
    } else {
        put_varint(&b->bytes, code - b->code);
        put_varint(&b->bytes, zigzag(text - b->text));
    }
    b->code = code;
    b->text = text;
}

/* The last point whose key is at most `key`, plus one; 0 none. */
static uint32_t find_point(const struct x86_pcmap *map, uint32_t key, int by_text) {
    uint32_t lo = 0, hi = map->npoints;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if ((by_text ? map->points[mid].text : map->points[mid].code) <= key) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

int x86_pcmap_text(const struct x86_pcmap *map, uint32_t code, uint32_t *at, uint32_t *text) {
    uint32_t i = find_point(map, code, 0);
    if (!i) return 0;
    struct x86_pcpoint p = map->points[i - 1];
    uint32_t pos = p.bytes, end = i < map->npoints ? map->points[i].bytes : map->nbytes;
    *at = p.code;
    *text = p.text;
    while (pos < end && pos < map->nbytes) {
        p.code += take_varint(map, &pos);
        p.text += unzigzag(take_varint(map, &pos));
        if (p.code > code) break;
        *at = p.code;
        *text = p.text;
    }
    return 1;
}

int x86_pcmap_code(const struct x86_pcmap *map, uint32_t text, uint32_t *at) {
    uint32_t i = find_point(map, text, 1);
    if (!i) return 0;
    struct x86_pcpoint p = map->points[i - 1];
    uint32_t pos = p.bytes, end = i < map->npoints ? map->points[i].bytes : map->nbytes;
    while (p.text < text && pos < end && pos < map->nbytes) {
        p.code += take_varint(map, &pos);
        p.text += unzigzag(take_varint(map, &pos));
    }
    *at = p.code;
    return p.text == text;
}
