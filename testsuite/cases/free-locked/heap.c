/* The block is freed while the lock in it is held. */
#include <pthread.h>
#include <stdlib.h>

struct session {
    pthread_mutex_t lock;
    char name[40];
};

static void *work(void *arg) {
    struct session *s = malloc(sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_lock(&s->lock); // EXPECT(free-locked): taken here
    free(s);                      // EXPECT(free-locked): freed here
    return arg;
}

// ALLOW(lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
