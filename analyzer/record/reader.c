#include "record/reader.h"
#include "base/mem.h"
#include "record/load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { RECORD_NOTES = 20 };

/* Size of an element of each fixed kind; 0: variable; absent kinds are -1. */
static int record_elem_size(uint16_t kind) {
    switch ((enum twatch_chunk_kind)kind) {
    case TWATCH_CHUNK_STRING:
    case TWATCH_CHUNK_STACK:
    case TWATCH_CHUNK_DEP:
    case TWATCH_CHUNK_RACE:
    case TWATCH_CHUNK_LIKE:
        return 0;
    case TWATCH_CHUNK_MODULE:
        return sizeof(struct twatch_module);
    case TWATCH_CHUNK_THREAD:
        return sizeof(struct twatch_thread);
    case TWATCH_CHUNK_SLOT:
        return sizeof(struct twatch_slot);
    case TWATCH_CHUNK_HELD:
        return sizeof(struct twatch_held);
    case TWATCH_CHUNK_OBJECT:
        return sizeof(struct twatch_object);
    case TWATCH_CHUNK_INCIDENT:
        return sizeof(struct twatch_incident);
    case TWATCH_CHUNK_STAT:
        return sizeof(struct twatch_stat);
    case TWATCH_CHUNK_USE:
        return sizeof(struct twatch_use);
    case TWATCH_CHUNK_RACEINFO:
        return sizeof(struct twatch_race_info);
    case TWATCH_CHUNK_INTERVAL:
        return sizeof(struct twatch_interval);
    case TWATCH_CHUNK_QUEUE:
        return sizeof(struct twatch_queue);
    case TWATCH_CHUNK_NONE:
        break;
    }
    return -1;
}

void record_note(struct record *r, const char *format, ...) {
    if (r->notes.n >= RECORD_NOTES) {
        r->nbroken++;
        return;
    }
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *copy = strdup(text);
    if (!copy) mem_out();
    vec_push(&r->notes, copy);
}

static bool record_check_header(struct record *r, struct err *err) {
    const struct twatch_header *h = &r->header;
    if (r->size < TWATCH_PAGE)
        return err_at(err, r->size, "is no record or cut off: %" PRIu64 " bytes, its header alone has %u", r->size,
                TWATCH_PAGE);
    memcpy(&r->header, r->base, sizeof r->header);
    if (memcmp(h->magic, TWATCH_MAGIC, sizeof h->magic) != 0)
        return err_at(err, 0, "is no twatch record: it does not start with \"TWATCH\"");
    if (h->version != TWATCH_RECORD_VERSION)
        return err_at(err, offsetof(struct twatch_header, version),
                "has record version %u; this twatch reads version %u", h->version, TWATCH_RECORD_VERSION);
    if (h->header_size != TWATCH_PAGE)
        return err_at(err, offsetof(struct twatch_header, header_size), "has a header of %u bytes in place of %u",
                h->header_size, TWATCH_PAGE);
    if (h->alloc_end > r->size)
        record_note(r,
                "the file is cut off: it ends at offset %" PRIu64 ", %" PRIu64 " bytes before what its header says",
                r->size, h->alloc_end - r->size);
    return true;
}

static bool record_is_zero(const unsigned char *page) {
    for (size_t i = 0; i < TWATCH_PAGE; i++)
        if (page[i]) return false;
    return true;
}

/*
 * The chunk whose head is at `at`: fills *c and gives its size in bytes; 0 with a note when it cannot be used. Nothing
 * at or behind `limit` was ever written: a chunk in a hole has no elements, however many it claims.
 */
static uint64_t record_read_chunk(
        struct record *r, uint64_t at, uint64_t limit, const struct twatch_chunk *head, struct record_chunk *c) {
    if (head->offset != at) {
        record_note(r, "offset %" PRIu64 ": a chunk head that says it belongs at offset %" PRIu64, at, head->offset);
        return 0;
    }
    if (head->pages == 0) {
        record_note(r, "offset %" PRIu64 ": a chunk of no size", at);
        return 0;
    }
    uint64_t bytes = (uint64_t)head->pages * TWATCH_PAGE;
    if (bytes > r->size - at) {
        record_note(r, "offset %" PRIu64 ": a chunk of %" PRIu64 " bytes goes beyond the end of the file", at, bytes);
        bytes = r->size - at;
    }
    int elem = record_elem_size(head->kind);
    if (elem < 0) { /* of a newer writer: appending kinds keeps the version */
        record_note(r, "offset %" PRIu64 ": a chunk of the unknown kind %u was left out", at, head->kind);
        return bytes;
    }
    if (head->elem_size != (uint32_t)elem) {
        record_note(r, "offset %" PRIu64 ": elements of %u bytes in place of %d", at, head->elem_size, elem);
        return bytes;
    }
    uint64_t used = head->used, there = bytes < limit - at ? bytes : limit - at;
    if (used > there - sizeof *head) {
        record_note(
                r, "offset %" PRIu64 ": %u bytes said to be used in a chunk that has %" PRIu64, at, head->used, there);
        used = there - sizeof *head;
    }
    if (elem > 0) used -= used % (uint32_t)elem;
    *c = (struct record_chunk){.kind = head->kind,
            .first_id = head->first_id,
            .elem_size = head->elem_size,
            .owner = head->owner,
            .used = (uint32_t)used,
            .room = (uint32_t)(there - sizeof *head),
            .offset = at + sizeof *head,
            .data = r->base + at + sizeof *head};
    return bytes;
}

