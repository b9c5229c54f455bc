/* The seed on daemon threads, setDaemon(True): the process ends under the thread, which never says "end". */
// SEVERITY(daemon-killed): warning
// COUNT(daemon-killed): 1
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *worker(void *arg) {
    (void)arg;
    puts("start");
    step(1);
    nap_ms(20000);
    puts("end");
    return NULL;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL); // EXPECT(daemon-killed): created here
    pthread_detach(t);
    await(1);
    puts("main thread end");
    return 0;
}
