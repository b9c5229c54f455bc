#include "birth.h"

#include "direct.h"
#include "idle.h"
#include "interval.h"
#include "race_host.h"
#include "sem_direct.h"
#include "store.h"

static struct tw_birth *free_list;
static struct tw_lock lock;

static struct tw_birth *new_birth(void) {
    tw_lock_take(&lock);
    struct tw_birth *s = free_list;
    if (s) free_list = s->next;
    tw_lock_give(&lock);
    return s ? s : tw_sys_memory(sizeof *s);
}

static void free_birth(struct tw_birth *s) {
    tw_lock_take(&lock);
    s->next = free_list;
    free_list = s;
    tw_lock_give(&lock);
}

void tw_birth_forked(void) {
    free_list = NULL;
    lock = (struct tw_lock){0};
}

static size_t stack_size_of(const pthread_attr_t *attr) {
    static size_t usual;
    size_t size = 0;
    if (attr && pthread_attr_getstacksize(attr, &size) == 0 && size) return size;
    if (!usual) {
        struct { uint64_t soft, hard; } limit = {0, 0};
        tw_sys(SYS_prlimit64, 0, 3 /* RLIMIT_STACK */, 0, &limit);
        usual = limit.soft > 0 && limit.soft < (1ull << 40) ? limit.soft : 2u << 20; /* as nptl does */
    }
    return usual;
}

struct tw_birth *tw_birth_prepare(const struct tw_birth *what, const pthread_attr_t *attr, uint32_t flags, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return NULL;
    tw_store_open_file();
    tw_interval_idle(false);
    tw_idle_start();
    tw_leave(t);
    tw_race_host_start(); /* while there is one thread; outside the guard, for it asks the loader */
    tw_direct_start();
    tw_sem_direct_start();
    t = tw_enter();
    if (!t) return NULL;
    int detached = PTHREAD_CREATE_JOINABLE;
    if (attr) pthread_attr_getdetachstate(attr, &detached);
    if (detached == PTHREAD_CREATE_DETACHED) flags |= TWATCH_THREAD_DETACHED_BORN | TWATCH_THREAD_DETACHED;
    struct tw_birth *s = new_birth();
    if (s) {
        *s = *what;
        s->stack_size = stack_size_of(attr);
        uintptr_t start = what->routine ? (uintptr_t)what->routine : (uintptr_t)what->c11_routine;
        s->id = tw_thread_prepare(t, start, tw_stack_here(t, pc, cfa), flags);
        if (s->id && tw_race) tw_race->create(s->id);
        if (!s->id) free_birth(s), s = NULL;
    }
    tw_leave(t);
    return s;
}

void tw_birth_done(struct tw_birth *s, uint32_t id, bool worked, pthread_t handle) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct twatch_thread *d = tw_thread_desc(id);
    if (worked) {
        if (d) d->handle = (uint64_t)handle; /* the new thread stores the same; whoever comes first */
    } else {
        if (d) d->end = TWATCH_THREAD_NOT_STARTED;
        free_birth(s);
    }
    tw_leave(t);
}

static struct tw_birth begin(void *p) {
    struct tw_birth s = *(struct tw_birth *)p;
    tw_thread_begin(s.id, s.stack_size);
    struct tw_thread *t = tw_enter();
    if (t) {
        free_birth(p);
        tw_leave(t);
    }
    return s;
}

static void returned(void) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    t->returned = true;
    __atomic_fetch_or(&t->desc->flags, TWATCH_THREAD_LEAVING, __ATOMIC_RELAXED);
    tw_leave(t);
}

void *tw_birth_main(void *p) {
    struct tw_birth s = begin(p);
    void *result = s.routine(s.arg);
    returned();
    return result;
}

int tw_birth_c11_main(void *p) {
    struct tw_birth s = begin(p);
    int result = s.c11_routine(s.arg);
    returned();
    return result;
}

/* ---- join ---- */

static void misuse(struct tw_thread *t, uint32_t kind, const struct tw_joining *j, uint32_t other_stack, pthread_t handle) {
    tw_incident(t, &(struct tw_incident){.kind = kind, .stack = tw_stack_here(t, j->pc, j->cfa), .other_thread = j->id, .other_stack = other_stack,
                           .aux = (uint64_t)handle});
}

/* A lock held at a join that the joined thread takes too: its own cache of locks knows. */
static void check_held(struct tw_thread *t, struct tw_joining *j, const struct twatch_thread *d) {
    const struct tw_thread *other = d->slot ? tw_thread_private(d->slot) : NULL;
    if (!other || other->id != j->id) return;
    for (uint32_t i = 0; i < t->slot->nheld; i++) {
        for (uint32_t k = 0; k < TW_KNOWN; k++) {
            const struct tw_known *s = &other->known[k];
            if (!t->held[i].address || s->address != t->held[i].address || s->thread != j->id) continue;
            if (s->object != tw_held_resolve(t, &t->held[i])) continue;
            uint64_t site = s->pc;
            j->held = s->object;
            j->held_site_stack = tw_stack_intern(&site, 1, TWATCH_STACK_SITE | TWATCH_STACK_CUT);
            return;
        }
    }
}