/* Chunks follow each other without gaps, so a scan never meets the inside of one, whatever bytes are in it. */
static void record_scan(struct record *r, uint64_t from, uint64_t to) {
    if (r->scanned < TWATCH_PAGE) r->scanned = TWATCH_PAGE;
    if (from < r->scanned) from = r->scanned; /* a chunk reached over a hole into this extent */
    for (uint64_t at = from; at < to && to - at >= sizeof(struct twatch_chunk);) {
        struct twatch_chunk head;
        memcpy(&head, r->base + at, sizeof head);
        uint64_t bytes = 0;
        if (head.magic == TWATCH_CHUNK_MAGIC) {
            struct record_chunk c = {0};
            bytes = record_read_chunk(r, at, to, &head, &c);
            if (c.data && (c.used || c.kind == TWATCH_CHUNK_HELD)) vec_push(&r->chunks, c);
        } else if (to - at >= TWATCH_PAGE && !record_is_zero(r->base + at)) {
            record_note(r, "offset %" PRIu64 ": a page that belongs to no chunk", at);
        }
        at += bytes ? bytes : TWATCH_PAGE;
        r->scanned = at;
    }
}

static bool record_parse(struct record *r, const struct load_extents *extents, struct err *err) {
    if (!record_check_header(r, err)) return false;
    if (!extents) {
        record_scan(r, 0, r->size);
        return true;
    }
    for (size_t i = 0; i < extents->n; i++)
        record_scan(r, extents->at[i].from & ~(uint64_t)(TWATCH_PAGE - 1),
                extents->at[i].to < r->size ? extents->at[i].to : r->size);
    return true;
}

bool record_from_memory(struct record *r, const void *bytes, size_t size, const char *name, struct err *err) {
    *r = (struct record){.base = bytes, .size = size};
    r->path = strdup(name);
    if (!r->path) mem_out();
    if (record_parse(r, NULL, err)) return true;
    record_close(r);
    return false;
}

bool record_open(struct record *r, const char *path, struct err *err) {
    *r = (struct record){.path = strdup(path)};
    if (!r->path) mem_out();
    struct load loaded = {0};
    if (load_file(&loaded, path, err)) {
        r->base = r->mapping = loaded.bytes;
        r->size = loaded.size;
        r->mapping_size = loaded.mapping_size;
        bool good = record_parse(r, &loaded.extents, err);
        vec_free(&loaded.extents);
        if (good) {
            r->read_ns = loaded.read_ns;
            r->live = r->header.end == TWATCH_END_RUNNING && load_is_mapped_by(r->header.pid, loaded.inode);
            return true;
        }
    }
    record_close(r);
    return false;
}

void record_close(struct record *r) {
    if (r->mapping) munmap(r->mapping, r->mapping_size);
    for (size_t i = 0; i < r->notes.n; i++)
        free(r->notes.at[i]);
    vec_free(&r->notes);
    vec_free(&r->chunks);
    free(r->path);
    *r = (struct record){0};
}

const void *record_next(struct record *r, const struct record_chunk *c, uint32_t *at, uint32_t minimum) {
    uint32_t left = c->used - *at;
    if (left == 0) return NULL;
    uint32_t size = 0;
    if (left >= sizeof size) memcpy(&size, c->data + *at, sizeof size);
    if (size < minimum || size > left || size % 8) {
        record_note(r,
                "offset %" PRIu64 ": an element of %u bytes where %u are left; the rest of its chunk was left out",
                c->offset + *at, size, left);
        *at = c->used;
        return NULL;
    }
    const void *element = c->data + *at;
    *at += size;
    return element;
}
