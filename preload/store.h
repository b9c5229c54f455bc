/*
 * The record being written. Until something is worth a file it lives in private memory; tw_store_open_file moves it into a MAP_SHARED file at the same
 * addresses. All functions run inside the recording guard; they never touch errno. On failure they return NULL or 0 and have counted the loss.
 */
#ifndef TW_STORE_H
#define TW_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record.h"
#include "sys.h"

extern TW_HIDDEN struct twatch_header *tw_header; /* never NULL after tw_store_init */

void tw_store_init(void);
/* From now on the record is a file. Idempotent, thread-safe. False: it could not be made (said once on stderr); recording goes on in memory. */
bool tw_store_open_file(void);
bool tw_store_has_file(void);
extern TW_HIDDEN void (*tw_store_failed)(void); /* called once when the file could not be made; NULL: nobody wants to know */
const char *tw_store_path(void);
/* A fork child starts a record of its own in private memory; the parent's pages are let go. */
void tw_store_forked(void);
void tw_store_loss(uint32_t kind, uint64_t n);

/* A new chunk of at least `bytes` of elements; NULL when there is no room. The head is complete; `used` is 0. */
struct twatch_chunk *tw_store_chunk(uint32_t kind, uint32_t elem_size, size_t bytes, uint32_t first_id, uint32_t owner);
uint64_t tw_store_offset(const void *p); /* file offset of something in a chunk; 0 if it is not in the record */
void *tw_store_at(uint64_t offset);      /* what tw_store_offset has named */

/* A growing array of fixed-size elements with ids from 1. Pointers stay valid for the life of the process. */
struct tw_table {
    uint16_t kind, elem_size;
    uint32_t per_chunk;    /* elements */
    struct tw_lock lock;
    uint32_t count;        /* ids handed out */
    void **directory;      /* chunk i holds ids i * per_chunk + 1 ... */
};
#define TW_TABLE(chunk_kind, type, pages) \
    { .kind = chunk_kind, .elem_size = sizeof(type), .per_chunk = (uint32_t)(((pages) * TWATCH_PAGE - sizeof(struct twatch_chunk)) / sizeof(type)) }
/* A zeroed new element; *id gets its id. NULL: no room (the loss is counted as `loss`). */
void *tw_table_new(struct tw_table *t, uint32_t *id, uint32_t loss);
/* Makes room for the next elements now: later there may be no memory. */
void tw_table_reserve(struct tw_table *t);
void tw_table_forget(struct tw_table *t); /* after fork */
static inline void *tw_table_at(const struct tw_table *t, uint32_t id) {
    if (TW_UNLIKELY(id == 0 || id > __atomic_load_n(&t->count, __ATOMIC_ACQUIRE))) return NULL;
    char *chunk = (char *)t->directory[(id - 1) / t->per_chunk];
    return chunk + sizeof(struct twatch_chunk) + (size_t)((id - 1) % t->per_chunk) * t->elem_size;
}

/* A stream of variable-size elements (strings, stacks, dependencies, races). */
struct tw_stream {
    uint16_t kind;
    struct tw_lock lock;
    struct twatch_chunk *chunk;
    uint32_t room; /* bytes left in it */
    uint32_t next_pages;
};
/* Room for an element of `bytes` (a multiple of 8), zeroed, its first u32 set to bytes. It becomes visible to readers with tw_stream_seal. The caller
   holds s->lock from before append until after seal. */
void *tw_stream_append(struct tw_stream *s, uint32_t bytes, uint32_t owner);
void tw_stream_seal(struct tw_stream *s, const void *element);

/* Interned text; equal texts get equal ids; 0 when there is no room. */
uint32_t tw_store_string(const char *text, size_t length);

#endif
