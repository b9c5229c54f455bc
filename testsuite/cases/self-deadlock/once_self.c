/* An initialiser that calls its own pthread_once. */
// HANGS
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int depth;

static void init(void) {
    if (depth++ == 0) pthread_once(&once, init); // EXPECT(self-deadlock): waits for itself
}

static void *start(void *arg) {
    pthread_once(&once, init);
    depth++;
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, start, NULL);
    pthread_join(t, NULL);
    return 0;
}
