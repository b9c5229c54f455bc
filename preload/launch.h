/*
 * Starts a program and waits for it so that nothing in the watched process can tell: no SIGCHLD, no child that a wait()
 * of the program could reap, no descriptor of the program left open in it, no allocation, no libc. For the analyzer, at
 * the end of the process and when it hangs.
 */
#ifndef TW_LAUNCH_H
#define TW_LAUNCH_H

#include "sys.h"

struct tw_launch {
    const char *path;
    const char *const *argv;
    char *const *envp;
    uint64_t limit_ns; /* how long the caller waits */
    bool kill;         /* ends the program when the limit is over; otherwise it goes on by itself */
};

enum { TW_LAUNCH_FAILED = -1, TW_LAUNCH_LATE = -2 };

/* The exit status (a signal as 128 + number), TW_LAUNCH_FAILED when the program could not be started, TW_LAUNCH_LATE
   after the limit. One at a time: a second caller waits for the first. What the program writes on stdout goes to
   stderr; its stdin is empty. */
int tw_launch(const struct tw_launch *s);
void tw_launch_forked(void);

#endif
