/* The seed on producers and consumers: a buffer between them, with a mutex and two condition variables. */
// CLEAN
#include "step.h"
#include "queue.h"
#include <stdint.h>
#include <stdio.h>

enum { ITEMS = 200 };
static struct queue buffer = QUEUE_INIT;

static void *producer(void *arg) {
    for (intptr_t i = 1; i <= ITEMS; i++)
        queue_put(&buffer, (void *)i);
    return arg;
}

static void *consumer(void *arg) {
    for (void *item; (item = queue_get(&buffer));)
        *(long *)arg += (intptr_t)item;
    return NULL;
}

int main(void) {
    pthread_t p[2], c[2];
    long sum[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        pthread_create(&p[i], NULL, producer, NULL);
        pthread_create(&c[i], NULL, consumer, &sum[i]);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(p[i], NULL);
    queue_close(&buffer);
    for (int i = 0; i < 2; i++)
        pthread_join(c[i], NULL);
    printf("sum %ld\n", sum[0] + sum[1]);
    return 0;
}
