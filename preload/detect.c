/*
 * A deadlock comes into being when its last thread blocks, or when a thread ends that the others waited for. So it is
 * that thread which looks, just before; nobody watches.
 *
 *   1. follow(): from the caller to the one thread in its way, from that to the next. A thread that runs ends it,
 * mostly the first one. The caller's own slot is published before, so of the threads that close a circle at the same
 * moment at least one sees it whole.
 *   2. Where the way ends at a wait that anybody may end (condition, semaphore, barrier, futex), there is suspicion
 * only when every live thread is blocked: one comparison of two counters.
 *   3. suspect(): the fixpoint over all threads (look.c), again and again over some 100 ms. Anything that moved clears
 * it: a thread that was woken but has not run yet, which is what most suspicions are, in the first 50 microseconds. At
 * the end the kernel is asked where each thread is (verify.c).
 *
 * The model is the AND-OR waits-for graph of Barbosa and Benevides ("A graph-theoretic characterization of AND-OR
 * deadlocks", 1998): a thread that needs one or all of some threads is dead when one of those is; one that anybody may
 * wake is dead when everybody is.
 */
#include "detect.h"

#include "config.h"
#include "hang.h"
#include "incident.h"
#include "inherit.h"
#include "look.h"
#include "stack.h"
#include "verdict.h"
#include "verify.h"

uint32_t tw_detect_blocked;
uintptr_t tw_detect_posted;
/* Low half: never more than the live threads; births are noticed when everybody seems to be blocked, ends are counted.
   High half: ends, so that a count that one of them made old is not stored. */
static uint64_t live_known = 1;
static struct tw_lock look_lock, report_lock;

enum follow { RUNS, OPEN, SUSPECT };

static bool some_holder_waits(const struct tw_view *v) {
    for (uint32_t i = tw_look_holder(NULL, v, 0, NULL); i; i = tw_look_holder(NULL, v, i, NULL)) {
        struct tw_view h;
        if (tw_look_thread(i, &h) && h.kind && !(h.flags & (TWATCH_WAIT_TIMED | TWATCH_WAIT_REPORTED))) return true;
    }
    return v->mode == TWATCH_MODE_SHARED;
}

static enum follow follow(uint32_t self) {
    struct tw_view v;
    uint32_t at = self;
    for (uint32_t hops = 0, most = tw_thread_slots(); hops <= most; hops++) {
        if (!tw_look_thread(at, &v) || !v.kind || (at != self && v.flags & TWATCH_WAIT_REPORTED)) return RUNS;
        tw_look_need(&v, NULL, at == self);
        switch ((enum tw_look_needs)v.needs) {
        case TW_NEEDS_NOTHING:
            return RUNS;
        case TW_NEEDS_ENDED:
            return SUSPECT;
        case TW_NEEDS_ALL:
            return some_holder_waits(&v) ? SUSPECT : RUNS;
        case TW_NEEDS_ANY:
            return v.woken ? SUSPECT : OPEN;
        case TW_NEEDS_ONE:
            break;
        }
        if (v.target == self) return SUSPECT;
        at = v.target;
    }
    return RUNS; /* a circle of others: theirs to report */
}

static uint32_t count_live(void) {
    uint32_t live = 0;
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_thread *d = tw_thread_desc(tw_thread_slot(i)->thread);
        live += d && d->end == TWATCH_THREAD_RUNNING;
    }
    return live;
}

/* Every live thread is blocked. Counts the live ones again when it seems so; an end in between, which lowers
 * live_known, makes it count once more. */
