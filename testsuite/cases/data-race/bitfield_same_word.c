/* Two bit-fields of one word: writing one rewrites the other. Once each, and often at the same moment. */
// OFTEN: 60
#include <pthread.h>

static struct {
    unsigned ready : 1;
    unsigned done : 1;
} flags;

static volatile int kept;

static void *one(void *arg) {
    flags.ready = 1; // EXPECT(data-race): the word
    return arg;
}

static void *two(void *arg) {
    flags.done = 1; // EXPECT(data-race): the same word
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, one, NULL);
    pthread_create(&u, NULL, two, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    kept = (int)(flags.ready + flags.done);
    return 0;
}
