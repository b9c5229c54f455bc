/* A barrier for nobody. */
#include <errno.h>
#include <pthread.h>

static void *nothing(void *arg) {
    return arg;
}

int main(void) {
    pthread_barrier_t b;
    pthread_t t;
    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
    int result = pthread_barrier_init(&b, NULL, 0); // EXPECT(barrier-misuse): a count of zero
    return result == EINVAL ? 0 : 1;
}
