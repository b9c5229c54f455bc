/* Every worker of the pool waits for the result of a task that only a worker of the pool could run. */
// HANGS
// EXPECT(pool-starvation)
// ALLOW(stall, lost-wakeup)
#include "step.h"
#include "queue.h"
#include <stdint.h>
#include <stdio.h>

enum { WORKERS = 3, OUTER = 1, INNER = 2 };
static struct queue tasks = QUEUE_INIT;
static pthread_mutex_t result_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t result_ready = PTHREAD_COND_INITIALIZER;
static int results;

static void wait_for_result(int mine) {
    pthread_mutex_lock(&result_lock);
    while (results < mine)
        pthread_cond_wait(&result_ready, &result_lock); // EXPECT(pool-starvation): a worker waits
    pthread_mutex_unlock(&result_lock);
}

static void run(intptr_t task) {
    if (task == OUTER) {
        step_next();
        await(WORKERS);
        queue_put(&tasks, (void *)INNER);
        wait_for_result(1);
    } else {
        pthread_mutex_lock(&result_lock);
        results++;
        pthread_cond_broadcast(&result_ready);
        pthread_mutex_unlock(&result_lock);
    }
}

static void *worker(void *arg) {
    for (void *task; (task = queue_get(&tasks));)
        run((intptr_t)task);
    return arg;
}

int main(void) {
    pthread_t t[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&t[i], NULL, worker, NULL);
    for (int i = 0; i < WORKERS; i++)
        queue_put(&tasks, (void *)OUTER);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(t[i], NULL);
    puts("never");
    return 0;
}
