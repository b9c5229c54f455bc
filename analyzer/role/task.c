/*
 * How long tasks waited for a worker of their pool. What is known of it depends on what the tasks are announced by:
 *
 * - A signal that a waiting worker was there for is measured, to the return of the wait.
 * - Signals that reached nobody: the record has spans, from the first such signal to the next wait, before which a
 * worker saw that nothing was left. In between all workers are busy, and whenever one gets through with a task it
 * fetches the next: the n tasks of a span are taken to have been fetched evenly over it.
 * - A semaphore shows at each post how many tasks lie there. With all workers busy a task is fetched when so many tasks
 * have been finished; N workers who take s for a task finish one every s / N: Little's law, with the length that
 * arrivals see (Little, "A proof for the queuing formula L = lambda W", 1961; Wolff, "Poisson arrivals see time
 * averages", 1982).
 */
#include "role/build.h"

#include <string.h>

static uint64_t task_ns(double ns) { /* what a damaged record adds up to may be no time */
    return ns >= 0 && ns < 1e18 ? (uint64_t)ns : 0;
}

/* When a worker first found after `since` that nothing is left, and ended; else now. */
static uint64_t task_span_end(const struct build *b, const struct build_pool *p, uint64_t since) {
    uint64_t first = b->m->now_ns;
    for (size_t i = 0; i < p->n; i++) {
        const struct twatch_thread *t = model_thread(b->m, p->workers[i]);
        uint64_t end = t ? t->birth_ns + build_life(b->m, p->workers[i]) : 0;
        if (end > since && end < first) first = end;
    }
    return first;
}

/* Of the span that is not over: from its signals to their fetching, all together. */
static double task_of_span(const struct build *b, const struct build_pool *p, const struct twatch_queue *q) {
    uint64_t end = task_span_end(b, p, q->open_since_ns);
    double span = end > q->open_since_ns ? (double)(end - q->open_since_ns) : 0;
    double sum = (double)q->open * span / 2 - (double)q->open_ns;
    return sum > 0 ? sum : 0;
}

static void task_of_condition(const struct build *b, const struct build_pool *p, struct role_wait *out) {
    bool found = false;
    for (size_t i = 0; i < b->m->queues.n && !found; i++) {
        const struct twatch_queue *q = model_queue(b->m, i);
        if (!q->object || q->object != p->line->object) continue;
        double sum = (double)q->left_ns + (q->open && q->open_since_ns ? task_of_span(b, p, q) : 0);
        out->queued = q->left + q->open;
        if (out->queued) out->queued_mean_ns = task_ns(sum / (double)out->queued);
        out->met = q->met;
        if (q->met) out->met_mean_ns = q->met_ns / q->met;
        out->met_max_ns = q->met_max_ns;
        found = true;
    }
    uint64_t known = out->met + out->queued;
    if (known * 2 < p->announced || !known) {
        if (found) out->how = "most were announced by broadcasts, which do not say of how many";
        return;
    }
    out->known = out->queued ? ROLE_ESTIMATED : ROLE_MEASURED;
    out->how = out->queued ? "estimated from when they were announced and when nothing was left"
                           : "measured from the signal to its wake-up";
}

static void task_of_semaphore(
        const struct build *b, const struct build_pool *p, double each_ns, struct role_wait *out) {
    uint64_t posts = 0, lay = 0, nobody = 0;
    for (size_t i = 0; i < b->m->uses.n; i++) {
        const struct twatch_use *u = model_use(b->m, i);
        if (u->object != p->line->object) continue;
        posts += u->posts;
        nobody += u->posts_to_nobody;
        lay += u->broadcasts;
    }
    if (!posts || nobody > posts) return;
    out->queued = nobody;
    if (nobody) out->queued_mean_ns = task_ns((double)lay * each_ns / (double)nobody);
    out->met = posts - nobody;
    out->known = ROLE_ESTIMATED;
    out->how = "estimated from how many lay there when each was announced, and how fast the workers were";
}

void build_task_wait(const struct build *b, const struct build_pool *p, struct role_wait *out) {
    *out = (struct role_wait){.known = ROLE_UNKNOWN};
    double each_ns = p->announced && p->size ? (double)p->busy_ns / (double)p->announced / (double)p->size : 0;
    if (p->line->kind == TWATCH_OBJ_EVENTS)
        out->how = "what comes through the kernel is announced there";
    else if (p->line->crew)
        out->how = "each worker is woken by itself, and the task may have been announced elsewhere";
    else if (p->line->python)
        out->how = "in Python, what is put while no worker waits is announced to nobody";
    else if (p->line->kind == TWATCH_OBJ_COND)
        task_of_condition(b, p, out);
    else
        task_of_semaphore(b, p, each_ns, out);
    if (out->known == ROLE_UNKNOWN && !out->how) out->how = "the record does not have it";
    uint64_t n = out->met + out->queued;
    if (out->known != ROLE_UNKNOWN && n)
        out->mean_ns = task_ns(
                ((double)out->met * (double)out->met_mean_ns + (double)out->queued * (double)out->queued_mean_ns) /
                (double)n);
}
