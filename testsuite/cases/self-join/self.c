/* A thread joins itself; glibc refuses with EDEADLK. */
#include <errno.h>
#include <pthread.h>

static void *work(void *arg) {
    int result = pthread_join(pthread_self(), NULL); // EXPECT(self-join): here
    return result == EDEADLK ? arg : NULL;
}

int main(void) {
    pthread_t t;
    void *ok = NULL;
    pthread_create(&t, NULL, work, &t);
    pthread_join(t, &ok);
    return ok ? 0 : 1;
}
