/* Lives of threads: thread-leak, daemon-killed, thread-churn. */
#include "base/hash.h"
#include "check/check.h"
#include "finding/names.h"
#include "model/interval.h"
#include "model/locks.h"

#include <inttypes.h>
#include <string.h>

struct threads_group { /* threads of one origin */
    struct {
        uint32_t stack, how;
        uint64_t routine;
    } key;
    uint32_t first, n;
    enum severity severity;
    UT_hash_handle hh;
};

static struct threads_group *threads_group(
        struct threads_group **groups, uint32_t stack, uint64_t routine, uint32_t how) {
    struct threads_group probe = {0}, *g;
    probe.key.stack = stack;
    probe.key.routine = routine;
    probe.key.how = how;
    HASH_FIND(hh, *groups, &probe.key, sizeof probe.key, g);
    if (g) return g;
    g = mem_new(1, sizeof *g);
    g->key = probe.key;
    HASH_ADD(hh, *groups, key, sizeof g->key, g);
    return g;
}

static void threads_free(struct threads_group *groups) {
    struct threads_group *g, *next;
    HASH_ITER(hh, groups, g, next) {
        HASH_DEL(groups, g);
        free(g);
    }
}

/* ---- thread-leak ---- */

/* What becomes of the threads that CPython makes is its own affair: 3.13 leaves them joinable until their handle goes. */
static bool threads_leaked(const struct twatch_thread *t) {
    if (t->flags & TWATCH_THREAD_PYTHON_DONE) return false;
    bool ended =
            t->end == TWATCH_THREAD_RETURNED || t->end == TWATCH_THREAD_EXITED || t->end == TWATCH_THREAD_CANCELLED;
    return ended && !(t->flags & (TWATCH_THREAD_DETACHED | TWATCH_THREAD_DETACHED_BORN | TWATCH_THREAD_JOINED |
                                         TWATCH_THREAD_MAIN | TWATCH_THREAD_FOREIGN));
}

static void threads_leak_report(struct check *c, const struct threads_group *g) {
    const struct twatch_thread *t = model_thread(c->m, g->first);
    struct draft *d = draft_begin(c->out, check_rule(RULE_THREAD_LEAK), c->m);
    draft_finding(d)->count = g->n;
    uint32_t who = draft_thread(d, g->first);
    draft_step(d, who, ACTION_ENDS, -1, t->end_stack, 0, "never joined nor detached");
    if (t->parent) draft_step(d, draft_thread(d, t->parent), ACTION_CREATES, -1, t->create_stack, 0, NULL);
    if (g->n > 1)
        draft_message(
                d, "%u threads ended and were never joined nor detached, %s for one", g->n, draft_thread_name(d, who));
    else
        draft_message(d, "%s ended and was never joined nor detached", draft_thread_name(d, who));
    draft_end(d);
}

static void threads_leaks(struct check *c) {
    struct threads_group *groups = NULL, *g, *next;
    /* While it runs, a thread that was not joined yet may still be. */
    if (c->m->header->end == TWATCH_END_RUNNING || c->m->header->end == TWATCH_END_DEADLOCK) return;
    for (uint32_t i = 1; i < c->m->threads.n; i++) {
        const struct twatch_thread *t = model_thread(c->m, i);
        if (!t || !threads_leaked(t)) continue;
        g = threads_group(&groups, t->create_stack, t->start_routine, 0);
        if (!g->n++) g->first = i;
    }
    HASH_ITER(hh, groups, g, next) threads_leak_report(c, g);
    threads_free(groups);
}

/* ---- daemon-killed ---- */

/*
 * Workers of a pool: threads that have slept at a condition variable or semaphore before, with a sister of the same
 * start routine that does so now. Such a one may be met on its way to bed.
 */
struct threads_pool {
    uint64_t routine;
    UT_hash_handle hh;
};

