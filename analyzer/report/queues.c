/* What threads are to each other: queues with their two sides, pools, semaphores, joins. */
#include "report/escape.h"
#include "report/textout.h"

#include <inttypes.h>
#include <string.h>

enum { QUEUES_ROWS = 20 };

struct queues {
    struct textout t;
    const struct roles *roles;
};

static void queues_line(const struct queues *x, unsigned indent, struct strbuf *b) {
    textout_indent(&x->t, indent);
    textout_wrap(&x->t, indent + 2, indent, strbuf_text(b));
    strbuf_free(b);
}

static void queues_says(const struct queues *x, struct role_says s) {
    for (size_t i = 0; i < s.n; i++) {
        struct strbuf b = {0};
        strbuf_printf(&b, "-> %s", s.at[i]);
        textout_ink(&x->t, TEXTOUT_CYAN);
        queues_line(x, 6, &b);
        textout_ink(&x->t, TEXTOUT_PLAIN);
    }
}

/* One list: all rows with --verbose. Returns how many are shown. */
static size_t queues_shown(const struct queues *x, size_t n) {
    return x->t.report->style.verbose || n < QUEUES_ROWS ? n : QUEUES_ROWS;
}

static void queues_more(const struct queues *x, size_t n) {
    if (queues_shown(x, n) < n) fprintf(x->t.out, "  ... %zu more (--verbose shows all)\n", n - queues_shown(x, n));
}

static void queues_heading(const struct queues *x, const char *text) {
    textout_put(&x->t, TEXTOUT_BOLD, text);
    putc('\n', x->t.out);
}

static void queues_named(struct strbuf *b, const char *kind, const char *name) {
    bool said = strncmp(name, kind, strlen(kind)) == 0;
    strbuf_printf(b, "%s%s%s", said ? "" : kind, said ? "" : " ", name);
}

