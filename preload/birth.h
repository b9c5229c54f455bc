/* Making and joining threads under watch, for the pthread_* and the thrd_* wrappers. */
#ifndef TW_BIRTH_H
#define TW_BIRTH_H

#include "ops.h"

/* What a new thread needs to begin; given by its creator, taken by tw_birth_main. */
struct tw_birth {
    void *(*routine)(void *);
    int (*c11_routine)(void *); /* instead of routine */
    void *arg;
    uint32_t id;
    size_t stack_size;
    struct tw_birth *next;
};

/* Before the real create: the new thread's descriptor. NULL: not recording, or no room: forward untouched. */
struct tw_birth *tw_birth_prepare(const struct tw_birth *what, const pthread_attr_t *attr, uint32_t flags, uintptr_t pc, uintptr_t cfa);
/* In the child of a fork: another thread of the parent may have been changing the list of free ones. */
void tw_birth_forked(void);
/* After it; handle is only read when it worked. */
void tw_birth_done(struct tw_birth *s, uint32_t id, bool worked, pthread_t handle);
/* The start routine that is given to the real create, with the struct tw_birth as its argument. */
void *tw_birth_main(void *birth);
int tw_birth_c11_main(void *birth);

/* A join. begin: checks for misuse, publishes the wait. end: rc is what the real join returned; ETIMEDOUT and EBUSY count as given up. */
struct tw_joining {
    uint32_t id;        /* thread id; 0 unknown */
    bool waiting;
    uint16_t flags;     /* enum twatch_wait_flags */
    uintptr_t pc, cfa;
    uint64_t begin_ns;
    uint32_t held, held_site_stack; /* a lock held at the join that the other thread takes too: its object id and where that one took it */
};
void tw_birth_join_begin(struct tw_joining *j, pthread_t handle, uint64_t deadline_ns);
void tw_birth_join_end(struct tw_joining *j, int rc);
void tw_birth_detach(pthread_t handle, uintptr_t pc, uintptr_t cfa);
/* Before pthread_exit and thrd_exit. */
void tw_birth_exit(uintptr_t pc, uintptr_t cfa);

#endif
