/* Clients that ask main and wait for the answer, each at a condition variable of its own: no pool. */
// CLEAN
// NOROLE(pools): size>=1
#include "step.h"
#include <pthread.h>

enum { CLIENTS = 3, QUESTIONS = 15 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static struct client {
    pthread_cond_t answered;
    int question, answer;
} all[CLIENTS];
static int open_questions;

static void *client(void *arg) {
    struct client *c = arg;
    for (int i = 0; i < QUESTIONS; i++) {
        pthread_mutex_lock(&lock);
        c->question = 1;
        c->answer = 0;
        open_questions++;
        pthread_cond_signal(&asked);
        while (!c->answer)
            pthread_cond_wait(&c->answered, &lock);
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

int main(void) {
    pthread_t t[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        pthread_cond_init(&all[i].answered, NULL);
        pthread_create(&t[i], NULL, client, &all[i]);
    }
    for (int n = 0; n < CLIENTS * QUESTIONS; n++) {
        pthread_mutex_lock(&lock);
        while (!open_questions)
            pthread_cond_wait(&asked, &lock);
        open_questions--;
        int i = 0;
        while (!all[i].question)
            i++;
        all[i].question = 0;
        pthread_mutex_unlock(&lock);
        nap_ms(1);
        pthread_mutex_lock(&lock);
        all[i].answer = 1;
        pthread_cond_signal(&all[i].answered);
        pthread_mutex_unlock(&lock);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(t[i], NULL);
    return 0;
}
