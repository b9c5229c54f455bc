/*
 * Functions and landing pads from the unwind tables: .eh_frame (Linux Standard Base, "DWARF extensions") and the
 * language-specific data area that the Itanium C++ ABI describes.
 */
#define _GNU_SOURCE
#include "code.h"

#include <stdlib.h>
#include <string.h>

/* A bounded reader; past its end it yields zeros and sets `bad`. */
struct reader {
    const uint8_t *at, *end;
    uint64_t addr; /* of `at` */
    int bad;
};

static uint64_t take(struct reader *r, unsigned bytes) {
    uint64_t v = 0;
    if ((size_t)(r->end - r->at) < bytes) {
        r->bad = 1;
        r->at = r->end;
        return 0;
    }
    memcpy(&v, r->at, bytes);
    r->at += bytes;
    r->addr += bytes;
    return v;
}

static uint64_t take_uleb(struct reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; !r->bad; shift += 7) {
        uint64_t byte = take(r, 1);
        if (shift < 64) v |= (byte & 0x7f) << shift;
        if (!(byte & 0x80)) break;
    }
    return v;
}

static uint64_t take_sleb(struct reader *r) {
    uint64_t v = 0, byte = 0;
    unsigned shift = 0;
    do {
        byte = take(r, 1);
        if (shift < 64) v |= (byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) && !r->bad);
    if (shift < 64 && (byte & 0x40)) v |= ~0ull << shift;
    return v;
}

/* DW_EH_PE_*: low four bits the format, 0x10 relative to where the value is. */
static uint64_t take_encoded(struct reader *r, uint8_t encoding) {
    if (encoding == 0xff) return 0;
    uint64_t at = r->addr, v = 0;
    switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
    case 0x0c:
        v = take(r, 8);
        break;
    case 0x01:
        v = take_uleb(r);
        break;
    case 0x09:
        v = take_sleb(r);
        break;
    case 0x02:
        v = take(r, 2);
        break;
    case 0x0a:
        v = (uint64_t)(int64_t)(int16_t)take(r, 2);
        break;
    case 0x03:
        v = take(r, 4);
        break;
    case 0x0b:
        v = (uint64_t)(int64_t)(int32_t)take(r, 4);
        break;
    default:
        r->bad = 1;
    }
    if (v && (encoding & 0x70) == 0x10) v += at;
    return v;
}

struct cie {
    uint8_t pointer, lsda;
    uint8_t augmented;
    int bad;
};

static struct cie read_cie(struct reader r) {
    struct cie c = {.lsda = 0xff};
    take(&r, 8); /* length, id */
    take(&r, 1); /* version */
    const char *augmentation = (const char *)r.at;
    size_t length = strnlen(augmentation, (size_t)(r.end - r.at));
    r.at += length < (size_t)(r.end - r.at) ? length + 1 : length;
    take_uleb(&r);
    take_sleb(&r);
    take_uleb(&r);
    if (length && augmentation[0] == 'z') {
        c.augmented = 1;
        take_uleb(&r);
        for (size_t i = 1; i < length; i++) {
            if (augmentation[i] == 'R') c.pointer = (uint8_t)take(&r, 1);
            if (augmentation[i] == 'L') c.lsda = (uint8_t)take(&r, 1);
            if (augmentation[i] == 'P') take_encoded(&r, (uint8_t)(take(&r, 1) & 0x0f));
        }
    }
    c.bad = r.bad;
    return c;
}

static void read_fde(struct x86_code *code, struct reader r, const struct cie *cie) {
    struct x86_image *image = code->image;
    uint64_t lo = take_encoded(&r, cie->pointer);
    uint64_t bytes = take_encoded(&r, cie->pointer & 0x0f);
    uint64_t lsda = 0;
    if (cie->augmented) {
        take_uleb(&r);
        if (cie->lsda != 0xff) lsda = take_encoded(&r, cie->lsda);
    }
    if (r.bad || !bytes || !x86_image_in_text(image, lo) || bytes > image->text_size - (lo - image->text_addr)) return;
    if (!x86_image_is_program(image, lo)) return;
    uint32_t start = (uint32_t)(lo - image->text_addr);
    X86_VEC_PUSH(&code->functions, struct x86_function,
            (struct x86_function){.lo = start, .hi = start + (uint32_t)bytes, .lsda = lsda});
}

static int by_start(const void *a, const void *b) {
    const struct x86_function *x = a, *y = b;
    if (x->lo != y->lo) return x->lo < y->lo ? -1 : 1;
    return x->hi < y->hi ? 1 : x->hi > y->hi ? -1 : 0;
}

