/* A join while holding the lock that the joined thread takes: it went well, since the thread had been there before. */
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int done;

static void *target(void *arg) {
    pthread_mutex_lock(&lock);
    done++;
    pthread_mutex_unlock(&lock);
    step(1);
    nap_ms(200); /* still there when the join begins */
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, target, NULL);
    await(1);
    pthread_mutex_lock(&lock);
    pthread_join(t, NULL); // EXPECT(join-holding-lock): join
    printf("done %d\n", done);
    pthread_mutex_unlock(&lock);
    return 0;
}
