#include "race_watch.h"

#include <errno.h>
#include <linux/futex.h>

#include "held.h"
#include "race_catch.h"
#include "race_events.h"
#include "race_insn.h"
#include "race_places.h"

/* Threads are held for 1 % of the wall clock together, one at a time, never under a spin lock. */
enum { HOLD = 500000, HOLD_LEAST = 100000, HOLD_SHARE = 100, HOLD_MOST = 4 * HOLD, HITS = 12 };
enum { DWELL_SUSPECT = 50000000, DWELL_RECENT = 20000000, DWELL_SWEEP = 100000000 };

struct slot {
    uint32_t armed, generation;
    uintptr_t address;
    uint64_t since_ns;
    uint32_t hits;   /* since it was armed */
    uint32_t thread; /* of the first hit */
    bool shared, suspect;
    uint32_t holder; /* thread that stands at its access now; 0 none */
    uint32_t word;   /* futex: steps when the holder may go */
    struct tw_catch_side side;
};

static struct slot slots[TW_EVENTS];
static struct tw_lock lock;    /* the slots and what follows */
static uint64_t hold_since_ns; /* when hold_credit was brought up to date */
static int64_t hold_credit;
static uint32_t holding; /* slots that hold somebody */
static uint32_t move_next;

bool tw_watch_try(void) {
    return tw_lock_try(&lock);
}
void tw_watch_take(void) {
    tw_lock_take(&lock);
}
void tw_watch_give(void) {
    tw_lock_give(&lock);
}

/* ---- moving */

static void disarm(struct slot *s) {
    if (__atomic_exchange_n(&s->armed, 0, __ATOMIC_ACQ_REL)) tw_events_disarm((uint32_t)(s - slots));
}

void tw_watch_off(void) {
    for (uint32_t i = 0; i < TW_EVENTS; i++)
        disarm(&slots[i]);
}

/* The kernel takes the address for all threads at once. */
static int arm(uint32_t number, uintptr_t address, uint64_t now) {
    struct slot *s = &slots[number];
    s->generation = s->generation % 0xffffff + 1;
    s->address = address;
    s->hits = s->thread = 0;
    s->shared = false;
    s->since_ns = now;
    __atomic_store_n(&s->armed, 1, __ATOMIC_RELEASE);
    int rc = tw_events_arm(number, s->generation, address);
    if (rc < 0) disarm(s);
    return rc == -EBADF ? rc : 0;
}

static uint64_t dwell(uint32_t number) {
    return slots[number].suspect ? DWELL_SUSPECT : number < 3 ? DWELL_RECENT : DWELL_SWEEP;
}

static int move(uint32_t number, uint64_t now) {
    uintptr_t watched[TW_EVENTS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < TW_EVENTS; i++)
        if (slots[i].armed) watched[n++] = slots[i].address;
    uintptr_t a = tw_choice_next(number, &slots[number].suspect, watched, n);
    if (a) return arm(number, a, now);
    disarm(&slots[number]);
    return 0;
}

int tw_watch_move(uint64_t now) {
    for (uint32_t i = 0; i < TW_EVENTS; i++) {
        uint32_t number = move_next++ % TW_EVENTS;
        const struct slot *s = &slots[number];
        if (!s->holder && !(s->armed && now - s->since_ns < dwell(number))) return move(number, now);
    }
    return 0;
}

/* ---- holding */

static bool spins(const struct tw_thread *t) {
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address && tw_held_kind(&t->held[i]) == TWATCH_OBJ_SPIN) return true;
    return false;
}

/* For how long the thread may be held, 0: not at all. */
static int64_t hold_time(const struct tw_thread *t, const struct slot *s) {
    uint64_t now = tw_sys_now();
    hold_credit += (int64_t)((now - hold_since_ns) / HOLD_SHARE);
    hold_since_ns = now;
    if (hold_credit > HOLD_MOST) hold_credit = HOLD_MOST;
    bool written = tw_choice_written(s->address); /* what everybody only reads would eat the whole time */
    bool worth = ((s->shared || s->suspect) && written) || hold_credit > HOLD_MOST / 2;
    if (holding || !worth || hold_credit < HOLD_LEAST || s->hits > HITS / 2 || spins(t)) return 0;
    return hold_credit < HOLD ? hold_credit : HOLD;
}

