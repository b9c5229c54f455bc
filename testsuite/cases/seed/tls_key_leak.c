/* Thread-specific memory under a key without destructor: each thread that ends leaves its value behind. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_key_t local;

static void *func(void *name) {
    pthread_setspecific(local, strdup(name)); // EXPECT(tls-key-leak): set here
    return NULL;
}

int main(void) {
    pthread_t t1, t2;
    pthread_key_create(&local, NULL);
    pthread_create(&t1, NULL, func, "haibo");
    pthread_create(&t2, NULL, func, "lina");
    pthread_join(t1, NULL);
    pthread_join(t2, NULL);
    puts("two strings lost");
    return 0;
}
