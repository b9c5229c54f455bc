/* The ticket counter again and again for twenty seconds of processor time, watched by hardware watchpoints: two sellers are seen at it together. */
// FLAGS: -O2 -g
// OPTIONS: races=sample
// TIMEOUT: 240
// OBJECT(data-race): tickets_left
#include <pthread.h>
#include <time.h>

enum { SELLERS = 10, NS = 1000000000 };

static int tickets_left = 1 << 30, sold[SELLERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
extern int locked;

static void sell(int *mine) {
    if (tickets_left > 0) tickets_left -= 1, ++*mine; // EXPECT(data-race): the counter
}

static long ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * NS + now.tv_nsec;
}

static void *seller(void *arg) {
    while (ns() < 20L * NS)
        for (int i = 0; i < 1000; i++) {
            if (locked) pthread_mutex_lock(&lock);
            sell(arg);
            if (locked) pthread_mutex_unlock(&lock);
        }
    return arg;
}

#ifdef LOCKED
int locked = 1;
#else
int locked = 0;
#endif

int main(void) {
    pthread_t t[SELLERS];
    for (int i = 0; i < SELLERS; i++)
        pthread_create(&t[i], NULL, seller, &sold[i]);
    for (int i = 0; i < SELLERS; i++)
        pthread_join(t[i], NULL);
    return tickets_left == 1 << 30;
}
