/* A detached thread is in the middle of a large write to a file when main returns: the file lacks the rest. */
// SEVERITY(daemon-killed): error
// MESSAGE(daemon-killed): was still writing to a file when the process ended
#include "step.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static char page[1 << 20];

static void *save(void *arg) {
    FILE *f = tmpfile();
    if (!f) abort();
    for (int i = 0;; i = (i + 1) % 200) {
        if (i == 0) rewind(f);
        if (fwrite(page, sizeof page, 1, f) != 1) abort();
        if (i == 3) step(1);
    }
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, save, NULL); // EXPECT(daemon-killed)
    pthread_detach(t);
    await(1);
    return 0;
}
