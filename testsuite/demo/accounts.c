/*
 * Two transfers between the same two accounts, in opposite directions. `accounts` runs them one after the other: nothing hangs, and twatch
 * tells that it can. `accounts meet` lets each wait until the other has taken its first lock: it hangs, and twatch tells who waits for whom.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct account {
    const char *owner;
    long balance;
    pthread_mutex_t lock;
};
static struct account accounts[2] = {{"Ada", 100, PTHREAD_MUTEX_INITIALIZER}, {"Grace", 100, PTHREAD_MUTEX_INITIALIZER}};
static int meet;
static _Atomic int inside;

static void transfer(struct account *from, struct account *to, long amount) {
    pthread_mutex_lock(&from->lock);
    inside++;
    while (meet && inside < 2) usleep(100);
    pthread_mutex_lock(&to->lock);
    from->balance -= amount;
    to->balance += amount;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

static void *there(void *arg) {
    transfer(&accounts[0], &accounts[1], 10);
    return arg;
}

static void *back(void *arg) {
    if (!meet) usleep(50000);
    transfer(&accounts[1], &accounts[0], 10);
    return arg;
}

int main(int argc, char **argv) {
    pthread_t a, b;
    meet = argc > 1 && strcmp(argv[1], "meet") == 0;
    pthread_create(&a, NULL, there, NULL);
    pthread_create(&b, NULL, back, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    printf("%s has %ld, %s has %ld\n", accounts[0].owner, accounts[0].balance, accounts[1].owner, accounts[1].balance);
    return 0;
}
