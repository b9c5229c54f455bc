/* A spin lock taken twice. */
// HANGS
#include <pthread.h>

static pthread_spinlock_t s;

static void *work(void *arg) {
    pthread_spin_lock(&s); // EXPECT(self-deadlock): taken here
    pthread_spin_lock(&s); // EXPECT(self-deadlock): the second request
    pthread_spin_unlock(&s);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_spin_init(&s, 0);
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
