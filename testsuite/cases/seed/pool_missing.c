/* A thread for each small task: more time goes into making and ending threads than into the tasks. */
#include <pthread.h>
#include <stdio.h>

enum { TASKS = 3000 };
static long sum;

static void *task(void *arg) {
    sum += *(long *)arg;
    return NULL;
}

int main(void) {
    for (long i = 1; i <= TASKS; i++) {
        pthread_t t;
        pthread_create(&t, NULL, task, &i); // EXPECT(thread-churn): created here
        pthread_join(t, NULL);
    }
    printf("sum %ld\n", sum);
    return 0;
}
