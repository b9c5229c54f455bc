/*
 * Takes pairs of locks, a new pair each round, and writes the number of the pair into a file after the pair was given
 * back. Killed at a random moment, its record must hold every dependency up to the last number that was written.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAIRS = 200000 };
static struct { pthread_mutex_t first, second; } pairs[PAIRS];

static void *work(void *arg) {
    int fd = *(int *)arg;
    for (uint32_t i = 0; i < PAIRS; i++) {
        pthread_mutex_lock(&pairs[i].first);
        pthread_mutex_lock(&pairs[i].second);
        pthread_mutex_unlock(&pairs[i].second);
        pthread_mutex_unlock(&pairs[i].first);
        uint32_t done = i + 1;
        if (pwrite(fd, &done, sizeof done, 0) != sizeof done) abort();
    }
    return NULL;
}

int main(int argc, char **argv) {
    int fd = open(argc > 1 ? argv[1] : "progress", O_RDWR | O_CREAT | O_TRUNC, 0600);
    pthread_t t;
    pthread_create(&t, NULL, work, &fd);
    pthread_join(t, NULL);
    return 0;
}
