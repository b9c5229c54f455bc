/* A normal mutex taken again by its holder. */
// HANGS
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void log_line(void) {
    pthread_mutex_lock(&m); // EXPECT(self-deadlock): the second request
    pthread_mutex_unlock(&m);
}

static void *work(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(self-deadlock): taken here
    log_line();             // EXPECT(self-deadlock): called from here
    pthread_mutex_unlock(&m);
    return arg;
}

// OBJECT(self-deadlock): m
// COUNT(self-deadlock): 1
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
