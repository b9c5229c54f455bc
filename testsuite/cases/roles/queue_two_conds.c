/* A bounded buffer with a condition variable for items and one for room; the consumers are the slow side. */
// CLEAN
// ROLE(queues): name=buffer.filled, clear=true, producers=main, consumers=consumer, room=buffer.emptied, mutex=buffer.lock, says~consumers hold them up
// NOROLE(queues): name=buffer.emptied
// NOROLE(queues): says~the producers hold them up
#include "../seed/queue.h"
#include "step.h"
#include <stdint.h>

static struct queue buffer = QUEUE_INIT;

static void *consumer(void *arg) {
    while (queue_get(&buffer))
        nap_ms(4);
    return arg;
}

int main(void) {
    pthread_t c[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&c[i], NULL, consumer, NULL);
    for (intptr_t i = 1; i <= 60; i++)
        queue_put(&buffer, (void *)i);
    queue_close(&buffer);
    for (int i = 0; i < 2; i++)
        pthread_join(c[i], NULL);
    return 0;
}
