/* The seed on thread-locals: each thread has its own value, and a destructor gives it back. */
// CLEAN
// OPTIONS: races=on
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_key_t local;
static __thread int calls;

static void *func(void *name) {
    pthread_setspecific(local, strdup(name));
    calls++;
    return strcmp(pthread_getspecific(local), name) || calls != 1 ? name : NULL;
}

int main(void) {
    pthread_t t1, t2;
    void *wrong1, *wrong2;
    pthread_key_create(&local, free);
    pthread_create(&t1, NULL, func, "haibo");
    pthread_create(&t2, NULL, func, "lina");
    pthread_join(t1, &wrong1);
    pthread_join(t2, &wrong2);
    pthread_key_delete(local);
    puts(wrong1 || wrong2 ? "mixed up" : "each its own");
    return 0;
}
