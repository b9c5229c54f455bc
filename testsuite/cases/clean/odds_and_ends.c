/* Names of threads, spin trylock, timed rwlocks, raw futex calls, loading and unloading, keys. */
// CLEAN
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int word;
static pthread_spinlock_t spin;
static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static pthread_key_t key;

static int count_module(struct dl_phdr_info *info, size_t size, void *n) {
    (void)info, (void)size;
    ++*(int *)n;
    return 0;
}

static void *waiter(void *arg) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 5;
    pthread_setname_np(pthread_self(), "waiter");
    pthread_setspecific(key, malloc(8));
    if (pthread_spin_trylock(&spin) == 0) pthread_spin_unlock(&spin);
    if (pthread_rwlock_timedrdlock(&l, &limit) == 0) pthread_rwlock_unlock(&l);
    while (!word)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return arg;
}

int main(void) {
    pthread_t t;
    int modules = 0, ends[2];
    prctl(PR_SET_NAME, "first");
    pthread_key_create(&key, free);
    pthread_spin_init(&spin, 0);
    pthread_create(&t, NULL, waiter, NULL);
    for (int i = 0; i < 3; i++) {
        void *m = dlopen("libm.so.6", RTLD_NOW);
        if (m) dlclose(m);
    }
    dl_iterate_phdr(count_module, &modules);
    if (pipe2(ends, O_CLOEXEC) == 0) close(ends[0]), close(ends[1]);
    usleep(20000);
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    pthread_join(t, NULL);
    pthread_key_delete(key);
    return modules > 2 ? 0 : 1;
}
