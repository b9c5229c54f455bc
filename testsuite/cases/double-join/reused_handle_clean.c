/* The handle of a joined thread comes back for a later one, which is joined once. */
// CLEAN
#include <pthread.h>

static void *work(void *arg) {
    return arg;
}

int main(void) {
    for (int i = 0; i < 200; i++) {
        pthread_t t;
        pthread_create(&t, NULL, work, NULL);
        pthread_join(t, NULL);
    }
    return 0;
}
