#include "report/layout.h"

#include "base/hash.h"
#include "base/strbuf.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    LAYOUT_EACH_MS = 1000, /* for one drawing: the usual one takes less than one */
    LAYOUT_ALL_MS = 2000,  /* for all of a report */
    LAYOUT_MESSAGE = 1 << 20,
    LAYOUT_MARGIN = 12, /* pixels around the drawing */
    LAYOUT_CURVED = 70, /* edges up to which Graphviz finds their ways around the boxes: beyond it takes seconds */
    LAYOUT_LABEL = 16   /* pixels: height of the text beside an edge */
};

struct layout_reply { /* most findings are of a few shapes */
    char *request, *text;
    UT_hash_handle hh;
};

static struct {
    bool on;
    pid_t pid; /* 0: no process */
    int fd;
    double left_ms; /* of LAYOUT_ALL_MS */
    char why[160];  /* "": all went well */
    struct layout_reply *replies;
} layout;

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static double layout_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool layout_put(int fd, const void *bytes, size_t n) {
    for (const char *at = bytes; n;) {
        ssize_t done = send(fd, at, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        at += done, n -= (size_t)done;
    }
    return true;
}

/* `until`: in layout_now()'s time; negative: no limit. */
static bool layout_get(int fd, void *bytes, size_t n, double until) {
    for (char *at = bytes; n;) {
        double left = until < 0 ? -1 : until - layout_now();
        if (until >= 0 && left <= 0) return false;
        int ready = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, until < 0 ? -1 : (int)left + 1);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        ssize_t done = recv(fd, at, n, 0);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        at += done, n -= (size_t)done;
    }
    return true;
}

bool layout_send(int fd, const char *text, size_t n) {
    uint32_t length = (uint32_t)n;
    return n <= LAYOUT_MESSAGE && layout_put(fd, &length, sizeof length) && layout_put(fd, text, n);
}

bool layout_receive(int fd, char **text, int ms) {
    double until = ms < 0 ? -1 : layout_now() + ms;
    uint32_t length;
    if (!layout_get(fd, &length, sizeof length, until) || length > LAYOUT_MESSAGE) return false;
    *text = mem_new((size_t)length + 1, 1);
    if (layout_get(fd, *text, length, until)) return true;
    free(*text);
    return false;
}

/* ---- the other process ------------------------------------------------------------------------------------------- */