static void queues_count(struct strbuf *b, uint64_t n, const char *one, const char *many) {
    strbuf_printf(b, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

/* ---- queues ---- */

static void queues_side(const struct queues *x, const char *does, const struct role_side *s, bool permits) {
    struct strbuf b = {0};
    const char *before = ": ";
    strbuf_printf(&b, "%s %s", does, s->name);
    if (s->nthreads != 1) strbuf_printf(&b, " (%u threads)", s->nthreads);
    if (s->posts) {
        strbuf_puts(&b, before);
        queues_count(&b, s->posts, permits ? "post" : "signal", permits ? "posts" : "signals");
        if (s->broadcasts) strbuf_printf(&b, " (%" PRIu64 " to all)", s->broadcasts);
        before = ", ";
    }
    if (s->waits || s->wait_ns) {
        strbuf_puts(&b, before);
        if (permits)
            strbuf_printf(&b, "took %" PRIu64 ", waited for %" PRIu64 " of them, ", s->waits, s->blocked);
        else
            strbuf_puts(&b, "waited "), queues_count(&b, s->waits, "time", "times"), strbuf_puts(&b, ", ");
        textout_duration(&b, s->wait_ns);
        strbuf_puts(&b, " in all, longest ");
        textout_duration(&b, s->wait_max_ns);
    }
    if (s->timeouts) strbuf_printf(&b, ", gave up %" PRIu64 " times", s->timeouts);
    if (!s->posts && !s->waits && !s->wait_ns) strbuf_puts(&b, ": never had to wait");
    queues_line(x, 6, &b);
}

static void queues_queue(const struct queues *x, const struct role_queue *q) {
    struct strbuf b = {0};
    bool permits = strcmp(q->kind, "semaphore") == 0;
    queues_named(&b, q->kind, q->name);
    if (q->mutex) strbuf_printf(&b, ", with mutex %s", q->mutex);
    if (q->room) strbuf_printf(&b, "; producers wait for room at %s", q->room);
    queues_line(x, 2, &b);
    for (size_t i = 0; i < q->nproducers; i++)
        queues_side(x, "produces:", &q->producers[i], permits);
    for (size_t i = 0; i < q->nconsumers; i++)
        queues_side(x, q->clear ? "consumes:" : "uses it:", &q->consumers[i], permits);
    queues_says(x, q->says);
}

/* ---- pools ---- */

/* How busy the workers were, in ten steps over the length of the run. */
static void queues_curve(struct strbuf *b, const struct role_pool *p) {
    strbuf_putc(b, '|');
    for (unsigned i = 0; i < ROLE_SLICES; i++)
        strbuf_putc(b, p->busy[i] == 0 ? '.' : p->busy[i] >= 95 ? '#' : (char)('0' + p->busy[i] / 10));
    strbuf_putc(b, '|');
}

/* How long tasks waited, and how that is known. */
static void queues_wait(const struct queues *x, const struct role_wait *w) {
    struct strbuf b = {0};
    if (!w->how) return;
    if (w->known == ROLE_UNKNOWN) {
        strbuf_printf(&b, "how long tasks waited for a worker is not known: %s", w->how);
        queues_line(x, 6, &b);
        return;
    }
    if (w->known == ROLE_ESTIMATED && !w->queued) {
        strbuf_puts(&b, "a worker stood ready for every task");
        queues_line(x, 6, &b);
        return;
    }
    strbuf_puts(&b, w->known == ROLE_ESTIMATED ? "a task waited about " : "a task waited ");
    textout_duration(&b, w->mean_ns);
    strbuf_printf(&b, " on average until a worker fetched it (%s)", w->how);
    if (w->met && w->met_mean_ns) {
        strbuf_printf(&b, "; %" PRIu64 " for which a worker stood ready: ", w->met);
        textout_duration(&b, w->met_mean_ns);
        strbuf_puts(&b, ", longest ");
        textout_duration(&b, w->met_max_ns);
    }
    if (w->queued && w->met) {
        strbuf_printf(&b, "; %" PRIu64 " for which none did: about ", w->queued);
        textout_duration(&b, w->queued_mean_ns);
    }
    queues_line(x, 6, &b);
}

static void queues_pool(const struct queues *x, const struct role_pool *p) {
    struct strbuf b = {0};
    strbuf_printf(&b, "%s: ", p->name);
    queues_count(&b, p->size, "worker", "workers");
    if (p->nthreads != p->size) strbuf_printf(&b, " at a time, %u in all", p->nthreads);
    strbuf_printf(&b, ", made by %s, idle at ", p->creator);
    queues_named(&b, p->queue_kind, p->queue);
    queues_line(x, 2, &b);
    strbuf_printf(&b,
            "busy %u %% of the time (from %u %% to %u %% each), not more than %u at once; woken with work %" PRIu64
            " times; longest idle ",
            p->busy_percent, p->idlest_percent, p->busiest_percent, p->max_busy, p->tasks);
    textout_duration(&b, p->idle_max_ns);
    if (p->found_nobody)
        strbuf_printf(&b, "; for %" PRIu64 " of %" PRIu64 " tasks announced no worker was waiting", p->found_nobody,
                p->announced);
    queues_line(x, 6, &b);
    queues_wait(x, &p->wait);
    strbuf_puts(&b, "busy over time (tenths; . none, # all) ");
    queues_curve(&b, p);
    queues_line(x, 6, &b);
    queues_says(x, p->says);
}

/* ---- semaphores ---- */

static void queues_semaphore(const struct queues *x, const struct role_semaphore *s) {
    struct strbuf b = {0};
    queues_named(&b, "semaphore", s->name);
    strbuf_printf(&b, ": %s", role_use_name(s->use));
    if (s->use == ROLE_BOUNDED) strbuf_printf(&b, " of %u permits", s->initial);
    if (s->use == ROLE_LOCK || s->use == ROLE_BOUNDED) strbuf_printf(&b, ", most in use %u", s->most_in_use);
    strbuf_puts(&b, "; ");
    queues_count(&b, s->nthreads, "thread", "threads");
    strbuf_printf(&b, ", taken %" PRIu64 ", given %" PRIu64, s->taken, s->given);
    if (s->blocked || s->wait_ns) {
        strbuf_puts(&b, ", waited for ");
        queues_count(&b, s->blocked, "time", "times");
        strbuf_puts(&b, ", longest ");
        textout_duration(&b, s->wait_max_ns);
    }
    if (s->timeouts) strbuf_printf(&b, ", gave up %" PRIu64 " times", s->timeouts);
    if (s->lost) {
        strbuf_puts(&b, "; ");
        queues_count(&b, s->lost, "permit", "permits");
        strbuf_puts(&b, " lost with threads that ended");
    }
    queues_line(x, 2, &b);
}

/* ---- joins ---- */

static void queues_join(const struct queues *x, const struct role_join *j) {
    struct strbuf b = {0};
    strbuf_printf(&b, "%s joined ", j->joiner);
    queues_count(&b, j->n, "thread", "threads");
    strbuf_printf(&b, " %s", j->joined);
    if (j->waited) {
        strbuf_printf(&b, ", and waited for %u of them, ", j->waited);
        textout_duration(&b, j->wait_ns);
        strbuf_puts(&b, " in all");
    }
    if (j->longest && j->n > 1) {
        strbuf_printf(&b, ", longest for thread %u: ", j->longest);
        textout_duration(&b, j->wait_max_ns);
    }
    queues_line(x, 2, &b);
    queues_says(x, j->says);
}

/* Of those with one name and no clear roles, the locks of the workers of a pool for one, the first stands for all. */
static void queues_all(const struct queues *x) {
    const struct roles *r = x->roles;
    size_t shown = queues_shown(x, r->nqueues);
    for (size_t i = 0; i < shown; i++) {
        const struct role_queue *q = &r->queues[i];
        size_t before = 0, alike = 0;
        for (size_t k = 0; k < shown && !q->clear && !x->t.report->style.verbose; k++)
            if (!r->queues[k].clear && strcmp(r->queues[k].name, q->name) == 0) {
                before += k < i;
                alike += k > i;
            }
        if (before) continue;
        queues_queue(x, q);
        if (alike)
            fprintf(x->t.out, "      ... %zu more of this name, where it is not clear either (--verbose shows all)\n",
                    alike);
    }
}

static void queues_run(struct queues *x) {
    const struct report_run *u = &x->t.report->runs[x->t.run];
    const struct roles *r = x->roles;
    const char *slash = u->exe ? strrchr(u->exe, '/') : NULL;
    struct strbuf b = {0};
    bool none = !r->nqueues && !r->npools && !r->nsemaphores && !r->njoins;
    strbuf_printf(&b, "Who waits for whom in %s (pid %d)%s",
            slash    ? slash + 1
            : u->exe ? u->exe
                     : "?",
            u->pid, none ? ": no queues, pools, semaphores or joins" : "");
    queues_heading(x, strbuf_text(&b));
    strbuf_free(&b);
    if (r->nqueues) queues_heading(x, "Queues");
    queues_all(x);
    queues_more(x, r->nqueues);
    if (r->npools) queues_heading(x, "Pools");
    for (size_t i = 0; i < queues_shown(x, r->npools); i++)
        queues_pool(x, &r->pools[i]);
    queues_more(x, r->npools);
    if (r->nsemaphores) queues_heading(x, "Semaphores");
    for (size_t i = 0; i < queues_shown(x, r->nsemaphores); i++)
        queues_semaphore(x, &r->semaphores[i]);
    queues_more(x, r->nsemaphores);
    if (r->njoins) queues_heading(x, "Joins");
    for (size_t i = 0; i < queues_shown(x, r->njoins); i++)
        queues_join(x, &r->joins[i]);
    queues_more(x, r->njoins);
    putc('\n', x->t.out);
}

void report_print_queues(FILE *out, const struct report *r) {
    struct queues x = {.t = {.out = out, .report = r, .width = r->style.width ? r->style.width : 100}};
    for (size_t i = 0; i < r->nruns; i++) {
        if (r->runs[i].across || !r->runs[i].roles) continue;
        x.t.run = (uint32_t)i;
        x.roles = r->runs[i].roles;
        queues_run(&x);
    }
}
