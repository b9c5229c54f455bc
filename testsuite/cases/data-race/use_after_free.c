/* One thread frees what another still reads. */
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

static int *block;
static int sum;

static void *reader(void *arg) {
    sum += block[3]; // EXPECT(data-race): read here
    return arg;
}

int main(void) {
    pthread_t t;
    block = calloc(16, sizeof *block);
    pthread_create(&t, NULL, reader, NULL);
    nap_ms(50);
    free(block); // EXPECT(data-race): freed here
    pthread_join(t, NULL);
    return 0;
}
