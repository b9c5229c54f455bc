/* The same buffer with a slow producer: the consumers stand idle. */
// CLEAN
// ROLE(queues): name=buffer.filled, clear=true, producers=producer, consumers=consumer, says~the producers hold them up, consumers_idle_percent>=50
// NOROLE(queues): says~consumers hold them up
#include "../seed/queue.h"
#include "step.h"
#include <stdint.h>

static struct queue buffer = QUEUE_INIT;

static void *producer(void *arg) {
    for (intptr_t i = 1; i <= 40; i++) {
        nap_ms(3);
        queue_put(&buffer, (void *)i);
    }
    return arg;
}

static void *consumer(void *arg) {
    while (queue_get(&buffer))
        continue;
    return arg;
}

int main(void) {
    pthread_t p, c[2];
    pthread_create(&p, NULL, producer, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&c[i], NULL, consumer, NULL);
    pthread_join(p, NULL);
    queue_close(&buffer);
    for (int i = 0; i < 2; i++)
        pthread_join(c[i], NULL);
    return 0;
}
