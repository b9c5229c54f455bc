/* The mapping with the held lock in it is given back. */
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

static void *work(void *arg) {
    pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_mutex_init(m, NULL);
    pthread_mutex_lock(m); // EXPECT(free-locked): taken here
    munmap(m, 4096);       // EXPECT(free-locked): unmapped here
    return arg;
}

// ALLOW(lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