static bool all_blocked(void) {
    uint64_t known = __atomic_load_n(&live_known, __ATOMIC_SEQ_CST);
    if (TW_LIKELY(__atomic_load_n(&tw_detect_blocked, __ATOMIC_SEQ_CST) < (uint32_t)known)) return false;
    uint32_t live;
    do
        live = count_live();
    while (!__atomic_compare_exchange_n(&live_known, &known, known >> 32 << 32 | live, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    uint32_t blocked = __atomic_load_n(&tw_detect_blocked, __ATOMIC_SEQ_CST);
    return blocked >= live && blocked > 0;
}

static bool is_likely(const struct twatch_slot *s) {
    uint8_t kind = s->wait_kind;
    if (kind == TWATCH_OBJ_SEM) return s->wait_address == __atomic_load_n(&tw_detect_posted, __ATOMIC_RELAXED);
    return kind == TWATCH_OBJ_MUTEX || kind == TWATCH_OBJ_RWLOCK || kind == TWATCH_OBJ_SPIN;
}

/* Before the whole process is looked over: most often, when all threads seem to be blocked, one waits for a lock that has just been given back, or for a
 * permit that has just been given, and has not run yet. */
static bool somebody_may_go(uint32_t self) {
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_slot *s = tw_thread_slot(i);
        if (i == self || !s->thread || !is_likely(s)) continue;
        struct tw_view v;
        if (!tw_look_thread(i, &v) || !v.kind) return true;
        tw_look_need(&v, NULL, false);
        if (v.needs == TW_NEEDS_NOTHING) return true;
    }
    return false;
}

/* ---- suspicion ---- */

/* The threads on which the verdict rests: the caller, those in its way, those in theirs. */
static void mark_core(struct tw_scene *s, uint32_t slot) {
    struct tw_view *v = &s->at[slot];
    if (slot > s->n || !v->thread || v->alive || v->core) return;
    v->core = true;
    for (;;) { /* a long chain of single threads needs no recursion */
        if (v->needs != TW_NEEDS_ONE) break;
        v = &s->at[v->target];
        if (v->alive || v->core) return;
        v->core = true;
    }
    if (v->needs == TW_NEEDS_ANY)
        for (uint32_t i = 1; i <= s->n; i++)
            s->at[i].core = s->at[i].thread && !s->at[i].alive;
    if (v->needs != TW_NEEDS_ALL) return;
    for (uint32_t i = tw_look_holder(s, v, 0, NULL); i; i = tw_look_holder(s, v, i, NULL))
        mark_core(s, i);
    for (uint32_t i = 1; i <= s->n; i++)
        if (s->at[i].kind == TWATCH_OBJ_RWLOCK && s->at[i].address == v->address) mark_core(s, i);
}

static uint64_t signature(struct tw_scene *s) {
    uint64_t sum = 0;
    for (uint32_t i = 1; i <= s->n; i++)
        s->at[i].core = false;
    if (s->self) mark_core(s, s->self);
    for (uint32_t i = 1; i <= s->n; i++) {
        struct tw_view *v = &s->at[i];
        if (!s->self) v->core = v->thread && !v->alive;
        if (v->core)
            sum += tw_sys_mix(v->address + tw_sys_mix(((uint64_t)v->thread << 32 | v->seq) + tw_sys_mix(v->since_ns)));
    }
    return sum | 1;
}

static bool in_question(const struct tw_scene *s) {
    return s->self ? !s->at[s->self].alive : s->dead > 0;
}

/* A semaphore used as a lock, all of whose permits dead threads hold: no signal handler will post it. */
static bool is_taken_lock(const struct tw_scene *s, const struct tw_view *v) {
    const struct twatch_object *o = tw_object_at(v->object);
    return v->kind == TWATCH_OBJ_SEM && o && !(o->flags & TWATCH_OBJF_FOREIGN_POST) && o->init_value > 0 &&
           tw_verdict_permits(s, v) >= (int64_t)o->init_value;
}

/* Python's Thread.join of 3.13 waits at a semaphore, too; the thread that ends posts it, and no handler can. */
static bool is_python_join(const struct tw_view *v) {
    const struct twatch_stack *s = v->kind == TWATCH_OBJ_SEM ? tw_stack_by_id(v->stack) : NULL;
    return s && s->flags & TWATCH_STACK_JOINS;
}

/* Waits that end when a signal handler has run, or may be ended by one (sem_post is what handlers may call). Asked at
   the first look already: a handler that runs in our pauses could not interrupt the wait that has not begun. */
static bool spare_interruptible(struct tw_scene *s) {
    bool asked = false, handlers = false, any = false;
    for (uint32_t i = 1; i <= s->n; i++) {
        struct tw_view *v = &s->at[i];
        if (!v->core || v->needs != TW_NEEDS_ANY || (v->kind != TWATCH_OBJ_SEM && v->kind != TWATCH_OBJ_FUTEX))
            continue;
        if (!asked) handlers = tw_verify_handlers(), asked = true;
        if (!handlers || is_taken_lock(s, v) || is_python_join(v)) continue;
        v->needs = TW_NEEDS_NOTHING;
        any = true;
    }
    return any;
}

/* Asks the kernel; who turns out to be elsewhere is alive. */
static void ask_kernel(struct tw_scene *s) {
    uint32_t threads = tw_verify_threads(), known = s->live + s->leaving + (tw_hang_watching() ? 1 : 0);
    for (uint32_t i = 1; i <= s->n; i++) {
        struct tw_view *v = &s->at[i];
        if (!v->core || i == s->self) continue;
        if (tw_verify_blocked(v) == TW_VERIFY_ELSEWHERE)
            v->needs = TW_NEEDS_NOTHING;
        else if (v->woken && v->kind == TWATCH_OBJ_COND)
            tw_look_woken(v);
    }
    for (uint32_t i = 1; i <= s->n && threads > known; i++) /* threads that we never saw may wake anybody */
        if (s->at[i].core && s->at[i].needs == TW_NEEDS_ANY) s->at[i].needs = TW_NEEDS_NOTHING;
}

/* One look. 0: nobody waits for ever; else what the verdict rests on, as one number. */
static uint64_t look_once(struct tw_scene *s, uint32_t self, bool careful) {
    tw_look(s, self);
    if (self > s->n || !in_question(s)) return 0;
    uint64_t sum = signature(s);
    bool changed = spare_interruptible(s);
    if (careful) ask_kernel(s);
    if (!careful && !changed) return sum;
    tw_look_settle(s);
    return in_question(s) ? signature(s) : 0;
}

static bool reported(const struct tw_scene *s) {
    for (uint32_t i = 1; i <= s->n; i++)
        if (s->at[i].core && s->at[i].flags & TWATCH_WAIT_REPORTED) return true;
    return false;
}

/* Names the dead and reports them; the scene is of now. */
static uint32_t pass_verdict(struct tw_thread *t, struct tw_scene *s) {
    uint32_t group = tw_verdict(t, s);
    for (uint32_t i = 1; i <= s->n; i++)
        if (s->at[i].core) __atomic_fetch_or(&tw_thread_slot(i)->wait_flags, TWATCH_WAIT_REPORTED, __ATOMIC_RELAXED);
    return group;
}

enum { YIELD = 1 };

/* Most of those who were woken need a microsecond or two to say so. */
static void pause_for(uint32_t us) {
    if (us == YIELD) {
        for (int i = 0; i < 30; i++)
            __builtin_ia32_pause();
        tw_sys(SYS_sched_yield);
    } else if (us) {
        tw_sys_sleep(us * 1000u);
    }
}

static void suspect(struct tw_thread *t, uint32_t self) {
    static const uint32_t pauses_us[] = {0, YIELD, YIELD, YIELD, YIELD, 50, 200, 1000, 5000, 20000, 30000, 30000};
    enum { LOOKS = sizeof pauses_us / sizeof pauses_us[0], CAREFUL = LOOKS - 2, PATIENCE = 100 /* times 30 ms */ };
    struct tw_scene s;
    uint64_t before = 0;
    for (uint32_t k = 0, waited = 0; k < LOOKS; k++) {
        pause_for(pauses_us[k]);
        tw_lock_take(&look_lock);
        uint64_t sum = look_once(&s, self, k >= CAREFUL);
        bool stop = !sum || (k > CAREFUL && sum != before) || (k >= CAREFUL && reported(&s));
        /* On a busy machine one of them may have said that it waits, and not have come to the kernel yet. Nobody else looks. */
        bool again = !sum && waited < PATIENCE && (s.moving || (k >= CAREFUL && look_once(&s, self, false)));
        tw_lock_give(&look_lock);
        if (again) {
            waited++;
            if (k >= CAREFUL) k = CAREFUL - 1;
            continue;
        }
        if (stop) return;
        before = sum;
    }
    /* Threads that block in a circle at the same moment may both come here: the second finds it reported. */
    tw_lock_take(&report_lock);
    tw_lock_take(&look_lock);
    uint32_t group = look_once(&s, self, true) == before && !reported(&s) ? pass_verdict(t, &s) : 0;
    tw_lock_give(&look_lock);
    if (group) tw_hang_report(t, group);
    tw_lock_give(&report_lock);
}

/* ---- events ---- */

static bool reserved;

/* What a hang needs, while there is memory. */
static void reserve(void) {
    tw_lock_take(&look_lock);
    if (!reserved) tw_incident_reserve();
    reserved = true;
    if (tw_thread_slots() > tw_look_room) tw_look_reserve();
    tw_lock_give(&look_lock);
}

void tw_detect_wait(struct tw_thread *t) {
    if (TW_UNLIKELY(tw_inherit_waits(t, t->slot->wait_address))) {
        suspect(t, t->slot_id);
        return;
    }
    if (TW_UNLIKELY(!reserved || tw_thread_slots() > tw_look_room)) reserve();
    enum follow f = follow(t->slot_id);
    if (f == SUSPECT || (f == OPEN && all_blocked() && !somebody_may_go(t->slot_id))) suspect(t, t->slot_id);
}

void tw_detect_thread_ended(struct tw_thread *t) {
    uint64_t known = __atomic_load_n(&live_known, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&live_known, &known, known + (1ull << 32) - ((uint32_t)known > 1), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        continue;
    bool holds = false;
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        holds |= t->held[i].address != 0;
    if (holds) tw_look_orphans(t);
    if ((holds && tw_look_orphan_wanted()) || (all_blocked() && !somebody_may_go(0))) suspect(t, 0);
}

void tw_detect_forked(void) {
    tw_detect_blocked = 0;
    live_known = 1;
    reserved = false;
    look_lock = report_lock = (struct tw_lock){0};
    tw_look_forked();
}