static int is_sorted(const struct x86_function *f, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (f[i].lo < f[i - 1].lo) return 0;
    return 1;
}

/* Heap sort in place: qsort may call malloc, which may be the program's. */
static void sift(struct x86_function *f, size_t root, size_t n) {
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && by_start(&f[child], &f[child + 1]) < 0) child++;
        if (by_start(&f[root], &f[child]) >= 0) return;
        struct x86_function swap = f[root];
        f[root] = f[child];
        f[child] = swap;
    }
}

static void sort_functions(struct x86_function *f, size_t n) {
    for (size_t i = n / 2; i-- > 0;)
        sift(f, i, n);
    for (size_t end = n; end-- > 1;) {
        struct x86_function swap = f[0];
        f[0] = f[end];
        f[end] = swap;
        sift(f, 0, end);
    }
}

/* Two descriptions of the same code contradict each other: keep the first. */
static void drop_overlaps(struct x86_code *code) {
    struct x86_function *f = (void *)code->functions.data;
    size_t n = X86_VEC_COUNT(&code->functions, struct x86_function), kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || f[i].lo >= f[kept - 1].hi) f[kept++] = f[i];
    code->functions.used = kept * sizeof *f;
}

int x86_functions_read(struct x86_code *code) {
    const Elf64_Shdr *section = x86_image_section(code->image, ".eh_frame");
    const uint8_t *start = section ? x86_image_contents(code->image, section) : NULL;
    if (!start) return -1;
    const uint8_t *end = start + section->sh_size;
    for (const uint8_t *p = start; end - p >= 8;) {
        uint32_t length, id;
        memcpy(&length, p, 4);
        if (length == 0) {
            p += 4;
            continue;
        }
        if (length == 0xffffffffu || length > (size_t)(end - p) - 4 || length < 4) break;
        memcpy(&id, p + 4, 4);
        if (id && id <= (size_t)(p + 4 - start)) {
            const uint8_t *at = p + 4 - id;
            struct cie cie = read_cie((struct reader){.at = at, .end = end});
            uint64_t addr = section->sh_addr + (uint64_t)(p + 8 - start);
            if (!cie.bad) read_fde(code, (struct reader){.at = p + 8, .end = p + 4 + length, .addr = addr}, &cie);
        }
        p += 4 + length;
    }
    size_t n = X86_VEC_COUNT(&code->functions, struct x86_function);
    struct x86_function *f = (void *)code->functions.data;
    if (!is_sorted(f, n)) sort_functions(f, n);
    drop_overlaps(code);
    return n && !code->functions.failed ? 0 : -1;
}

struct x86_function *x86_function_at(const struct x86_code *code, uint32_t off) {
    struct x86_function *f = (void *)code->functions.data;
    size_t lo = 0, hi = X86_VEC_COUNT(&code->functions, struct x86_function);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (f[mid].hi <= off) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < X86_VEC_COUNT(&code->functions, struct x86_function) && f[lo].lo <= off ? &f[lo] : NULL;
}

void x86_functions_pads(
        struct x86_code *code, const struct x86_function *f, void (*visit)(struct x86_code *, uint32_t)) {
    struct x86_image *image = code->image;
    const Elf64_Shdr *section = f->lsda ? x86_image_section_at(image, f->lsda) : NULL;
    const uint8_t *contents = section ? x86_image_contents(image, section) : NULL;
    if (!contents) return;
    struct reader r = {
            .at = contents + (f->lsda - section->sh_addr), .end = contents + section->sh_size, .addr = f->lsda};
    uint64_t base = image->text_addr + f->lo;
    uint8_t encoding = (uint8_t)take(&r, 1);
    if (encoding != 0xff) base = take_encoded(&r, encoding);
    encoding = (uint8_t)take(&r, 1);
    if (encoding != 0xff) take_uleb(&r); /* types */
    encoding = (uint8_t)take(&r, 1);
    uint64_t bytes = take_uleb(&r);
    if (r.bad || bytes > (size_t)(r.end - r.at)) return;
    r.end = r.at + bytes;
    while (r.at < r.end && !r.bad) {
        take_encoded(&r, encoding);
        take_encoded(&r, encoding);
        uint64_t pad = take_encoded(&r, encoding);
        take_uleb(&r);
        if (pad && !r.bad && x86_image_in_text(image, base + pad))
            visit(code, (uint32_t)(base + pad - image->text_addr));
    }
}
