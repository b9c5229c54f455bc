/* The destructor of a thread-specific value gives the lock back, after the start routine has returned. */
// CLEAN
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;

static void give_back(void *lock) {
    pthread_mutex_unlock(lock);
}

static void *work(void *arg) {
    pthread_mutex_lock(&m);
    pthread_setspecific(key, &m);
    return arg;
}

int main(void) {
    pthread_key_create(&key, give_back);
    for (int i = 0; i < 10; i++) {
        pthread_t t;
        pthread_create(&t, NULL, work, NULL);
        pthread_join(t, NULL);
    }
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    return 0;
}
