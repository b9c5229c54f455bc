/*
 * Generated from the table of interceptors: run under the library, every function of the table must resolve into
 * libtwatch.so, for a program that refers to it at link time as for one that looks it up.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "fortified.h"

/* In libstdc++, which C programs do not link. */
#pragma weak __cxa_guard_acquire
#pragma weak __cxa_guard_release
#pragma weak __cxa_guard_abort
extern int __cxa_guard_acquire(void *guard);
extern void __cxa_guard_release(void *guard);
extern void __cxa_guard_abort(void *guard);

static const struct {
    const char *name;
    void *linked;
} rows[] = {
#define INTERCEPT(function, need, version) {#function, (void *)function},
#include "interceptors.def"
#undef INTERCEPT
};

static int inside(void *address) {
    Dl_info info;
    return address && dladdr(address, &info) && info.dli_fname && strstr(info.dli_fname, "libtwatch.so");
}

int main(void) {
    int bad = 0;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* A weak row that this C program does not link has no address of its own. */
        int linked = !rows[i].linked || inside(rows[i].linked), found = inside(dlsym(RTLD_DEFAULT, rows[i].name));
        if (!linked || !found)
            printf("%s does not engage (%s)\n", rows[i].name, linked ? "by dlsym" : "by the linker"), bad++;
    }
    printf("%zu rows, %d that do not engage\n", sizeof rows / sizeof rows[0], bad);
    return bad != 0;
}
