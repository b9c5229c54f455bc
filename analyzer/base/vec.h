/*
 * Growing arrays. `VEC(int) v = {0}; vec_push(&v, 7); v.at[0]; v.n; vec_free(&v);`
 * Pointers into a vec are good until the next push.
 */
#ifndef TWATCH_VEC_H
#define TWATCH_VEC_H

#include "base/mem.h"

#include <stdlib.h>

#define VEC(type)                                                                                                      \
    struct {                                                                                                           \
        type *at;                                                                                                      \
        size_t n, cap;                                                                                                 \
    }

/* Makes room for `more` further elements. */
#define vec_reserve(v, more)                                                                                           \
    do {                                                                                                               \
        if ((v)->n + (size_t)(more) > (v)->cap) {                                                                      \
            size_t vec_want = (v)->cap ? (v)->cap * 2 : 8;                                                             \
            if (vec_want < (v)->n + (size_t)(more)) vec_want = (v)->n + (size_t)(more);                                \
            (v)->at = mem_grow((v)->at, vec_want, sizeof *(v)->at);                                                    \
            (v)->cap = vec_want;                                                                                       \
        }                                                                                                              \
    } while (0)

#define vec_push(v, ...)                                                                                               \
    do {                                                                                                               \
        vec_reserve(v, 1);                                                                                             \
        (v)->at[(v)->n++] = (__VA_ARGS__);                                                                             \
    } while (0)

#define vec_free(v)                                                                                                    \
    do {                                                                                                               \
        free((v)->at);                                                                                                 \
        (v)->at = NULL;                                                                                                \
        (v)->n = (v)->cap = 0;                                                                                         \
    } while (0)

#endif