static void layout_stop(void) {
    if (!layout.pid) return;
    close(layout.fd);
    kill(layout.pid, SIGKILL);
    while (waitpid(layout.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    layout.pid = 0;
}

static bool layout_start(void) {
    int pair[2];
    if (layout.pid) return true;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
    layout.pid = fork();
    if (layout.pid == 0) {
        close(pair[0]);
        layout_serve(pair[1]);
    }
    close(pair[1]);
    layout.fd = pair[0];
    if (layout.pid > 0) return true;
    layout.pid = 0;
    close(pair[0]);
    return false;
}

/* NULL: no answer, and layout.why says why. */
static char *layout_ask(const char *request, size_t n) {
    double start = layout_now();
    char *reply = NULL;
    if (!layout_start()) {
        snprintf(layout.why, sizeof layout.why, "there was no process for it");
        return NULL;
    }
    int ms = layout.left_ms < LAYOUT_EACH_MS ? (int)layout.left_ms : LAYOUT_EACH_MS;
    bool good = layout_send(layout.fd, request, n) && layout_receive(layout.fd, &reply, ms);
    layout.left_ms -= layout_now() - start;
    if (!good) {
        snprintf(layout.why, sizeof layout.why, "it failed or took too long for some of them");
        layout_stop();
        return NULL;
    }
    if (reply[0] != '!') return reply;
    snprintf(layout.why, sizeof layout.why, "%s", reply + 1);
    layout.left_ms = 0; /* what it lacks it will go on lacking */
    free(reply);
    return NULL;
}

static const char *layout_reply(const struct strbuf *request) {
    struct layout_reply *r;
    HASH_FIND(hh, layout.replies, strbuf_text(request), request->n, r);
    if (r) return r->text;
    if (layout.left_ms < 1) {
        if (!*layout.why) snprintf(layout.why, sizeof layout.why, "it took too long for all of them");
        return NULL;
    }
    char *text = layout_ask(strbuf_text(request), request->n);
    if (!text) return NULL;
    r = mem_new(1, sizeof *r);
    r->request = strdup(strbuf_text(request));
    if (!r->request) mem_out();
    r->text = text;
    HASH_ADD_KEYPTR(hh, layout.replies, r->request, request->n, r);
    return text;
}

void layout_open(void) {
    layout.on = true;
    layout.left_ms = LAYOUT_ALL_MS;
    layout.why[0] = 0;
}

const char *layout_close(void) {
    struct layout_reply *r, *next;
    HASH_ITER(hh, layout.replies, r, next) {
        HASH_DEL(layout.replies, r);
        free(r->request);
        free(r->text);
        free(r);
    }
    layout_stop();
    layout.on = false;
    return *layout.why ? layout.why : NULL;
}

/* ---- requests and replies ---------------------------------------------------------------------------------------- */

/* The ends of the edges, a line each; then the graph, in inches. Few nodes stand side by side, as a sentence is read;
 * many one below the other, so that the drawing is not wider than the page. */
static void layout_request(const struct layout *l, struct strbuf *b) {
    for (size_t i = 0; i < l->nedges; i++)
        strbuf_printf(b, "%zu %zu\n", l->edges[i].from, l->edges[i].to);
    strbuf_printf(b,
            "digraph{graph[rankdir=%s nodesep=.4 ranksep=.35 maxiter=500 nslimit=2 nslimit1=2 "
            "mclimit=.5 splines=%s]node[shape=box "
            "fixedsize=true label=\"\"]\n",
            l->nnodes > 3 ? "TB" : "LR", l->nedges > LAYOUT_CURVED ? "line" : "spline");
    for (size_t i = 0; i < l->nnodes; i++)
        strbuf_printf(b, "%zu[width=%.2f height=%.2f]\n", i, l->nodes[i].width / 72, l->nodes[i].height / 72);
    for (size_t i = 0; i < l->nedges; i++)
        strbuf_printf(b,
                "%zu->%zu[key=\"%zu\" label=<<table border=\"0\" fixedsize=\"true\" width=\"%.0f\" "
                "height=\"%d\"><tr><td></td></tr></table>>]\n",
                l->edges[i].from, l->edges[i].to, i, l->edges[i].label_width, LAYOUT_LABEL);
    strbuf_puts(b, "}");
}

/* The next number of a reply: "12.5", and what stands between two of them. */
static bool layout_number(const char **at, double *out) {
    while (**at == ' ' || **at == ',')
        ++*at;
    char *end;
    *out = strtod(*at, &end);
    if (end == *at || !isfinite(*out) || *out < -1e5 || *out > 1e5) return false;
    *at = end;
    return true;
}

/* Graphviz counts upwards from the bottom. */
static bool layout_point(const struct layout *l, const char **at, struct layout_point *out) {
    double x, y;
    if (!layout_number(at, &x) || !layout_number(at, &y)) return false;
    *out = (struct layout_point){x + LAYOUT_MARGIN, l->height - LAYOUT_MARGIN - y};
    return true;
}

/* "label e,tip start c1 c2 end c1 c2 end": the arrow's tip lies behind the end of the last curve. */
static bool layout_curve(const struct layout *l, struct arena *arena, const char **at, struct layout_edge *e) {
    struct layout_point tip, p;
    if (!layout_point(l, at, &e->label)) return false;
    while (**at == ' ')
        ++*at;
    if (strncmp(*at, "e,", 2) != 0) return false;
    *at += 2;
    if (!layout_point(l, at, &tip)) return false;
    size_t most = 4;
    for (const char *c = *at; *c && *c != '\n'; c++)
        most += *c == ',';
    struct layout_point *curve = arena_array(arena, most, sizeof *curve);
    size_t n = 0;
    while (**at && **at != '\n' && n < most - 3 && layout_point(l, at, &p))
        curve[n++] = p;
    if (n < 4 || n % 3 != 1 || **at != '\n') return false;
    p = curve[n - 1];
    for (int part = 1; part <= 3; part++)
        curve[n++] = (struct layout_point){p.x + (tip.x - p.x) * part / 3, p.y + (tip.y - p.y) * part / 3};
    e->curve = curve;
    e->ncurve = n;
    return true;
}

static bool layout_read(struct layout *l, struct arena *arena, const char *reply) {
    double left, bottom, right, top;
    const char *at = reply;
    if (!layout_number(&at, &left) || !layout_number(&at, &bottom) || !layout_number(&at, &right) ||
            !layout_number(&at, &top) || *at++ != '\n')
        return false;
    l->width = right + 2 * LAYOUT_MARGIN;
    l->height = top + 2 * LAYOUT_MARGIN;
    for (size_t i = 0; i < l->nnodes; i++)
        if (!layout_point(l, &at, &l->nodes[i].at) || *at++ != '\n') return false;
    for (size_t i = 0; i < l->nedges; i++)
        if (!layout_curve(l, arena, &at, &l->edges[i]) || *at++ != '\n') return false;
    return true;
}

void layout_do(struct layout *l, struct arena *arena) {
    struct strbuf request = {0};
    bool done = false;
    if (layout.on) {
        layout_request(l, &request);
        const char *reply = layout_reply(&request);
        done = reply && layout_read(l, arena, reply);
        if (reply && !done && !*layout.why)
            snprintf(layout.why, sizeof layout.why, "it did not answer for some of them");
    }
    if (!done) layout_ellipse(l, arena);
    strbuf_free(&request);
}
