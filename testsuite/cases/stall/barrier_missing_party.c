/* A barrier for three, and only two come. */
// HANGS
#include <pthread.h>

static pthread_barrier_t b;

static void *party(void *arg) {
    pthread_barrier_wait(&b); // EXPECT(stall): waits for a third
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_barrier_init(&b, NULL, 3);
    pthread_create(&t, NULL, party, NULL);
    pthread_create(&u, NULL, party, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
