/* A library that only forwards: the least that any preloaded tool costs, and the measure of ours. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

/* Constructors of other libraries may run before ours. */
#define FORWARD(name, arguments, values)                                                                               \
    static __typeof__(name) *real_##name;                                                                              \
    __attribute__((visibility("default"))) int name arguments {                                                        \
        if (__builtin_expect(!real_##name, 0)) resolve();                                                              \
        return real_##name values;                                                                                     \
    }

static void resolve(void);

FORWARD(pthread_mutex_lock, (pthread_mutex_t * m), (m))
FORWARD(pthread_mutex_trylock, (pthread_mutex_t * m), (m))
FORWARD(pthread_mutex_unlock, (pthread_mutex_t * m), (m))
FORWARD(pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))
FORWARD(pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))
FORWARD(pthread_rwlock_unlock, (pthread_rwlock_t * l), (l))
FORWARD(pthread_spin_lock, (pthread_spinlock_t * s), (s))
FORWARD(pthread_spin_unlock, (pthread_spinlock_t * s), (s))
FORWARD(sem_wait, (sem_t * s), (s))
FORWARD(sem_post, (sem_t * s), (s))
FORWARD(sem_trywait, (sem_t * s), (s))
FORWARD(sem_clockwait, (sem_t * s, clockid_t c, const struct timespec *t), (s, c, t))
FORWARD(pthread_cond_timedwait, (pthread_cond_t * c, pthread_mutex_t *m, const struct timespec *t), (c, m, t))
FORWARD(pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t *m), (c, m))
FORWARD(pthread_cond_signal, (pthread_cond_t * c), (c))
FORWARD(pthread_cond_broadcast, (pthread_cond_t * c), (c))
FORWARD(pthread_create, (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *p), (t, a, f, p))
FORWARD(pthread_join, (pthread_t t, void **r), (t, r))

#define RESOLVE(name) real_##name = (__typeof__(real_##name))dlsym(RTLD_NEXT, #name)
#define RESOLVE_COND(name) real_##name = (__typeof__(real_##name))dlvsym(RTLD_NEXT, #name, "GLIBC_2.3.2")

__attribute__((constructor(101))) static void resolve(void) {
    RESOLVE(pthread_mutex_lock);
    RESOLVE(pthread_mutex_trylock);
    RESOLVE(pthread_mutex_unlock);
    RESOLVE(pthread_rwlock_rdlock);
    RESOLVE(pthread_rwlock_wrlock);
    RESOLVE(pthread_rwlock_unlock);
    RESOLVE(pthread_spin_lock);
    RESOLVE(pthread_spin_unlock);
    RESOLVE(sem_wait);
    RESOLVE(sem_post);
    RESOLVE(sem_trywait);
    RESOLVE(sem_clockwait);
    RESOLVE_COND(pthread_cond_timedwait);
    RESOLVE_COND(pthread_cond_wait);
    RESOLVE_COND(pthread_cond_signal);
    RESOLVE_COND(pthread_cond_broadcast);
    RESOLVE(pthread_create);
    RESOLVE(pthread_join);
}
