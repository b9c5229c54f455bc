/* Mutex operations under watch, for the pthread_mutex_* and the mtx_* wrappers, which differ only in what they return. pc and cfa: of the intercepted call. */
#ifndef TW_MUTEX_H
#define TW_MUTEX_H

#include "ops.h"

int tw_mutex_lock(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa);
int tw_mutex_trylock(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa);
int tw_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until, uintptr_t pc, uintptr_t cfa);
int tw_mutex_unlock(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa);
/* Around the real init and destroy. */
void tw_mutex_before_init(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa);
void tw_mutex_after_init(pthread_mutex_t *m, uint16_t oflags, uintptr_t pc, uintptr_t cfa);
void tw_mutex_before_destroy(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa);
void tw_mutex_after_destroy(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa);

#endif
