/* Findings that the watched process itself saw: one row per kind of incident. */
#include "base/hash.h"
#include "base/strbuf.h"
#include "check/check.h"
#include "finding/names.h"
#include "model/locks.h"

#include <inttypes.h>
#include <string.h>

/*
 * Message and notes are templates: {t} the thread, {u} the other thread, {o} the object, {p} the second object, {n}
 * aux, {d} aux as a duration, {w} the aux-th word of the row, {c} how often. join-timeout has sentences of its own.
 */
enum incident_who { WHO_NONE, WHO_THREAD, WHO_OTHER };
enum incident_on { ON_NONE, ON_OBJECT, ON_SECOND };

struct incident_step {
    uint8_t who, on;
    uint8_t action;
    bool other_stack; /* at incident.other_stack in place of incident.stack */
    const char *note;
};

struct incident_row {
    uint16_t rule;
    bool lock_only; /* means nothing for a semaphore that is used as a signal */
    const char *message;
    const char *const *words;
    uint8_t nwords;
    struct incident_step step[2];
    const char *absent; /* the other thread, where it is not of this process */
};

#define WORDS(...)                                                                                                     \
    .words = (const char *const[]){__VA_ARGS__}, .nwords = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define T(action_, ...)                                                                                                \
    { .who = WHO_THREAD, .on = ON_OBJECT, .action = ACTION_##action_, ##__VA_ARGS__ }
#define U(action_, ...)                                                                                                \
    { .who = WHO_OTHER, .on = ON_OBJECT, .action = ACTION_##action_, .other_stack = true, ##__VA_ARGS__ }
#define USES "locked", "unlocked", "waited for", "signalled", "posted", "destroyed"

static const struct incident_row incident_rows[TWATCH_INCIDENT_END] = {
        [TWATCH_INCIDENT_UNLOCK_NOT_HELD] = {RULE_UNLOCK_NOT_HELD, false, "{t} gave back {o}, which nobody held",
                .step = {T(UNLOCKS), U(UNLOCKS, .note = "the last to give it back before")}},
        [TWATCH_INCIDENT_UNLOCK_NOT_OWNER] = {RULE_UNLOCK_NOT_OWNER, false, "{t} gave back {o}, which is held by {u}",
                .step = {T(UNLOCKS), U(HOLDS)}},
        [TWATCH_INCIDENT_DESTROY_LOCKED] = {RULE_DESTROY_LOCKED, false, "{t} destroyed {o} while {u} held it",
                .step = {T(DESTROYS), U(HOLDS)}},
        [TWATCH_INCIDENT_DESTROY_WAITED] = {RULE_DESTROY_WAITED, false, "{t} destroyed {o} while {u} waited for it",
                .step = {T(DESTROYS), U(WAITS)}},
        [TWATCH_INCIDENT_FREE_LOCKED] = {RULE_FREE_LOCKED, true, "{t} freed the memory of {o} while {u} held it",
                .step = {T(FREES), U(HOLDS)}},
        [TWATCH_INCIDENT_USE_AFTER_DESTROY] = {RULE_USE_AFTER_DESTROY, false, "{t} {w} {o} after it had been destroyed",
                WORDS(USES), .step = {T(DOES, .note = "{w} it here"), U(DESTROYS)},
                .absent = "the thread that destroyed it"},
        [TWATCH_INCIDENT_USE_UNINITIALIZED] = {RULE_USE_UNINITIALIZED, false,
                "{t} {w} {o}, which was never initialised", WORDS(USES), .step = {T(DOES, .note = "{w} it here")}},
        [TWATCH_INCIDENT_REINIT_IN_USE] = {RULE_REINIT_IN_USE, false,
                "{t} initialised {o} again while {u} was using it",
                .step = {T(INITS), U(DOES, .note = "holds it or waits for it")}},
        [TWATCH_INCIDENT_COND_TWO_MUTEXES] = {RULE_COND_TWO_MUTEXES, false,
                "{t} waits on {o} with {p} while {u} waits on it with another mutex",
                .step = {T(WAITS, .note = "with {p}"), U(WAITS, .note = "with another mutex")}},
        [TWATCH_INCIDENT_COND_WAIT_UNLOCKED] = {RULE_COND_WAIT_UNLOCKED, false, "{t} waits on {o} without holding {p}",
                .step = {T(WAITS)}},
        [TWATCH_INCIDENT_BARRIER_MISUSE] = {RULE_BARRIER_MISUSE, false, "{t} misused {o}: {w}",
                WORDS("not as it was made", "it was destroyed while threads were at it", "its count is zero"),
                .step = {T(DOES, .note = "{w}"), U(WAITS)}},
        [TWATCH_INCIDENT_SELF_JOIN] = {RULE_SELF_JOIN, false, "{t} joined itself",
                .step = {{WHO_THREAD, ON_NONE, ACTION_JOINS, false, NULL}}},
        [TWATCH_INCIDENT_DOUBLE_JOIN] = {RULE_DOUBLE_JOIN, false, "{t} joined {u}, which had been joined before",
                .step = {{WHO_THREAD, ON_NONE, ACTION_JOINS, false, NULL},
                        {WHO_THREAD, ON_NONE, ACTION_JOINS, true, "the first join"}}},
        [TWATCH_INCIDENT_JOIN_DETACHED] = {RULE_JOIN_DETACHED, false, "{t} joined {u}, which is detached",
                .step = {{WHO_THREAD, ON_NONE, ACTION_JOINS, false, NULL},
                        {WHO_OTHER, ON_NONE, ACTION_DETACHES, true, NULL}}},
        [TWATCH_INCIDENT_FORK_LOCK_HELD] = {RULE_FORK_WITH_LOCK_HELD, true,
                "{t} forked while {u} held {o}: in the child nobody can give it back, and the child asks for it",
                .step = {{WHO_THREAD, ON_NONE, ACTION_FORKS, false, NULL}, U(HOLDS)},
                .absent = "another thread of the parent"},
        [TWATCH_INCIDENT_LOCK_HELD_AT_THREAD_EXIT] = {RULE_LOCK_HELD_AT_THREAD_EXIT, true,
                "{t} ended without giving back {o}",
                .step = {T(HOLDS), {WHO_THREAD, ON_NONE, ACTION_ENDS, true, NULL}}},
        [TWATCH_INCIDENT_SELF_DEADLOCK] = {RULE_SELF_DEADLOCK, false, "{t} waits for itself: it {w}",
                WORDS("asks for {o}, which it holds already", "asks to write {o}, which it holds to read",
                        "asks to read {o}, which it holds to write", "joins itself",
                        "waits for {o}, which it is running itself"),
                .step = {T(HOLDS, .other_stack = true), T(WAITS)}},
        [TWATCH_INCIDENT_LOST_WAKEUP] = {RULE_LOST_WAKEUP, false,
                "{t} waits on {o}, which {u} signalled before anybody waited",
                .step = {U(SIGNALS, .note = "nobody was waiting"), T(WAITS)}},
        [TWATCH_INCIDENT_JOIN_TIMEOUT] = {RULE_JOIN_TIMEOUT, false, "{t} gave up joining {u} {c}",
                .step = {{WHO_THREAD, ON_NONE, ACTION_JOINS, false, "gave up"},
                        {WHO_OTHER, ON_NONE, ACTION_RUNS, true, NULL}}},
        [TWATCH_INCIDENT_JOIN_HOLDING_LOCK] = {RULE_JOIN_HOLDING_LOCK, false,
                "{t} joins {u} while holding {o}, which {u} takes",
                .step = {{WHO_THREAD, ON_OBJECT, ACTION_JOINS, false, NULL}, U(WANTS)}},
        [TWATCH_INCIDENT_SEM_OVERPOST] = {RULE_SEM_OVERPOST, false,
                "{t} raised {o} to {n} by a post, above the value that it was made with", .step = {T(POSTS)}},
        [TWATCH_INCIDENT_BUSY_WAIT] = {RULE_BUSY_WAIT, false, "{t} burnt {d} of processor time asking again and again",
                .step = {T(DOES, .note = "asks again and again")}},
        [TWATCH_INCIDENT_WAIT_WITHOUT_LOOP] = {RULE_WAIT_WITHOUT_LOOP, false,
                "{t} waits on {o} in no loop: woken without a signal, it did not wait again before giving back {p}",
                .step = {T(WAITS)}},
        [TWATCH_INCIDENT_TLS_KEY_LEAK] = {RULE_TLS_KEY_LEAK, false, "{n} values under {o} were never freed",
                .step = {T(DOES, .note = "a value is set; nothing frees it when the thread ends")}},
        [TWATCH_INCIDENT_TLS_KEY_AFTER_DELETE] = {RULE_TLS_KEY_AFTER_DELETE, false,
                "{t} used {o} after it had been deleted", .step = {T(DOES), U(DESTROYS)},
                .absent = "the thread that deleted it"},
        [TWATCH_INCIDENT_TLS_DTOR_LIMIT] = {RULE_TLS_DTOR_LIMIT, false,
                "{t} ended with values under {o} that its destructors set again and again",
                .step = {T(DOES, .note = "sets a value")}},
        [TWATCH_INCIDENT_POOL_STARVATION] = {RULE_POOL_STARVATION, false,
                "all workers of the pool of {t} are blocked while {n} items wait at {o} for a worker",
                .step = {T(WAITS)}},
        /* DEADLOCK, STALL and HANG_TIMEOUT come in groups: deadlock.c */
};

static void incident_expand(struct strbuf *out, const char *text, struct draft *d, const struct check *c,
        const struct twatch_incident *x, const struct incident_row *row);

static void incident_token(struct strbuf *out, char token, struct draft *d, const struct check *c,
        const struct twatch_incident *x, const struct incident_row *row) {
    struct arena *a = &c->out->arena;
    switch (token) {
    case 't':
        strbuf_puts(out, names_thread(c->m, a, x->thread));
        break;
    case 'u':
        if (x->other_thread && x->other_thread == x->thread)
            strbuf_puts(out, "the same thread");
        else if (!x->other_thread && row->absent)
            strbuf_puts(out, row->absent);
        else
            strbuf_puts(out, names_thread(c->m, a, x->other_thread));
        break;
    case 'o':
        strbuf_puts(out, draft_object_name(d, draft_object(d, x->object)));
        break;
    case 'p':
        strbuf_puts(out, draft_object_name(d, draft_object(d, x->object2)));
        break;
    case 'n':
        strbuf_printf(out, "%" PRIu64, x->aux);
        break;
    case 'd':
        strbuf_puts(out, names_duration(a, x->aux));
        break;
    case 'c':
        if (x->count > 1)
            strbuf_printf(out, "%" PRIu64 " times", x->count);
        else
            strbuf_puts(out, "once");
        break;
    case 'w':
        incident_expand(out, row->words[x->aux < row->nwords ? x->aux : 0], d, c, x, row);
        break;
    default:
        break;
    }
}

static void incident_expand(struct strbuf *out, const char *text, struct draft *d, const struct check *c,
        const struct twatch_incident *x, const struct incident_row *row) {
    for (; *text; text++) {
        if (text[0] == '{' && text[1] && text[2] == '}') {
            incident_token(out, text[1], d, c, x, row);
            text += 2;
        } else {
            strbuf_putc(out, *text);
        }
    }
}

static void incident_step(struct draft *d, const struct check *c, const struct twatch_incident *x,
        const struct incident_row *row, const struct incident_step *s) {
    if (s->who == WHO_NONE) return;
    uint32_t thread = s->who == WHO_THREAD ? x->thread : x->other_thread,
             stack = s->other_stack ? x->other_stack : x->stack;
    if (!thread && !stack) return; /* the row says more than was seen */
    if (s->other_stack && !stack && s->action != ACTION_HOLDS) return;
    struct strbuf note = {0};
    if (s->note) incident_expand(&note, s->note, d, c, x, row);
    int32_t object = s->on == ON_OBJECT   ? draft_object(d, x->object)
                     : s->on == ON_SECOND ? draft_object(d, x->object2)
                                          : -1;
    uint32_t who = !thread && row->absent ? draft_absent_thread(d, row->absent) : draft_thread(d, thread);
    draft_step(d, who, (enum action)s->action, object, stack, 0, s->note ? strbuf_text(&note) : NULL);
    strbuf_free(&note);
}

/* A thread that was asked for by tries, again and again, and that nobody ever joined, of those made where the first
 * was; 0: all were. */
static uint32_t incident_given_up(const struct model *m, const struct twatch_incident *x) {
    const struct twatch_thread *first = model_thread(m, x->other_thread);
    if (!first || m->header->end == TWATCH_END_RUNNING) return 0;
    for (uint32_t i = 1; i < m->threads.n; i++) {
        const struct twatch_thread *t = model_thread(m, i);
        if (t && t->join_timeouts > 1 && t->create_stack == first->create_stack &&
                t->end != TWATCH_THREAD_NOT_STARTED && !(t->flags & (TWATCH_THREAD_JOINED | TWATCH_THREAD_DETACHED)))
            return i;
    }
    return 0;
}

static bool incident_is_tries(const struct twatch_incident *x) {
    return x->kind == TWATCH_INCIDENT_JOIN_TIMEOUT && !x->object2 && !x->aux;
}

/* One thread that was asked for again and again until it had ended: nobody gave up. Python does not tell the C library
 * of its joins. */
static bool incident_is_patience(const struct model *m, const struct twatch_incident *x) {
    const struct twatch_thread *t = model_thread(m, x->other_thread);
    if (x->kind != TWATCH_INCIDENT_JOIN_TIMEOUT || x->object2 != 1 || x->count < 2 || !t) return false;
    bool ended =
            t->end == TWATCH_THREAD_RETURNED || t->end == TWATCH_THREAD_EXITED || t->end == TWATCH_THREAD_CANCELLED;
    return ended && (t->flags & TWATCH_THREAD_JOINED || m->header->flags & TWATCH_HDR_PYTHON);
}

/* How long joins with a limit took, and at worst can take: each of them began when the one before ended. */
static void incident_join_timeout(
        struct strbuf *out, const struct check *c, const struct twatch_incident *x, uint64_t count) {
    struct arena *a = &c->out->arena;
    uint64_t limit = x->aux / (count ? count : 1);
    uint32_t given_up = incident_is_tries(x) ? incident_given_up(c->m, x) : 0;
    if (given_up) {
        strbuf_printf(out, "%s tried %u times to join %s, in vain, and gave up", names_thread(c->m, a, x->thread),
                model_thread(c->m, given_up)->join_timeouts, names_thread(c->m, a, given_up));
        return;
    }
    if (x->object2 > 1 && count > 1)
        strbuf_printf(out, "%s gave up %" PRIu64 " joins that had a time limit, of %s for one",
                names_thread(c->m, a, x->thread), count, names_thread(c->m, a, x->other_thread));
    else
        strbuf_printf(out, "%s gave up joining %s%s", names_thread(c->m, a, x->thread),
                names_thread(c->m, a, x->other_thread), count > 1 ? arena_printf(a, " %" PRIu64 " times", count) : "");
    strbuf_printf(out, ", after waiting %s%s", names_duration(a, x->aux), count > 1 ? " in all" : "");
    if (x->object2 > 1 && limit)
        strbuf_printf(out, "; %u in a row with %s each can wait %s at worst", x->object2, names_duration(a, limit),
                names_duration(a, limit * x->object2));
}

struct incident_group { /* the same at the same place, by other threads or on other objects */
    struct {
        uint32_t kind, stack, other_stack, word;
    } key;
    const struct twatch_incident *first;
    uint64_t count;
    uint32_t others;
    UT_hash_handle hh;
};

static void incident_report(struct check *c, const struct incident_group *g) {
    const struct twatch_incident *x = g->first;
    const struct incident_row *row = &incident_rows[x->kind];
    struct draft *d = draft_begin(c->out, check_rule((enum check_rule_id)row->rule), c->m);
    struct strbuf text = {0};
    draft_finding(d)->count = g->count;
    if (x->thread) draft_thread(d, x->thread);
    for (size_t i = 0; i < sizeof row->step / sizeof *row->step; i++)
        incident_step(d, c, x, row, &row->step[i]);
    if (x->kind == TWATCH_INCIDENT_JOIN_TIMEOUT)
        incident_join_timeout(&text, c, x, g->count);
    else
        incident_expand(&text, row->message, d, c, x, row);
    draft_message(d, "%s", strbuf_text(&text));
    if (g->others) draft_detail(d, "the same at the same place with %u other threads or objects", g->others);
    strbuf_free(&text);
    draft_end(d);
}

/* Somebody else gave it back: that is told as unlock-not-owner, and the thread that "still holds" it does not. */
static bool incident_was_given_back(const struct check *c, const struct twatch_incident *x) {
    for (size_t i = 0; i < c->m->incidents.n && i < 1000; i++) {
        const struct twatch_incident *y = model_incident(c->m, i);
        if (y->kind == TWATCH_INCIDENT_UNLOCK_NOT_OWNER && y->object == x->object && y->other_thread == x->thread)
            return true;
    }
    return false;
}

static bool incident_counts(const struct check *c, const struct twatch_incident *x) {
    if (x->kind == 0 || x->kind >= TWATCH_INCIDENT_END || !incident_rows[x->kind].message) return false;
    const struct incident_row *row = &incident_rows[x->kind];
    if (check_rule((enum check_rule_id)row->rule)->optional && !c->optional) return false;
    if (x->kind == TWATCH_INCIDENT_LOCK_HELD_AT_THREAD_EXIT && incident_was_given_back(c, x)) return false;
    if (incident_is_patience(c->m, x)) return false;
    if (incident_is_tries(x) && !incident_given_up(c->m, x)) return false;
    const struct twatch_object *o = model_object(c->m, x->object);
    return !(row->lock_only && o && o->kind == TWATCH_OBJ_SEM && !locks_is_lock(c->m, x->object));
}

void check_incidents(struct check *c) {
    struct incident_group *groups = NULL, *g, *next;
    for (size_t i = 0; i < c->m->incidents.n; i++) {
        const struct twatch_incident *x = model_incident(c->m, i);
        if (!incident_counts(c, x) || (c->group && x->group != c->group)) continue;
        struct incident_group probe = {.first = x};
        probe.key.kind = x->kind;
        probe.key.stack = x->stack;
        probe.key.other_stack = x->other_stack;
        probe.key.word = incident_rows[x->kind].nwords ? (uint32_t)x->aux : 0;
        HASH_FIND(hh, groups, &probe.key, sizeof probe.key, g);
        if (g) {
            g->others++;
        } else {
            g = mem_new(1, sizeof *g);
            *g = probe;
            HASH_ADD(hh, groups, key, sizeof g->key, g);
        }
        g->count += x->count ? x->count : 1;
    }
    HASH_ITER(hh, groups, g, next) incident_report(c, g);
    HASH_ITER(hh, groups, g, next) {
        HASH_DEL(groups, g);
        free(g);
    }
}
