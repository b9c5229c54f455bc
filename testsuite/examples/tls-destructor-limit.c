#include <pthread.h>
#include <stdlib.h>

static pthread_key_t log_buffer;

static void flush(void *buffer) {
    free(buffer);
    pthread_setspecific(log_buffer, malloc(64)); /* logs that it is done */
}

static void *worker(void *arg) {
    pthread_setspecific(log_buffer, malloc(64));
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_key_create(&log_buffer, flush);
    pthread_create(&t, NULL, worker, NULL);
    pthread_join(t, NULL);
    return 0;
}
