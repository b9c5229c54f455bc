/* The program of the golden reports: its lines are quoted in them. It is not built. */
#include <pthread.h>

struct account {
    long balance;
    pthread_mutex_t lock;
};

static struct account accounts[2];
static int tickets_left = 100;

static void transfer(struct account *from, struct account *to, long amount) {
    pthread_mutex_lock(&from->lock);
	pthread_mutex_lock(&to->lock);
    from->balance -= amount;
    to->balance += amount;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

static void *run_first(void *unused) {
    transfer(&accounts[0], &accounts[1], 10);
    return unused;
}

static void *run_second(void *unused) {
    transfer(&accounts[1], &accounts[0], 20);
    return unused;
}

static void *sell(void *unused) {
    if (tickets_left > 0)
        tickets_left -= 1;
    return unused;
}

int main(void) {
    pthread_t threads[2];
    pthread_mutex_init(&accounts[0].lock, NULL);
    pthread_mutex_init(&accounts[1].lock, NULL);
    pthread_create(&threads[0], NULL, run_first, NULL);
    pthread_create(&threads[1], NULL, run_second, NULL);
    return 0;
}
