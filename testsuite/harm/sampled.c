/*
 * A program for races=sample. usage: sampled refuse ERRNO COMMAND...   runs COMMAND where perf_event_open fails so
 *                                    sampled close|closefrom|close_range|raw|often   two threads; closes all
 * descriptors in between sampled work MS                   two threads for so long After closing it says whether
 * watchpoints are open.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int refuse(int error, char **command) {
    struct sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) return 77;
    execvp(command[0], command);
    return 127;
}

static atomic_int stop;
static long shared[8];

static void *work(void *arg) {
    volatile long *mine = &shared[(long)arg];
    while (!stop) {
        for (int i = 0; i < 300000; i++)
            ++*mine;
        poll(NULL, 0, 0);
    }
    return NULL;
}

static void nap(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t))
        continue;
}

static int watchpoints(void) {
    int n = 0;
    char target[64];
    DIR *all = opendir("/proc/self/fd");
    for (const struct dirent *e; all && (e = readdir(all));) {
        ssize_t got = readlinkat(dirfd(all), e->d_name, target, sizeof target);
        if (got > 0 && memmem(target, (size_t)got, "perf_event", 10)) n++;
    }
    if (all) closedir(all);
    return n;
}

static int opened(void) { /* also sampling that rests comes back */
    int n = watchpoints();
    for (int waits = 0; waits < 400 && !n; waits++) {
        nap(10);
        n = watchpoints();
    }
    return n;
}

static void close_all(const char *how) {
    if (!strcmp(how, "close"))
        for (int fd = 3; fd < 4096; fd++)
            close(fd);
    if (!strcmp(how, "closefrom")) closefrom(3);
    if (!strcmp(how, "close_range")) close_range(3, ~0u, 0);
    if (!strcmp(how, "raw") || !strcmp(how, "often")) syscall(SYS_close_range, 3, ~0u, 0);
}

/* The watchpoints go, and the program computes to its end. */
static int late(void) {
    pthread_t t;
    stop = 1;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    if (!opened()) return 3;
    syscall(SYS_close_range, 3, ~0u, 0);
    puts("done");
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "late")) return late();
    if (argc > 3 && !strcmp(argv[1], "refuse")) return refuse(atoi(argv[2]), argv + 3);
    if (argc < 2) return 2;
    int often = !strcmp(argv[1], "often"), closes = strcmp(argv[1], "work") != 0, before = 0, after = 0, back = 0;
    pthread_t t[2];
    for (long i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, work, (void *)(i * 4));
    nap(argc > 2 ? atoi(argv[2]) : 0);
    for (int i = 0; closes && (often || !after) && i < (often ? 12 : 3);
            i++) { /* sampling may just begin to rest: several times. They may be back before the look, too */
        before = opened();
        if (!before) break;
        close_all(argv[1]);
        after = watchpoints();
        back = often ? 0 : opened();
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    fprintf(stderr, "watched %s, then %s, then %s\n", before ? "yes" : "no", after ? "yes" : "no", back ? "yes" : "no");
    puts("done");
    return 0;
}
