#include <pthread.h>
#include <unistd.h>

static pthread_key_t session;

static void *worker(void *arg) {
    usleep(100000);
    pthread_setspecific(session, arg);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_key_create(&session, NULL);
    pthread_create(&t, NULL, worker, &t);
    pthread_key_delete(session);
    pthread_join(t, NULL);
    return 0;
}