/* Worth saying only when the join had to wait: who joins a thread that has said under this very lock that it is through does not. */
static void say_held(struct tw_thread *t, const struct tw_joining *j) {
    enum { WAITED_NS = 2000000 };
    if (!j->held || !j->begin_ns || tw_sys_now() - j->begin_ns < WAITED_NS) return;
    tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_JOIN_HOLDING_LOCK, .object = j->held, .stack = tw_stack_here(t, j->pc, j->cfa),
                           .other_thread = j->id, .other_stack = j->held_site_stack});
}

void tw_birth_join_begin(struct tw_joining *j, pthread_t handle, uint64_t deadline_ns) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    j->id = tw_thread_by_handle((uint64_t)handle);
    const struct twatch_thread *d = tw_thread_desc(j->id);
    if (d) {
        if (j->id == t->id)
            misuse(t, TWATCH_INCIDENT_SELF_JOIN, j, 0, handle);
        else if (d->flags & TWATCH_THREAD_JOINED)
            misuse(t, TWATCH_INCIDENT_DOUBLE_JOIN, j, d->join_stack, handle);
        else if (d->flags & TWATCH_THREAD_DETACHED)
            misuse(t, TWATCH_INCIDENT_JOIN_DETACHED, j, d->detach_stack ? d->detach_stack : d->create_stack, handle);
        else if (t->slot->nheld > 0)
            check_held(t, j, d);
        if (d->end == TWATCH_THREAD_RUNNING && j->id != t->id && !(j->flags & TWATCH_WAIT_POLL)) {
            j->waiting = true;
            j->begin_ns = tw_sys_now();
            tw_wait_begin(t, &(struct tw_wait){.kind = TWATCH_OBJ_THREAD, .flags = j->flags, .thread = j->id, .address = (uintptr_t)handle,
                                     .pc = j->pc, .cfa = j->cfa, .deadline_ns = deadline_ns});
        }
    }
    tw_leave(t);
}

static void joined(struct tw_thread *t, const struct tw_joining *j, struct twatch_thread *d) {
    tw_thread_next_segment(t);
    d->joiner = t->id;
    d->join_segment = t->desc->segment;
    d->join_ns = tw_sys_now();
    d->join_stack = tw_stack_here(t, j->pc, j->cfa);
    __atomic_fetch_or(&d->flags, TWATCH_THREAD_JOINED, __ATOMIC_RELEASE);
    if (tw_race) tw_race->join(j->id);
}

static void gave_up(struct tw_thread *t, const struct tw_joining *j, struct twatch_thread *d) {
    enum { TRIES_TOLD = 8 };
    uint32_t tries = __atomic_add_fetch(&d->join_timeouts, 1, __ATOMIC_RELAXED);
    if (j->flags & TWATCH_WAIT_POLL) {
        tw_wait_poll(t, 0, TWATCH_POLL_TRYJOIN, j->pc, j->cfa);
        /* Asked again: if nobody ever joins it, this was giving up. */
        if (tries > 1 && tries <= TRIES_TOLD)
            tw_incident(t, &(struct tw_incident){
                                   .kind = TWATCH_INCIDENT_JOIN_TIMEOUT, .stack = tw_stack_here(t, j->pc, j->cfa), .other_thread = j->id});
    }
}

void tw_birth_join_end(struct tw_joining *j, int rc) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint64_t waited = j->waiting ? tw_wait_end(t, rc == 0) : 0;
    bool zero = waited && t->slot->wait_deadline_ns && t->slot->wait_deadline_ns <= t->slot->wait_since_ns; /* it counts as a try */
    say_held(t, j);
    j->waiting = false;
    struct twatch_thread *d = tw_thread_desc(j->id);
    if (d && d->flags & TWATCH_THREAD_FOREIGN && d->end == TWATCH_THREAD_NOT_STARTED) { /* see forget_stranger in thread.c */
        j->id = tw_thread_by_handle(d->handle);
        d = tw_thread_desc(j->id);
    }
    if (d && j->flags & TWATCH_WAIT_TIMED && (rc == 0 || (rc == ETIMEDOUT && !zero)))
        tw_wait_joined(t, j->id, tw_stack_here(t, j->pc, j->cfa), waited, rc != 0);
    if (d && rc == 0) joined(t, j, d);
    if (d && (rc == ETIMEDOUT || rc == EBUSY)) gave_up(t, j, d);
    tw_leave(t);
}

/* ---- detach, exit ---- */

void tw_birth_detach(pthread_t handle, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct twatch_thread *d = tw_thread_desc(tw_thread_by_handle((uint64_t)handle));
    if (d) {
        d->detacher = t->id;
        d->detach_stack = tw_stack_here(t, pc, cfa);
        __atomic_fetch_or(&d->flags, TWATCH_THREAD_DETACHED, __ATOMIC_RELEASE);
    }
    tw_leave(t);
}

void tw_birth_exit(uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    t->exiting = true;
    t->desc->end_stack = tw_stack_here(t, pc, cfa);
    __atomic_fetch_or(&t->desc->flags, TWATCH_THREAD_LEAVING, __ATOMIC_RELAXED);
    tw_leave(t);
}
