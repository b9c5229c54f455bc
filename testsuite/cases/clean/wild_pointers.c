/*
 * Wild accesses fault as they do without the library, and nothing else does: null pointers, addresses that are none,
 * memory in a reservation of 8 TiB (as mariadbd makes it) whose shadow cannot be had. The handler goes after one fault
 * (SA_RESETHAND), or is taken back, and the process then dies of the next.
 */
// CLEAN
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESERVED_BITS = 43, USED = 1 << 18, STEP = 4096 };
typedef long pair __attribute__((vector_size(16)));

static sigjmp_buf back;
static volatile int faults;

static void on_fault(int number) {
    (void)number;
    faults++;
    siglongjmp(back, 1);
}

static void *nothing(void *arg) {
    return arg;
}

static __attribute__((noinline)) long read_at(volatile long *p) {
    return *p;
}
static __attribute__((noinline)) void write_at(volatile long *p) {
    *p = 5;
}
static __attribute__((noinline)) long pair_at(volatile pair *p) {
    pair x = *p;
    return x[0];
}
static __attribute__((noinline)) long add_at(long *p) {
    return __atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST);
}

static void touch(uintptr_t a, int how) {
    if (how == 0) read_at((volatile long *)a);
    if (how == 1) write_at((volatile long *)a);
    if (how == 2) pair_at((volatile pair *)(a & ~(uintptr_t)15));
    if (how == 3) add_at((long *)a);
}

static int must_fault(uintptr_t a, int how) {
    struct sigaction act = {.sa_handler = on_fault, .sa_flags = (int)SA_RESETHAND}, after;
    int before = faults;
    sigaction(SIGSEGV, &act, NULL);
    if (sigsetjmp(back, 1) == 0) touch(a, how);
    sigaction(SIGSEGV, NULL, &after);
    return faults == before + 1 && after.sa_handler == SIG_DFL;
}

static int dies(uintptr_t a, int by_raise, void (*first)(int)) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, first);
        signal(SIGSEGV, SIG_DFL);
        if (by_raise)
            raise(SIGSEGV);
        else
            write_at((volatile long *)a);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static int reservation(void) {
    char *p = mmap(NULL, 1ul << RESERVED_BITS, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return 1; /* a limit on address space */
    if (mprotect(p, USED, PROT_READ | PROT_WRITE) != 0) return 0;
    long sum = 0;
    for (int i = 0; i < USED; i += STEP) {
        write_at((volatile long *)(void *)(p + i));
        add_at((long *)(void *)(p + i));
        sum += read_at((volatile long *)(void *)(p + i)) + pair_at((volatile pair *)(void *)(p + i));
    }
    int good = sum == 12l * (USED / STEP) && must_fault((uintptr_t)p + USED, 0);
    return munmap(p, 1ul << RESERVED_BITS) == 0 && good;
}

int main(void) {
    static const uintptr_t wild[] = {0, 8, 4096, 0xdeadbeefdeadbeeful, ~(uintptr_t)7, 1ul << 63};
    pthread_t t;
    if (pthread_create(&t, NULL, nothing, NULL) != 0 || pthread_join(t, NULL) != 0) return 2;
    for (unsigned i = 0; i < sizeof wild / sizeof *wild; i++)
        for (int how = 0; how < 4; how++)
            if (!must_fault(wild[i], how)) return printf("no fault: %lx, %d\n", (unsigned long)wild[i], how), 3;
    if (!reservation()) return 4;
    if (!dies(8, 0, SIG_DFL) || !dies(8, 0, on_fault) || !dies(wild[3], 0, SIG_IGN) || !dies(0, 1, SIG_DFL)) return 5;
    return 0;
}
