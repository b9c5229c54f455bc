#include "report/json_roles.h"

static void json_says(struct jsonout *j, struct role_says s) {
    jsonout_array(j, "says");
    for (size_t i = 0; i < s.n; i++)
        jsonout_text(j, NULL, s.at[i]);
    jsonout_end(j, ']');
}

static void json_sides(struct jsonout *j, const char *key, const struct role_side *sides, size_t n) {
    jsonout_array(j, key);
    for (size_t i = 0; i < n; i++) {
        const struct role_side *s = &sides[i];
        jsonout_inline(j, NULL, '{');
        jsonout_text(j, "name", s->name);
        jsonout_number(j, "threads", s->nthreads);
        jsonout_number(j, "life_ns", s->life_ns);
        jsonout_number(j, "waits", s->waits);
        jsonout_number(j, "blocked", s->blocked);
        jsonout_number(j, "timeouts", s->timeouts);
        jsonout_number(j, "wait_ns", s->wait_ns);
        jsonout_number(j, "wait_max_ns", s->wait_max_ns);
        jsonout_number(j, "posts", s->posts);
        jsonout_number(j, "broadcasts", s->broadcasts);
        jsonout_number(j, "to_nobody", s->to_nobody);
        jsonout_number(j, "empty_wakeups", s->empty);
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
}

static void json_queue(struct jsonout *j, const struct role_queue *q) {
    jsonout_object(j, NULL);
    jsonout_text(j, "kind", q->kind);
    jsonout_text(j, "name", q->name);
    jsonout_text(j, "mutex", q->mutex);
    jsonout_text(j, "room", q->room);
    jsonout_bool(j, "clear", q->clear);
    if (q->clear) {
        json_sides(j, "producers", q->producers, q->nproducers);
        json_sides(j, "consumers", q->consumers, q->nconsumers);
        jsonout_number(j, "producers_idle_percent", q->producers_idle_percent);
        jsonout_number(j, "consumers_idle_percent", q->consumers_idle_percent);
    } else
        json_sides(j, "users", q->consumers, q->nconsumers);
    jsonout_number(j, "waits", q->total.waits);
    jsonout_number(j, "wait_ns", q->total.wait_ns);
    jsonout_number(j, "posts", q->total.posts);
    jsonout_number(j, "broadcasts", q->total.broadcasts);
    jsonout_number(j, "to_nobody", q->total.to_nobody);
    jsonout_number(j, "empty_wakeups", q->total.empty);
    jsonout_number(j, "woken_by_broadcasts", q->woken);
    json_says(j, q->says);
    jsonout_end(j, '}');
}

static void json_pool(struct jsonout *j, const struct role_pool *p) {
    jsonout_object(j, NULL);
    jsonout_text(j, "name", p->name);
    jsonout_text(j, "creator", p->creator);
    jsonout_text(j, "queue_kind", p->queue_kind);
    jsonout_text(j, "queue", p->queue);
    jsonout_number(j, "size", p->size);
    jsonout_number(j, "threads", p->nthreads);
    jsonout_number(j, "max_busy", p->max_busy);
    jsonout_number(j, "tasks", p->tasks);
    jsonout_number(j, "idle_max_ns", p->idle_max_ns);
    jsonout_number(j, "announced", p->announced);
    jsonout_number(j, "found_nobody", p->found_nobody);
    jsonout_text(j, "queue_wait", role_known_name(p->wait.known));
    if (p->wait.how) jsonout_text(j, "queue_wait_how", p->wait.how);
    if (p->wait.known != ROLE_UNKNOWN) {
        jsonout_number(j, "queue_wait_mean_ns", p->wait.mean_ns);
        jsonout_number(j, "ready", p->wait.met);
        if (p->wait.met_mean_ns) jsonout_number(j, "ready_wait_mean_ns", p->wait.met_mean_ns);
        if (p->wait.met_mean_ns) jsonout_number(j, "ready_wait_max_ns", p->wait.met_max_ns);
        jsonout_number(j, "queued", p->wait.queued);
        jsonout_number(j, "queued_wait_mean_ns", p->wait.queued_mean_ns);
    }
    jsonout_number(j, "busy_percent", p->busy_percent);
    jsonout_number(j, "busiest_percent", p->busiest_percent);
    jsonout_number(j, "idlest_percent", p->idlest_percent);
    jsonout_inline(j, "busy_over_time_percent", '[');
    for (unsigned i = 0; i < ROLE_SLICES; i++)
        jsonout_number(j, NULL, p->busy[i] > 100 ? 100 : p->busy[i]);
    jsonout_end(j, ']');
    if (p->lock) {
        jsonout_text(j, "lock_kind", p->lock_kind);
        jsonout_text(j, "lock", p->lock);
        jsonout_number(j, "lock_wait_ns", p->lock_wait_ns);
    }
    json_says(j, p->says);
    jsonout_end(j, '}');
}

static void json_semaphore(struct jsonout *j, const struct role_semaphore *s) {
    jsonout_inline(j, NULL, '{');
    jsonout_text(j, "name", s->name);
    jsonout_text(j, "role", role_use_name(s->use));
    jsonout_number(j, "initial", s->initial);
    if (s->use == ROLE_LOCK || s->use == ROLE_BOUNDED) jsonout_number(j, "most_in_use", s->most_in_use);
    jsonout_number(j, "threads", s->nthreads);
    jsonout_number(j, "taken", s->taken);
    jsonout_number(j, "given", s->given);
    jsonout_number(j, "blocked", s->blocked);
    jsonout_number(j, "timeouts", s->timeouts);
    jsonout_number(j, "wait_ns", s->wait_ns);
    jsonout_number(j, "wait_max_ns", s->wait_max_ns);
    jsonout_number(j, "lost", s->lost);
    jsonout_end(j, '}');
}

static void json_join(struct jsonout *j, const struct role_join *x) {
    jsonout_object(j, NULL);
    jsonout_text(j, "joiner", x->joiner);
    jsonout_number(j, "joiner_id", x->joiner_id);
    jsonout_text(j, "joined", x->joined);
    jsonout_number(j, "threads", x->n);
    jsonout_number(j, "waited_for", x->waited);
    jsonout_number(j, "wait_ns", x->wait_ns);
    jsonout_number(j, "wait_max_ns", x->wait_max_ns);
    if (x->longest) jsonout_number(j, "longest", x->longest);
    if (x->serial) {
        jsonout_number(j, "serial", x->serial);
        jsonout_number(j, "serial_ns", x->serial_ns);
    }
    json_says(j, x->says);
    jsonout_end(j, '}');
}

void json_roles(struct jsonout *j, const struct roles *r) {
    static const struct roles none;
    if (!r) r = &none;
    jsonout_array(j, "queues");
    for (size_t i = 0; i < r->nqueues; i++)
        json_queue(j, &r->queues[i]);
    jsonout_end(j, ']');
    jsonout_array(j, "pools");
    for (size_t i = 0; i < r->npools; i++)
        json_pool(j, &r->pools[i]);
    jsonout_end(j, ']');
    jsonout_array(j, "semaphores");
    for (size_t i = 0; i < r->nsemaphores; i++)
        json_semaphore(j, &r->semaphores[i]);
    jsonout_end(j, ']');
    jsonout_array(j, "joins");
    for (size_t i = 0; i < r->njoins; i++)
        json_join(j, &r->joins[i]);
    jsonout_end(j, ']');
}
