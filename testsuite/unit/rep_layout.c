/*
 * Drawings laid out by Graphviz and without it: boxes inside the drawing and not on each other, every arrow from one
 * box to the other, its text beside it; as many nodes and edges as there may be in their time; one that does not answer
 * is given up. The second way is a run of this program with a libgvc.so.6 that cannot be loaded before the real one.
 */
#include "base/mem.h"
#include "report/layout.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;

#define OK(condition, ...)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            failures++;                                                                                                \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
        }                                                                                                              \
    } while (0)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool inside(const struct layout *l, struct layout_point p) {
    return p.x >= 0 && p.y >= 0 && p.x <= l->width && p.y <= l->height;
}

/* How far a point lies outside of a box; negative inside. */
static double away(const struct layout_node *n, struct layout_point p) {
    return fmax(fabs(p.x - n->at.x) - n->width / 2, fabs(p.y - n->at.y) - n->height / 2);
}

static void judge(const struct layout *l, const char *name) {
    for (size_t i = 0; i < l->nnodes; i++) {
        const struct layout_node *a = &l->nodes[i];
        OK(inside(l, (struct layout_point){a->at.x - a->width / 2, a->at.y - a->height / 2}) &&
                        inside(l, (struct layout_point){a->at.x + a->width / 2, a->at.y + a->height / 2}),
                "%s: box %zu is outside of the drawing", name, i);
        for (size_t k = 0; k < i && l->nnodes < 8; k++) {
            const struct layout_node *b = &l->nodes[k];
            OK(fabs(a->at.x - b->at.x) >= (a->width + b->width) / 2 ||
                            fabs(a->at.y - b->at.y) >= (a->height + b->height) / 2,
                    "%s: boxes %zu and %zu overlap", name, k, i);
        }
    }
    for (size_t i = 0; i < l->nedges; i++) {
        const struct layout_edge *e = &l->edges[i];
        OK(e->ncurve >= 4 && e->ncurve % 3 == 1, "%s: edge %zu has %zu points", name, i, e->ncurve);
        if (l->nnodes > 20) continue; /* on the ellipse so many lie on each other */
        OK(fabs(away(&l->nodes[e->from], e->curve[0])) < 8, "%s: edge %zu does not start at its box", name, i);
        OK(fabs(away(&l->nodes[e->to], e->curve[e->ncurve - 1])) < 8, "%s: edge %zu does not end at its box", name, i);
        OK(inside(l, e->label), "%s: the text of edge %zu is outside of the drawing", name, i);
    }
}

/* A circle of n nodes, and `more` further edges; a loop at the first when `loop`. */
static void lay(size_t n, size_t more, bool loop, const char *name) {
    struct layout_node nodes[LAYOUT_NODES];
    struct layout_edge edges[LAYOUT_EDGES];
    struct layout l = {nodes, n, edges, 0, 0, 0};
    struct arena arena = {0};
    for (size_t i = 0; i < n; i++)
        nodes[i] = (struct layout_node){.width = 100, .height = 34};
    for (size_t i = 0; i < n && n > 1; i++)
        edges[l.nedges++] = (struct layout_edge){.from = i, .to = (i + 1) % n, .label_width = 60};
    for (size_t i = 0; i < more; i++)
        edges[l.nedges++] = (struct layout_edge){.from = i * 7 % n, .to = (i * 13 + 5) % n, .label_width = 40};
    if (loop) edges[l.nedges++] = (struct layout_edge){.from = 0, .to = 0, .label_width = 60};
    layout_do(&l, &arena);
    judge(&l, name);
    arena_free(&arena);
}

static void all(void) {
    lay(2, 0, false, "two");
    lay(1, 0, true, "itself");
    lay(3, 0, true, "three and a loop");
    lay(7, 4, false, "seven");
    double start = now();
    lay(LAYOUT_NODES, LAYOUT_EDGES - LAYOUT_NODES, false, "as many as there may be");
    OK(now() - start < 2, "the largest took %.1f s", now() - start);
}

/* The only child of this process. */
static pid_t child(void) {
    char path[64];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    FILE *in = fopen(path, "r");
    if (in && fscanf(in, "%d", &pid) != 1) pid = 0;
    if (in) fclose(in);
    return pid;
}

static int with(void) {
    layout_open();
    all();
    const char *why = layout_close();
    OK(!why, "with Graphviz: %s", why);
    /* One that stands still is given up within its time, and the drawing is made all the same. */
    layout_open();
    lay(2, 0, false, "before");
    pid_t pid = child();
    OK(pid > 0 && kill(pid, SIGSTOP) == 0, "there is no process to stop");
    double start = now();
    lay(5, 0, false, "while it stands still");
    OK(now() - start < 3, "given up only after %.1f s", now() - start);
    OK(child() == 0, "its process is still there");
    lay(6, 0, false, "after it stood still");
    OK(child() > 0, "it was not started again");
    kill(child(), SIGKILL);
    lay(4, 0, false, "after it was killed");
    why = layout_close();
    OK(why && strstr(why, "too long"), "nothing is said of what went wrong");
    OK(waitpid(-1, NULL, WNOHANG) < 0, "a process is left behind");
    return failures;
}

static int without(void) {
    layout_open();
    all();
    const char *why = layout_close();
    OK(why && strstr(why, "not installed"), "without Graphviz nothing is said of it: %s", why);
    all(); /* not opened: nobody is asked */
    OK(child() == 0, "a process was started");
    return failures;
}

int main(int argc, char **argv) {
    if (argc > 1) return without() != 0;
    char directory[] = "/tmp/rep_layout.XXXXXX", file[64];
    if (with() || !mkdtemp(directory)) return 1;
    snprintf(file, sizeof file, "%s/libgvc.so.6", directory);
    FILE *out = fopen(file, "w"); /* no library: the loader stops there */
    if (!out || fputs("nothing", out) < 0 || fclose(out) != 0) return 1;
    pid_t pid = fork();
    if (pid == 0) {
        setenv("LD_LIBRARY_PATH", directory, 1);
        execl("/proc/self/exe", argv[0], "without", NULL);
        _exit(125);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    unlink(file);
    rmdir(directory);
    return status != 0;
}
