/* A counter without a lock. In this run one thread is through before the other one comes, and an unrelated lock passes
 * from the first to the second: only lock sets see it. The time between the two is put there by sleeping. */
// MATRIX
// OPTIONS: hybrid=1
// OBJECT(data-race): hits
// MESSAGE(data-race): only a lock that happened to pass
#include <pthread.h>
#include <unistd.h>

static int hits;
static long logged;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void note(void) {
    pthread_mutex_lock(&log_lock);
#ifdef COUNTED
    logged++; /* a statistic that nobody looks at orders nothing */
#endif
    pthread_mutex_unlock(&log_lock);
}

static void *early(void *arg) {
    hits++; // EXPECT(data-race): the counter
    note();
    return arg;
}

static void *late(void *arg) {
    usleep(100000);
    note();
    hits++; // EXPECT(data-race): the counter
    return arg;
}

int main(void) {
    pthread_t t[2];
    pthread_create(&t[0], NULL, early, NULL);
    pthread_create(&t[1], NULL, late, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return hits != 2 || logged > 2;
}
