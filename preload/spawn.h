/* Making and joining threads under watch, for the pthread_* and the thrd_* wrappers. */
#ifndef TW_SPAWN_H
#define TW_SPAWN_H

#include "ops.h"

/* What a new thread needs to begin; given by its creator, taken by tw_spawn_main. */
struct tw_spawn {
    void *(*routine)(void *);
    int (*c11_routine)(void *); /* instead of routine */
    void *arg;
    uint32_t id;
    size_t stack_size;
    struct tw_spawn *next;
};

/* Before the real create: the new thread's descriptor. NULL: not recording, or no room: forward untouched. */
struct tw_spawn *tw_spawn_prepare(const struct tw_spawn *what, const pthread_attr_t *attr, uint32_t flags, uintptr_t pc, uintptr_t cfa);
/* After it; handle is only read when it worked. */
void tw_spawn_done(struct tw_spawn *s, uint32_t id, bool worked, pthread_t handle);
/* The start routine that is given to the real create, with the struct tw_spawn as its argument. */
void *tw_spawn_main(void *spawn);
int tw_spawn_c11_main(void *spawn);

/* A join. begin: checks for misuse, publishes the wait. end: rc is what the real join returned; ETIMEDOUT and EBUSY count as given up. */
struct tw_joining {
    uint32_t id;        /* thread id; 0 unknown */
    bool waiting;
    uint16_t flags;     /* enum twatch_wait_flags */
    uintptr_t pc, cfa;
    uint64_t begin_ns;
};
void tw_spawn_join_begin(struct tw_joining *j, pthread_t handle, uint64_t deadline_ns);
void tw_spawn_join_end(struct tw_joining *j, int rc);
void tw_spawn_detach(pthread_t handle, uintptr_t pc, uintptr_t cfa);
/* Before pthread_exit and thrd_exit. */
void tw_spawn_exit(uintptr_t pc, uintptr_t cfa);

#endif
