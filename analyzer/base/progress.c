#include "base/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_PATIENCE_MS = 1000, PROGRESS_EVERY_MS = 100, PROGRESS_LONGEST = 40, PROGRESS_NARROW = 24 };

static struct {
    const char *what; /* NULL: no work, or nobody to look at it */
    uint64_t total, done;
    int64_t next_ms; /* when it is drawn next */
    bool drawn, never;
} progress;

static int64_t progress_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool progress_terminal(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void progress_start(const char *what, uint64_t total) {
    progress_end();
    if (progress.never || !progress_terminal()) return;
    progress.what = what;
    progress.total = total;
    progress.done = 0;
    progress.next_ms = progress_now() + PROGRESS_PATIENCE_MS;
}

static void progress_draw(void) {
    struct winsize size;
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    char text[64], bar[PROGRESS_LONGEST + 1];
    uint64_t done = progress.total && progress.done > progress.total ? progress.total : progress.done;
    if (progress.total)
        snprintf(text, sizeof text, "%llu of %llu", (unsigned long long)done, (unsigned long long)progress.total);
    else
        snprintf(text, sizeof text, "%llu", (unsigned long long)done);
    /* The line must not reach the last column: a terminal that wraps there would keep a piece of it. */
    int room = columns - (int)(strlen("twatch:   [] ") + strlen(progress.what) + strlen(text)) - 1;
    if (columns < PROGRESS_NARROW || room < -2) return;
    if (room > PROGRESS_LONGEST) room = PROGRESS_LONGEST;
    if (!progress.total || room < 4)
        fprintf(stderr, "\r\033[Ktwatch: %s %s", progress.what, text);
    else {
        memset(bar, '.', (size_t)room);
        memset(bar, '#', (size_t)((double)done / (double)progress.total * room));
        fprintf(stderr, "\r\033[Ktwatch: %s [%.*s] %s", progress.what, room, bar, text);
    }
    fflush(stderr);
    progress.drawn = true;
}

void progress_step(uint64_t done) {
    if (!progress.what) return;
    progress.done = done;
    int64_t now = progress_now();
    if (now < progress.next_ms) return;
    progress.next_ms = now + PROGRESS_EVERY_MS;
    progress_draw();
}

void progress_found(void) {
    progress_step(progress.done + !progress.total);
}

void progress_alive(void) {
    progress_step(progress.done);
}

void progress_clear(void) {
    if (!progress.drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress.drawn = false;
}

void progress_end(void) {
    progress_clear();
    progress.what = NULL;
}

void progress_never(void) {
    progress_end();
    progress.never = true;
}