/* The lock is given back meanwhile. All signals but faults are blocked: the thread does nothing here. */
static void hold(struct slot *s, const struct tw_catch_side *mine, int64_t ns) {
    s->side = *mine;
    s->holder = mine->thread;
    holding++;
    uint32_t word = s->word;
    tw_lock_give(&lock);
    uint64_t begin = tw_sys_now();
    struct {
        int64_t s, ns;
    } limit = {0, ns};
    tw_sys(SYS_futex, &s->word, FUTEX_WAIT_PRIVATE, word, &limit);
    uint64_t took = tw_sys_now() - begin;
    tw_lock_take(&lock);
    s->holder = 0;
    holding--;
    if (took > 4 * (uint64_t)ns)
        took = 4 * (uint64_t)ns; /* the rest it waited for a processor, as it would have anyway */
    hold_credit -= (int64_t)took;
    tw_places_count(0, 0, took);
}

static void release_holder(struct slot *s) {
    s->word++;
    tw_sys(SYS_futex, &s->word, FUTEX_WAKE_PRIVATE, 1);
}

/* ---- hits */

static void caught(struct slot *s, const struct tw_catch_side *mine) {
    tw_catch(&s->side, mine, s->address);
    tw_choice_caught(s->address);
    s->holder = 0;
    release_holder(s);
}

/* An access that was understood. */
static void met(struct tw_thread *t, struct slot *s, const struct tw_race_insn *insn, const uint64_t *regs,
        uintptr_t pc, uintptr_t rip) {
    tw_choice_use(s->address, t->id, insn->flags);
    if (!s->thread) s->thread = t->id;
    if (s->thread != t->id) s->shared = true;
    bool pair = s->holder && s->holder != t->id && (s->side.flags | insn->flags) & TW_INSN_WRITE;
    int64_t ns = s->holder ? 0 : hold_time(t, s);
    if (!pair && !ns) return;
    struct tw_catch_side mine;
    tw_catch_side(t, &mine, insn, pc, s->address, regs, rip);
    if (pair)
        caught(s, &mine);
    else
        hold(s, &mine, ns);
}

void tw_watch_hit(struct tw_thread *t, uint32_t number, uint32_t generation, const ucontext_t *uc) {
    struct slot *s = &slots[number];
    uint64_t regs[16];
    uintptr_t rip = tw_choice_pc(uc), text;
    struct tw_race_insn insn;
    if (!tw_places_code(rip - 1, &text)) return; /* in libc and the like, which order by what nobody sees */
    tw_choice_registers(uc, regs);
    tw_lock_take(&lock);
    bool current = (s->generation & 0xfffffff) == generation && s->armed;
    if (current && tw_race_insn_before(text, rip, s->address, regs, &insn)) {
        uintptr_t pc = insn.flags & TW_INSN_STRING && insn.repeats ? rip : rip - insn.length;
        if (insn.flags & TW_INSN_ATOMIC) {
            tw_choice_leave_alone(s->address);
            s->hits = HITS;
        } else {
            met(t, s, &insn, regs, pc, rip);
        }
    }
    tw_lock_give(&lock);
}

void tw_watch_count(uint32_t number, bool paid) {
    struct slot *s = &slots[number];
    uint32_t n = __atomic_add_fetch(&s->hits, 1, __ATOMIC_RELAXED);
    tw_places_count(0, 1, 0);
    if (n >= HITS || (!s->holder && !paid)) { /* a hold that began is seen through */
        disarm(s);
        if (s->holder) release_holder(s);
    }
}

void tw_watch_start(uint64_t now) {
    hold_since_ns = now;
    hold_credit = HOLD;
}

void tw_watch_forked(void) {
    lock = (struct tw_lock){0};
    for (uint32_t i = 0; i < TW_EVENTS; i++)
        slots[i] = (struct slot){0};
    holding = 0;
    hold_credit = 0;
    tw_catch_forked();
}
