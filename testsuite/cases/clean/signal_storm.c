/*
 * Many signals, also within handlers and on an alternate stack, in code of all shapes that is checked: short runs
 * before calls, atomics, string instructions, vectors, live flags. Whoever is interrupted must go on as if nothing had
 * been.
 */
// CLEAN
// OPTIONS: races=on
// FLAGS: -O2 -g
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 3, WORDS = 512, STORM = 3000 };

static atomic_uint hits, nested, turn, wrong, finished;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static uint32_t guarded[WORDS];

static void inner(int signal_number) {
    (void)signal_number;
    nested++;
}

static void outer(int signal_number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    if (hits++ % 4 == 0) raise(signal_number == SIGUSR1 ? SIGUSR2 : SIGUSR1);
}

/* A short run that ends in a call. */
__attribute__((noinline)) static uint32_t step(const uint32_t *x, uint32_t y) {
    __asm__ volatile("");
    return *x * 2654435761u + y;
}
/* Between the calls are runs that access nothing and move registers only: their originals stay. */
__attribute__((noinline)) static void pass(const void *p) {
    __asm__ volatile("" : "+D"(p));
}
__attribute__((noinline)) static void pass_often(const uint32_t *p) {
    for (unsigned n = *p + 20 * WORDS; n > 0; n--)
        pass(p), pass(p), pass(p), pass(p);
}
static uint32_t (*volatile any_step)(const uint32_t *, uint32_t) = step;

__attribute__((noinline)) static uint64_t round_of(uint32_t *a, uint32_t *b, atomic_uint *own) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < WORDS; i++)
        sum += step(&a[i], i);
    for (unsigned i = 0; i < WORDS; i++)
        sum ^= any_step(&a[i], (uint32_t)sum);
    pass_often(a);
    memcpy(b, a, WORDS * sizeof *a);
    for (unsigned i = 0; i < WORDS; i++)
        b[i] = (b[i] << 5 | b[i] >> 27) + a[(i * 7) % WORDS];
    unsigned __int128 wide = 0;
    for (unsigned i = 0; i + 1 < WORDS; i += 2)
        wide += ((unsigned __int128)b[i] << 64) + b[i + 1]; /* add, adc: flags that live over loads */
    for (unsigned i = 0; i < 32; i++) {
        atomic_fetch_add(own, b[i]);
        sum += atomic_exchange(own, (unsigned)sum);
        turn++;
    }
    pthread_mutex_lock(&m);
    for (unsigned i = 0; i < 64; i++)
        guarded[i]++;
    pthread_mutex_unlock(&m);
    return sum ^ (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

static void *work(void *arg) {
    stack_t alternate = {.ss_sp = malloc(1 << 17), .ss_size = 1 << 17};
    uint32_t *a = malloc(WORDS * sizeof *a), *b = malloc(WORDS * sizeof *b);
    uint64_t first = 0;
    sigaltstack(&alternate, NULL);
    for (unsigned i = 0; i < WORDS; i++)
        a[i] = i * i;
    for (unsigned n = 0; !finished; n++) {
        atomic_uint own = 0;
        uint64_t sum = round_of(a, b, &own);
        if (n == 0) first = sum;
        if (sum != first) wrong++;
    }
    alternate.ss_flags = SS_DISABLE;
    sigaltstack(&alternate, NULL);
    free(alternate.ss_sp);
    free(a);
    free(b);
    return arg;
}

int main(void) {
    pthread_t t[WORKERS];
    struct sigaction usual = {.sa_sigaction = outer, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};
    struct sigaction other = {.sa_sigaction = outer, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigaction(SIGUSR1, &usual, NULL);
    sigaction(SIGUSR2, &other, NULL);
    signal(SIGWINCH, inner);
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < STORM; i++) {
        pthread_kill(t[i % WORKERS], i % 5 ? SIGUSR1 : SIGUSR2);
        pthread_kill(t[(i + 1) % WORKERS], SIGWINCH);
        usleep(20);
    }
    finished = 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(t[i], NULL);
    printf("%s\n", wrong ? "wrong" : "right");
    return hits && nested && !wrong ? 0 : 1;
}
