/* A program without threads takes locks, and has nothing to report. */
// CLEAN
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

int main(void) {
    for (int i = 0; i < 10; i++) {
        pthread_mutex_lock(i % 2 ? &a : &b);
        pthread_mutex_lock(i % 2 ? &b : &a);
        pthread_mutex_unlock(&a);
        pthread_mutex_unlock(&b);
    }
    puts("done");
    return 0;
}
