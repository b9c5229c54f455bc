/* The running child of `twatch run`: signals, the time limit, its end, and why it may not have been observed. */
#ifndef TWATCH_CMD_WATCH_H
#define TWATCH_CMD_WATCH_H

#include "base/arena.h"
#include "base/vec.h"
#include "cmd.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct watch {
    pid_t child;
    int raw_status;      /* of waitpid */
    uint64_t timeout_ns; /* 0 none */
    bool timed_out;
    uint64_t start_ns, end_ns;  /* CLOCK_MONOTONIC */
    struct timespec start_real; /* CLOCK_REALTIME_COARSE, by which file systems date files */
    sigset_t old_mask;
    VEC(struct record) snapshots;                   /* records of processes that lived when time was up */
    void (*find)(void *ctx, struct cmd_paths *out); /* the record files so far */
    void *ctx;
};

/* Blocks what is forwarded and SIGCHLD; before fork. The child restores. */
void watch_signals(struct watch *w);
void watch_signals_restore(struct watch *w);

/* Waits for the child's end; forwards signals; at the time limit takes snapshots of all records, then SIGTERM, and
 * SIGKILL two seconds later. */
void watch_wait(struct watch *w);

/* The child's exit status, 128 + n for a signal. */
int watch_status(const struct watch *w);

/* Puts the snapshot of the same process in place of a record that says less: the process ended because of the time
 * limit. */
void watch_swap(struct watch *w, struct record *record);

/* Was this file changed since the child was started? */
bool watch_is_newer(const struct watch *w, const char *path);

/* What the file of observed processes says: lines "PID PROGRAM", and "PID - WHY PROGRAM" for a program that was started
 * without the library (preload/unseen.h); the last line of a process counts. */
struct watch_seen {
    size_t observed;   /* processes, to their end */
    size_t left;       /* processes that were not, or that went on as a program that is not */
    size_t unrecorded; /* of those: worth a record that could not be written */
    size_t nprograms;
    const char **programs; /* of those, each once, at most WATCH_PROGRAMS: "/bin/busybox is linked statically" */
};
enum { WATCH_PROGRAMS = 20 };
struct watch_seen watch_seen(struct arena *a, const char *path);

/* One sentence: static, setuid, no program of this machine, ... */
const char *watch_why_unseen(struct arena *a, const char *command);

void watch_free(struct watch *w);

#endif
