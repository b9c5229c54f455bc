/* One of ten threads leaves by a path on which the permit is not given back: four are left of five. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t permits;

static void *run(void *arg) {
    sem_wait(&permits); // EXPECT(sem-permit-leak): taken here
    if (*(int *)arg == 6) return NULL;
    sem_post(&permits);
    return NULL;
}

int main(void) {
    pthread_t t[10];
    int number[10], value;
    sem_init(&permits, 0, 5);
    for (int i = 0; i < 10; i++) {
        number[i] = i;
        pthread_create(&t[i], NULL, run, &number[i]);
        pthread_join(t[i], NULL);
    }
    sem_getvalue(&permits, &value);
    printf("%d permits\n", value);
    return 0;
}
