/* Initialised by whoever comes first, guarded by pthread_once. */
// CLEAN
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t m;
static int n;

static void init(void) {
    pthread_mutex_init(&m, NULL);
}

static void *work(void *arg) {
    pthread_once(&once, init);
    pthread_mutex_lock(&m);
    n++;
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    return n == 4 ? 0 : 1;
}