struct threads_workers {
    struct threads_pool *idle; /* routines of which a thread sleeps with nothing in hand */
    bool *slept;               /* by thread */
    bool *listens;             /* by thread: it waits for a descriptor */
};

/* A semaphore that the thread made and took itself is no critical section: each thread of Python holds one for those who join it. */
static bool threads_own_signal(const struct check *c, const struct model_state *s, uint32_t k) {
    const struct twatch_object *o = model_object(c->m, s->held[k].object);
    return o && o->kind == TWATCH_OBJ_SEM && o->creator == s->thread;
}

/* The first lock that the thread holds; 0: none. */
static uint32_t threads_held(const struct check *c, const struct model_state *s) {
    for (uint32_t k = 0; s && k < s->nheld; k++)
        if (!threads_own_signal(c, s, k)) return s->held[k].object;
    return 0;
}

/* Nothing of the program is left in it, or only destructors that have nothing in hand. */
static bool threads_is_done(const struct check *c, const struct twatch_thread *t, uint32_t i) {
    if (t->flags & TWATCH_THREAD_PYTHON_DONE) return true;
    return t->flags & TWATCH_THREAD_LEAVING && !(t->flags & TWATCH_THREAD_WRITING) && !threads_held(c, model_state_of(c->m, i));
}

static bool threads_is_daemon(const struct check *c, uint32_t i) {
    const struct twatch_thread *t = model_thread(c->m, i);
    if (!t || (t->flags & (TWATCH_THREAD_MAIN | TWATCH_THREAD_FOREIGN)) || i == c->m->header->end_thread) return false;
    if (threads_is_done(c, t, i)) return false;
    return t->end == TWATCH_THREAD_PROCESS || (t->end == TWATCH_THREAD_RUNNING && model_state_of(c->m, i));
}

static bool threads_asleep(const struct check *c, const struct model_state *s) {
    return s && s->waiting && threads_held(c, s) == 0 &&
           (s->slot->wait_kind == TWATCH_OBJ_COND || s->slot->wait_kind == TWATCH_OBJ_SEM);
}

static struct threads_workers threads_workers(const struct check *c) {
    struct threads_workers w = {.slept = mem_new((size_t)c->m->threads.n + 1, sizeof *w.slept),
            .listens = mem_new((size_t)c->m->threads.n + 1, sizeof *w.listens)};
    for (size_t i = 0; i < c->m->uses.n; i++) {
        const struct twatch_use *u = model_use(c->m, i);
        const struct twatch_object *o = model_object(c->m, u->object);
        if (!model_thread(c->m, u->thread) || !o) continue;
        if (u->blocked && o->kind != TWATCH_OBJ_EVENTS) w.slept[u->thread] = true;
        if (interval_idle_since(c->m, u)) w.listens[u->thread] = true;
    }
    for (size_t i = 0; i < c->m->nstates; i++) {
        uint64_t routine = model_thread(c->m, c->m->states[i].thread)->start_routine;
        struct threads_pool *p = NULL;
        if (routine && threads_asleep(c, &c->m->states[i])) HASH_FIND(hh, w.idle, &routine, sizeof routine, p);
        if (p || !routine || !threads_asleep(c, &c->m->states[i])) continue;
        p = mem_new(1, sizeof *p);
        p->routine = routine;
        HASH_ADD(hh, w.idle, routine, sizeof p->routine, p);
    }
    return w;
}

static void threads_workers_free(struct threads_workers *w) {
    struct threads_pool *p, *next;
    HASH_ITER(hh, w->idle, p, next) {
        HASH_DEL(w->idle, p);
        free(p);
    }
    free(w->slept);
    free(w->listens);
}

static bool threads_is_worker(const struct check *c, const struct threads_workers *w, uint32_t thread) {
    const struct twatch_thread *t = model_thread(c->m, thread);
    struct threads_pool *p = NULL;
    if (w->slept[thread]) HASH_FIND(hh, w->idle, &t->start_routine, sizeof t->start_routine, p);
    return p != NULL;
}

