/* A member of a local variable of a function that main called, shared by its address; the function is still running. */
// MATRIX
// OBJECT(data-race): job.left[2] (on the stack of the main thread, in sell_out)
#include <pthread.h>

struct job {
    const char *name;
    int left[4];
};

static void *sell(void *arg) {
    struct job *job = arg;
    for (int i = 0; i < 100; i++)
        job->left[2] -= 1; // EXPECT(data-race): the counter
    return arg;
}

static __attribute__((noinline)) int sell_out(int tickets) {
    pthread_t t[2];
    struct job job = {"tickets", {0, 0, tickets, 0}};
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, sell, &job);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return job.left[2];
}

int main(void) {
    return sell_out(1000) > 1000;
}
