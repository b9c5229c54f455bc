/*
 * Growing arrays in private mappings: the instrumentation runs inside the program's pthread_create or dlopen, where
 * malloc may be the program's own. Not for signal handlers. A vector that could not grow stays valid and is marked
 * failed, so that a caller may check once, after a whole pass.
 */
#ifndef TWATCH_RACE_X86_VEC_H
#define TWATCH_RACE_X86_VEC_H

#include <stddef.h>
#include <stdint.h>

struct x86_vec {
    unsigned char *data;
    size_t used, mapped; /* bytes */
    int failed;
};

/* Makes room; for x86_vec_grow. */
int x86_vec_enlarge(struct x86_vec *v, size_t bytes);

/* Room for `bytes` more at the end, zero when first used; NULL (and failed) when there is no memory. */
static inline void *x86_vec_grow(struct x86_vec *v, size_t bytes) {
    if (v->used + bytes > v->mapped && x86_vec_enlarge(v, bytes) != 0) return NULL;
    void *at = v->data + v->used;
    v->used += bytes;
    return at;
}
void x86_vec_free(struct x86_vec *v);

#define X86_VEC_PUSH(v, type, ...)                                                                                     \
    do {                                                                                                               \
        type *x86_vec_slot = x86_vec_grow((v), sizeof(type));                                                          \
        if (x86_vec_slot) *x86_vec_slot = __VA_ARGS__;                                                                 \
    } while (0)
#define X86_VEC_AT(v, type, i) (((type *)(void *)(v)->data)[i])
#define X86_VEC_COUNT(v, type) ((v)->used / sizeof(type))

#endif