/* As the kernel said, where it could be asked; else by the thread's own account. */
static bool threads_listens(const struct threads_workers *w, const struct twatch_thread *t, uint32_t thread) {
    return t->flags & TWATCH_THREAD_LISTENING || w->listens[thread];
}

/* Asleep at a queue with nothing in hand is a harmless way to be ended; with a lock in hand, what it protects is half
 * changed. */
static enum severity threads_daemon_severity(
        const struct check *c, const struct twatch_thread *t, const struct model_state *s, bool idle) {
    if (t->flags & TWATCH_THREAD_WRITING) return SEVERITY_ERROR; /* the file may lack a part */
    if (threads_held(c, s)) return idle ? SEVERITY_WARNING : SEVERITY_ERROR;
    return idle || (s && s->waiting) ? SEVERITY_NOTE : SEVERITY_WARNING;
}

/* "for 20 ms", "for at least 20 ms"; NULL: not measured. */
static const char *threads_held_for(struct check *c, struct draft *d, uint32_t thread, uint32_t object) {
    const struct twatch_interval *x = interval_open_hold(c->m, thread, object);
    if (!x) return NULL;
    return draft_text(d, "for %s%s", x->flags & TWATCH_INTERVAL_LATE ? "at least " : "", names_duration(&c->out->arena, x->duration_ns));
}

static void threads_daemon_steps(
        struct check *c, struct draft *d, uint32_t who, const struct model_state *s, const struct twatch_thread *t, bool listens) {
    for (uint32_t k = 0; s && k < s->nheld && k < 16; k++)
        if (!threads_own_signal(c, s, k)) draft_step(d, who, ACTION_HOLDS, draft_object(d, s->held[k].object), s->held[k].stack, s->held[k].site, threads_held_for(c, d, s->thread, s->held[k].object));
    if (s && s->waiting) {
        uint64_t since = s->slot->wait_since_ns, now = c->m->now_ns;
        const char *note =
                since && now > since ? draft_text(d, "for %s", names_duration(&c->out->arena, now - since)) : NULL;
        draft_step(d, who, s->slot->wait_kind == TWATCH_OBJ_THREAD ? ACTION_JOINS : ACTION_WAITS,
                draft_object(d, s->slot->wait_object), s->slot->wait_stack, 0, note);
    } else {
        draft_step(d, who, ACTION_RUNS, -1, t->end_stack, 0,
                t->flags & TWATCH_THREAD_WRITING     ? "writing to a file"
                : listens                            ? "waiting for input"
                                                     : "running");
    }
    if (t->parent) draft_step(d, draft_thread(d, t->parent), ACTION_CREATES, -1, t->create_stack, 0, NULL);
}

static void threads_daemon_report(struct check *c, const struct threads_group *g, const struct threads_workers *w) {
    const struct twatch_thread *t = model_thread(c->m, g->first);
    bool listens = threads_listens(w, t, g->first);
    const struct model_state *s = model_state_of(c->m, g->first);
    struct draft *d = draft_begin(c->out, check_rule(RULE_DAEMON_KILLED), c->m);
    draft_finding(d)->severity = g->severity;
    draft_finding(d)->count = g->n;
    uint32_t who = draft_thread(d, g->first);
    threads_daemon_steps(c, d, who, s, t, listens);
    uint32_t lock = threads_held(c, s);
    const char *held_for = lock ? threads_held_for(c, d, g->first, lock) : NULL;
    const char *held =
            lock ? draft_text(d, " while it held %s%s%s", draft_object_name(d, draft_object(d, lock)), held_for ? ", " : "", held_for ? held_for : "") : "";
    const char *doing = t->flags & TWATCH_THREAD_WRITING                           ? "writing to a file"
                        : (s && s->waiting) || listens ? "waiting"
                                                                                  : "running";
    if (g->n > 1)
        draft_message(
                d, "%u threads like %s were still %s when the process ended", g->n, draft_thread_name(d, who), doing);
    else
        draft_message(d, "%s was still %s when the process ended%s", draft_thread_name(d, who), doing, held);
    draft_end(d);
}

