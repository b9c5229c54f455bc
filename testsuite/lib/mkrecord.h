/*
 * Writes records as the shim would, from plain calls: for unit tests, benchmarks and stored examples. Everything is
 * kept in memory until mkrecord_save() or mkrecord_image(). Ids are handed out from 1 in the order of the calls.
 *
 *     struct mkrecord *r = mkrecord_new("/bin/app");
 *     uint32_t t1 = mkrecord_thread(r, 1, "worker");         // thread 1 is main and is there from the start
 *     uint32_t a = mkrecord_object(r, TWATCH_OBJ_MUTEX, 0x1000, 0), b = ...;
 *     mkrecord_dep(r, t1, b, (uint32_t[]){a}, 1);             // t1 took b while holding a
 *     mkrecord_save(r, "app.1.twatch");
 */
#ifndef TWATCH_MKRECORD_H
#define TWATCH_MKRECORD_H

#include "record.h"

#include <stddef.h>

struct mkrecord;

struct mkrecord *mkrecord_new(const char *exe); /* ends the program when memory is out; so do all others */
void mkrecord_free(struct mkrecord *r);

struct twatch_header *mkrecord_header(struct mkrecord *r);
uint32_t mkrecord_string(struct mkrecord *r, const char *text);
uint32_t mkrecord_bytes(struct mkrecord *r, const char *text, uint32_t length);
uint32_t mkrecord_module(struct mkrecord *r, const char *path, uint64_t bias, uint64_t start, uint64_t end);
uint32_t mkrecord_stack(struct mkrecord *r, const uint64_t *pcs, uint16_t n);

/* A thread made by `parent` in the parent's next segment; its number goes up. Not ended, not joined, not detached. */
uint32_t mkrecord_thread(struct mkrecord *r, uint32_t parent, const char *name);
void mkrecord_end(struct mkrecord *r, uint32_t thread, uint32_t how); /* enum twatch_thread_end */
void mkrecord_join(
        struct mkrecord *r, uint32_t joiner, uint32_t thread); /* ends it if it has not; a new segment of the joiner */

uint32_t mkrecord_object(struct mkrecord *r, uint8_t kind, uint64_t address, uint32_t create_stack);

/* A dependency in the thread's current segment; equal ones are merged as the shim does. Modes exclusive; stacks made up
 * from the objects' ids. */
void mkrecord_dep(struct mkrecord *r, uint32_t thread, uint32_t object, const uint32_t *held, uint16_t nheld);
void mkrecord_dep_full(struct mkrecord *r, uint32_t thread, uint32_t object, uint8_t mode, uint8_t flags,
        uint32_t stack, uint64_t site, const struct twatch_dep_held *held, uint16_t nheld);
/* A member of the family of the dependency recorded first, with as many held objects as that one has; seen once in the
 * segment. */
void mkrecord_like(struct mkrecord *r, uint32_t object, uint32_t segment, const uint32_t *held);

void mkrecord_incident(struct mkrecord *r, const struct twatch_incident *incident);
void mkrecord_stat(struct mkrecord *r, const struct twatch_stat *stat);
void mkrecord_use(struct mkrecord *r, const struct twatch_use *use);
void mkrecord_queue(struct mkrecord *r, const struct twatch_queue *queue);
void mkrecord_interval(struct mkrecord *r, const struct twatch_interval *interval);
void mkrecord_race(struct mkrecord *r, const struct twatch_race *race, const uint32_t *locks);

/* The live state of a thread: filled in by the caller, held entries with mkrecord_hold(). Good until the next call for
 * another thread. */
struct twatch_slot *mkrecord_slot(struct mkrecord *r, uint32_t thread);
void mkrecord_hold(struct mkrecord *r, uint32_t thread, uint32_t object, uint32_t stack);

/* The thread or object again, to change more of it. Good until the next one is made. */
struct twatch_thread *mkrecord_thread_at(struct mkrecord *r, uint32_t id);
struct twatch_object *mkrecord_object_at(struct mkrecord *r, uint32_t id);

/* The bytes of the record; free() them. */
unsigned char *mkrecord_image(struct mkrecord *r, size_t *size);
int mkrecord_save(struct mkrecord *r, const char *path); /* 0, or -1 with errno */

#endif
