/* Atomic flags of one and two bytes, which are read by movzx and movsx; between two looks the reader does something, so that it is no spin-wait loop. */
// CLEAN
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic(_Bool) ready;
static char apart1[64];
static _Atomic(signed char) small;
static char apart2[64];
static _Atomic(short) wide;
static char apart3[64];
static int first, second, third, looks;

static void look_again(void) {
    looks++; /* the reader's own */
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void *reader(void *sum) {
    while (!atomic_load_explicit(&ready, memory_order_acquire)) look_again();
    *(int *)sum += first;
    while (atomic_load_explicit(&small, memory_order_acquire) != -1) look_again();
    *(int *)sum += second;
    while (atomic_load_explicit(&wide, memory_order_acquire) != -2) look_again();
    *(int *)sum += third;
    return sum;
}

int main(void) {
    pthread_t t;
    int sum = apart1[0] + apart2[0] + apart3[0];
    pthread_create(&t, NULL, reader, &sum);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    first = 1;
    atomic_store_explicit(&ready, 1, memory_order_release);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    second = 2;
    atomic_store_explicit(&small, -1, memory_order_release);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    third = 3;
    atomic_store_explicit(&wide, -2, memory_order_release);
    pthread_join(t, NULL);
    printf("%d\n", sum);
    return 0;
}
