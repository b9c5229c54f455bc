/* Workers whose queue is one pipe that all of them read. */
// CLEAN
// ROLE(pools): name=worker, size=3, tasks>=20, queue_kind=descriptor
// NOROLE(pools): says~w
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 3, TASKS = 45 };
static int ends[2];

static void nap_ms(long ms) {
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static void *worker(void *arg) {
    char c;
    while (read(ends[0], &c, 1) == 1 && c != 'q')
        nap_ms(10);
    return arg;
}

int main(void) {
    pthread_t t[WORKERS];
    if (pipe(ends) != 0) return 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&t[i], NULL, worker, NULL);
    for (int i = 0; i < TASKS; i++) {
        if (write(ends[1], ".", 1) != 1) return 1;
        nap_ms(15);
    }
    if (write(ends[1], "qqq", WORKERS) != WORKERS) return 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(t[i], NULL);
    return 0;
}