static void threads_daemons(struct check *c) {
    struct threads_group *groups = NULL, *g, *next;
    if (c->m->header->end != TWATCH_END_EXIT && c->m->header->end != TWATCH_END_FAST) return;
    struct threads_workers workers = threads_workers(c);
    for (uint32_t i = 1; i < c->m->threads.n; i++) {
        if (!threads_is_daemon(c, i)) continue;
        const struct twatch_thread *t = model_thread(c->m, i);
        const struct model_state *s = model_state_of(c->m, i);
        uint32_t held = threads_held(c, s);
        g = threads_group(&groups, t->create_stack, t->start_routine, held ? held : s && s->waiting ? UINT32_MAX : 0);
        if (!g->n++) g->first = i;
        bool idle = threads_is_worker(c, &workers, i) || threads_listens(&workers, t, i);
        enum severity severity = threads_daemon_severity(c, t, s, idle);
        if (g->n == 1 || severity > g->severity) g->severity = severity;
    }
    HASH_ITER(hh, groups, g, next) threads_daemon_report(c, g, &workers);
    threads_workers_free(&workers);
    threads_free(groups);
}

/* ---- thread-churn ---- */

struct threads_churn {
    uint64_t routine;
    uint64_t n, cpu_ns, known, first_ns, last_ns;
    uint32_t first;
    UT_hash_handle hh;
};

/* Many, at a rate that matters, and each with less to compute than making a thread costs (some tens of microseconds).
 */
static bool threads_churns(const struct threads_churn *g) {
    enum { MANY = 200, CPU_NS = 100000, RATE = 100 };
    double seconds = model_seconds(g->first_ns, g->last_ns);
    return g->n >= MANY && g->known >= MANY && g->cpu_ns / g->known < CPU_NS && (double)g->n >= RATE * seconds;
}

static void threads_churn_report(struct check *c, const struct threads_churn *g) {
    const struct twatch_thread *t = model_thread(c->m, g->first);
    struct draft *d = draft_begin(c->out, check_rule(RULE_THREAD_CHURN), c->m);
    uint32_t who = draft_thread(d, g->first);
    draft_finding(d)->count = g->n;
    draft_step(d, draft_thread(d, t->parent), ACTION_CREATES, -1, t->create_stack, 0, NULL);
    draft_message(d, "%" PRIu64 " threads like %s were created for %s of work each", g->n, draft_thread_name(d, who),
            names_duration(&c->out->arena, g->cpu_ns / g->known));
    draft_end(d);
}

static void threads_churn_all(struct check *c) {
    struct threads_churn *groups = NULL, *g, *next;
    for (uint32_t i = 1; i < c->m->threads.n; i++) {
        const struct twatch_thread *t = model_thread(c->m, i);
        if (!t || !t->start_routine || (t->flags & TWATCH_THREAD_MAIN) || t->end == TWATCH_THREAD_NOT_STARTED) continue;
        HASH_FIND(hh, groups, &t->start_routine, sizeof t->start_routine, g);
        if (!g) {
            g = mem_new(1, sizeof *g);
            g->routine = t->start_routine;
            g->first = i;
            g->first_ns = t->birth_ns;
            HASH_ADD(hh, groups, routine, sizeof g->routine, g);
        }
        g->n++;
        g->known += t->cpu_ns != 0;
        g->cpu_ns += t->cpu_ns < (uint64_t)1 << 50 ? t->cpu_ns : 0;
        if (t->birth_ns > g->last_ns) g->last_ns = t->birth_ns;
    }
    HASH_ITER(hh, groups, g, next) {
        if (threads_churns(g)) threads_churn_report(c, g);
        HASH_DEL(groups, g);
        free(g);
    }
}

void check_threads(struct check *c) {
    threads_leaks(c);
    threads_daemons(c);
    threads_churn_all(c);
}
