/* A pointer is published through a plain variable: the reader may see the pointer before what it points to. */
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

struct message {
    int length;
};
static struct message *box;
static int seen;

static void *reader(void *arg) {
    for (int i = 0; i < 200 && !seen; i++) {
        struct message *m = box; // EXPECT(data-race): the pointer
        if (m) seen = m->length;
        nap_ms(1);
    }
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, reader, NULL);
    nap_ms(20);
    struct message *m = malloc(sizeof *m);
    m->length = 5;
    box = m; // EXPECT(data-race): published here
    pthread_join(t, NULL);
    return 0;
}
