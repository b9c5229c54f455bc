/* Names for sentences: what the model's namer knows, else what the record knows, else numbers. Results live in the
 * arena; never NULL. */
#ifndef TWATCH_NAMES_H
#define TWATCH_NAMES_H

#include "base/arena.h"
#include "model/model.h"

const char *names_thread_short(
        const struct model *m, struct arena *a, uint32_t thread); /* "worker-1", "run_job", "main", "" */
const char *names_thread(
        const struct model *m, struct arena *a, uint32_t thread); /* "worker-1", "main", "thread 7 (run_job)" */
const char *names_object(const struct model *m, struct arena *a,
        uint32_t object);                    /* "accounts[3].lock", "mutex made in pool_new (pool.c:12)" */
const char *names_kind(uint8_t object_kind); /* "mutex", "rwlock", ... */
const char *names_place(const struct model *m, struct arena *a, uint32_t stack,
        uint64_t site);                                   /* "pool_new (pool.c:12)"; NULL when nothing is known */
const char *names_address(const struct model *m, struct arena *a, uint64_t address); /* "libpool.so+0x4010", "0x7f12" */
const char *names_duration(struct arena *a, uint64_t ns); /* "41 s", "2.5 ms" */

#endif
