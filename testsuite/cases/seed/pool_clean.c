/* The seed on pools: threads made beforehand that sleep until a task comes. Right size, tasks that need no other task.
 */
// CLEAN
#include "step.h"
#include "queue.h"
#include <stdint.h>
#include <stdio.h>

enum { WORKERS = 4, TASKS = 100 };
static struct queue tasks = QUEUE_INIT;
static _Atomic long sum;

static void *worker(void *arg) {
    for (void *task; (task = queue_get(&tasks));)
        sum += (intptr_t)task;
    return arg;
}

int main(void) {
    pthread_t t[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&t[i], NULL, worker, NULL);
    for (intptr_t i = 1; i <= TASKS; i++)
        queue_put(&tasks, (void *)i);
    queue_close(&tasks);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(t[i], NULL);
    printf("sum %ld\n", (long)sum);
    return 0;
}
