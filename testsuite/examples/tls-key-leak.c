#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_key_t name;

static void *worker(void *arg) {
    pthread_setspecific(name, strdup(arg));
    return NULL;
}

int main(void) {
    pthread_t t1, t2;
    pthread_key_create(&name, NULL);
    pthread_create(&t1, NULL, worker, "haibo");
    pthread_create(&t2, NULL, worker, "lina");
    pthread_join(t1, NULL);
    pthread_join(t2, NULL);
    return 0;
}
