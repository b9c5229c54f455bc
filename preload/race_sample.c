#include "race_sample.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <ucontext.h>

#include "config.h"
#include "held.h"
#include "race_catch.h"
#include "race_events.h"
#include "race_places.h"
#include "real.h"

/*
 * The events are opened by the thread that creates the first one, and inherited by all threads to come; moving one
 * moves it in all threads. The clock ticks in each thread after TW_EVENTS_TICK of its processor time; at a tick the
 * thread says which memory it is about to touch, and a watchpoint may move on.
 *
 * Costs. CPU: each tick earns half a percent of its time, each trap and each move of a watchpoint is paid from that; a
 * watchpoint that is used up or cannot be paid for is switched off until the next tick. Time: threads are held for 1 %
 * of the wall clock together, one at a time, never under a spin lock. What cannot be paid for by trap is the work of
 * the kernel at each switch of threads and each birth of one: these are counted, and where they cost more than
 * SHARE_MOST per mille, sampling rests: all events are closed, and opened again later for some of the threads.
 */
enum { SLOTS = TW_EVENTS, EARNED = TW_EVENTS_TICK / 200, EARNED_MOST = 20 * EARNED };
enum { HOLD = 500000, HOLD_LEAST = 100000, HOLD_SHARE = 100, HOLD_MOST = 4 * HOLD };
enum { HITS = 12, AHEAD = 12, CALIBRATION = 4, TRAP_PERF_CODE = 6, ASYNC = 1, CAUGHT_ENOUGH = 6 };
enum { LOOK_EVERY = 50000000, CALLS = 64, SWITCH_NS = 800, BIRTH_NS = 12000, SHARE_MOST = 6 };
#define REST_MOST 60000000000ull
enum { RECENT = 64, SUSPECTS = 64, SEEN = 1024, LEFT_ALONE = 1024 };
enum { DWELL_SUSPECT = 50000000, DWELL_RECENT = 20000000, DWELL_SWEEP = 100000000 };

#define KEY_MASK 0xffffffff00000000ull

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

bool tw_sample_on;

static struct slot slots[SLOTS];
static uint64_t key;           /* in the upper half of every signal of ours */
static int64_t earned;         /* ns of CPU that may be spent */
static int64_t trap_ns = 5000; /* what a trap costs */
static struct tw_lock lock;    /* the slots and what follows */
static uint64_t hold_since_ns; /* when hold_credit was brought up to date */
static int64_t hold_credit;
static uint32_t holding; /* slots that hold somebody */
static uintptr_t recent[RECENT], suspects[SUSPECTS], left_alone[LEFT_ALONE];
static uint32_t nrecent, recent_next, nsuspects, suspect_next, move_next;
static struct {
    uintptr_t address;
    uint32_t thread, caught;
    bool written;
} seen[SEEN];
static uint64_t rest_until; /* 0: sampling does not rest */
static volatile uint32_t calibrated, calibration_word;

static uint32_t hash_of(uintptr_t a) {
    return (uint32_t)(tw_sys_mix(a) >> 20);
}

/* ---- events */

static void disarm(struct slot *s) {
    if (__atomic_exchange_n(&s->armed, 0, __ATOMIC_ACQ_REL)) tw_events_disarm((uint32_t)(s - slots));
}

/* When somebody has closed our descriptors behind libc's back, what they are now is the program's: they are left as
 * they are. */
static void lost(const char *why) {
    if (!__atomic_exchange_n(&tw_sample_on, false, __ATOMIC_ACQ_REL)) return;
    tw_events_forget();
    tw_sys_say("twatch: races=sample: sampling ends here: %s\n", why);
}

/* Under lock. The kernel takes the address for all threads at once. */
static bool arm(uint32_t number, uintptr_t address) {
    struct slot *s = &slots[number];
    s->generation = s->generation % 0xffffff + 1;
    s->address = address;
    s->hits = s->thread = 0;
    s->shared = false;
    s->since_ns = tw_sys_now();
    __atomic_store_n(&s->armed, 1, __ATOMIC_RELEASE);
    int rc = tw_events_arm(number, s->generation, address);
    if (rc == 0) return true;
    disarm(s);
    if (rc == -EBADF || rc == -ENOTTY) lost("the program has closed its descriptors");
    return false;
}

/* ---- rest */

static struct load { uint64_t cpu_ns, switches, births, on_since_ns, looked_ns; } load;

static struct load load_now(void) {
    struct rusage u;
    if (tw_sys(SYS_getrusage, RUSAGE_SELF, &u) != 0) return (struct load){0};
    uint64_t us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
                  (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    return (struct load){us * 1000, (uint64_t)(u.ru_nvcsw + u.ru_nivcsw), tw_header->nthreads, 0, tw_sys_now()};
}

/* Under lock. */
static void rest(uint64_t now, uint64_t ns) {
    for (uint32_t i = 0; i < SLOTS; i++)
        disarm(&slots[i]);
    tw_events_close();
    __atomic_store_n(&rest_until, now + (ns < REST_MOST ? ns : REST_MOST), __ATOMIC_RELEASE);
}

/* Under lock. */
static void look_at_load(uint64_t now) {
    struct load l = load_now();
    uint64_t cpu = l.cpu_ns - load.cpu_ns;
    uint64_t share = cpu ? ((l.switches - load.switches) * SWITCH_NS + (l.births - load.births) * BIRTH_NS) * 1000 / cpu
                         : 0,
             on = now - load.on_since_ns;
    load.cpu_ns = l.cpu_ns;
    load.switches = l.switches;
    load.births = l.births;
    load.looked_ns = now;
    if (share > SHARE_MOST) rest(now, on * share / SHARE_MOST);
}

/* Under lock. */
static void wake_up(uint64_t now) {
    int tids[TW_EVENTS_TEAM] = {0};
    uint32_t n = 1, all = tw_thread_slots();
    static uint32_t turn;
    for (uint32_t i = 0; i < all && n < TW_EVENTS_TEAM; i++) {
        const struct twatch_slot *t = tw_thread_slot(turn++ % all + 1);
        const struct twatch_thread *d = t && t->thread ? tw_thread_desc(t->thread) : NULL;
        if (d && d->tid && t->thread != tw_self->id) tids[n++] = d->tid;
    }
    rest_until = 0;
    load = load_now();
    load.on_since_ns = now;
    if (tw_events_open(key, tids, n) != 0) rest(now, REST_MOST);
}

static void look(void) {
    uint64_t now = tw_sys_now_coarse();
    if (rest_until ? now < rest_until : now - load.looked_ns < LOOK_EVERY) return;
    if (tw_header->pid != (int32_t)tw_sys(SYS_getpid) || !tw_lock_try(&lock)) return;
    if (!tw_sample_on)
        ;
    else if (rest_until)
        wake_up(now);
    else
        look_at_load(now);
    tw_lock_give(&lock);
}

/* The lock is for the guard only: a signal handler of the program may come in between, and touch what is watched. */
void tw_sample_waits(void) {
    static __thread uint32_t calls __attribute__((tls_model("initial-exec")));
    struct tw_thread *t = tw_self;
    if (++calls % CALLS || !t || t->ended) return;
    uint32_t guarded = t->busy;
    t->busy = 1;
    look();
    t->busy = guarded;
}

/* ---- which addresses */

static bool is_left_alone(uintptr_t a) {
    return left_alone[hash_of(a) % LEFT_ALONE] == a;
}
static void leave_alone(uintptr_t a) {
    left_alone[hash_of(a) % LEFT_ALONE] = a;
}

static bool is_suspect(uintptr_t a) {
    for (uint32_t i = 0; i < nsuspects; i++)
        if (suspects[i] == a) return true;
    return false;
}

/* A thread uses the address. When the last one to do so was another, it is shared. */
static void note_use(uintptr_t a, uint32_t thread, uint32_t flags) {
    uint32_t at = hash_of(a) % SEEN;
    if (seen[at].address == a && seen[at].thread != thread && !is_suspect(a)) {
        suspects[suspect_next++ % SUSPECTS] = a;
        if (nsuspects < SUSPECTS) nsuspects++;
    }
    if (seen[at].address != a) seen[at].caught = seen[at].written = 0;
    if (flags & TW_INSN_WRITE) seen[at].written = true;
    seen[at].address = a;
    seen[at].thread = thread;
}

static void add_recent(uintptr_t a) {
    recent[nrecent++ % RECENT] = a;
}

static bool watched(uintptr_t a) {
    for (uint32_t i = 0; i < SLOTS; i++)
        if (slots[i].armed && slots[i].address == a) return true;
    return false;
}

static bool good(uintptr_t a) {
    return a && !watched(a) && !is_left_alone(a);
}

static uintptr_t pick_suspect(void) {
    static uint32_t turn;
    for (uint32_t i = 0; i < nsuspects; i++) {
        uintptr_t a = suspects[turn++ % nsuspects];
        if (good(a)) return a;
    }
    return 0;
}

static uintptr_t pick_recent(void) {
    for (uint32_t i = 0; i < RECENT && recent_next != nrecent; i++) {
        if (nrecent - recent_next > RECENT) recent_next = nrecent - RECENT;
        uintptr_t a = recent[recent_next++ % RECENT];
        if (good(a)) return a;
    }
    return 0;
}

static uintptr_t pick_global(void) {
    uintptr_t a = tw_places_next();
    return good(a) ? a : 0;
}

static uintptr_t pick(uint32_t slot, bool *suspect) {
    uintptr_t a = slot < 2 ? pick_suspect() : 0;
    *suspect = a != 0;
    if (!a && slot < 3) a = pick_recent();
    if (!a) return pick_global();
    tw_places_count(!tw_places_data(a), 0, 0);
    return a;
}

static uint64_t dwell(const struct slot *s, uint32_t number) {
    return s->suspect ? DWELL_SUSPECT : number < 3 ? DWELL_RECENT : DWELL_SWEEP;
}

/* Under lock. One watchpoint that is off, or has been where it is for long enough, moves on. */
static void move_one(uint64_t now) {
    for (uint32_t i = 0; i < SLOTS; i++) {
        uint32_t number = move_next++ % SLOTS;
        struct slot *s = &slots[number];
        if (s->holder || (s->armed && now - s->since_ns < dwell(s, number))) continue;
        uintptr_t a = pick(number, &s->suspect);
        if (a)
            arm(number, a);
        else
            disarm(s);
        return;
    }
}

/* ---- the interrupted thread */

static void registers(const ucontext_t *uc, uint64_t *r) {
    static const uint8_t order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8,
            REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    for (int i = 0; i < 16; i++)
        r[i] = (uint64_t)uc->uc_mcontext.gregs[order[i]];
}

static uintptr_t pc_of(const ucontext_t *uc) {
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}

static void candidate(const struct tw_thread *t, uintptr_t a, const struct tw_race_insn *insn) {
    if (a < TWATCH_PAGE || a >> 47 || (a >= t->stack_lo && a < t->stack_hi)) return;
    if (insn->flags & TW_INSN_ATOMIC) {
        leave_alone(a);
        return;
    }
    if (is_left_alone(a)) return;
    note_use(a, t->id, insn->flags);
    add_recent(a);
}

/*
 * What the thread will touch next, once around the loop that it may be in. Registers may have changed until then: a
 * wrong address costs a watchpoint for a moment, no more.
 */
static void look_ahead(const struct tw_thread *t, const ucontext_t *uc) {
    uint64_t regs[16];
    uintptr_t pc = pc_of(uc), text;
    uint32_t changed = 0;
    bool turned = false;
    registers(uc, regs);
    for (int i = 0; i < AHEAD && tw_places_code(pc, &text) && tw_places_code(pc + TW_INSN_MAX, &text); i++) {
        struct tw_race_insn insn;
        if (!tw_race_insn((const uint8_t *)pc, TW_INSN_MAX, &insn) || insn.jumps == 1) return;
        bool known = !(changed & (1u << insn.base | 1u << insn.index) & 0xffff);
        if (insn.flags && known && !(insn.flags & TW_INSN_STRING)) {
            uintptr_t a = tw_race_insn_address(&insn, pc, regs);
            if (insn.base != TW_INSN_RIP || tw_places_data(a)) candidate(t, a, &insn);
        }
        changed |= 1u << insn.loads;
        pc += insn.length;
        if (insn.jumps != 2 || insn.disp >= 0) continue;
        if (turned) return;
        turned = true;
        pc += (uintptr_t)insn.disp;
    }
}

static void tick(const struct tw_thread *t, const ucontext_t *uc) {
    if (__atomic_add_fetch(&earned, EARNED, __ATOMIC_RELAXED) > EARNED_MOST)
        __atomic_store_n(&earned, EARNED_MOST, __ATOMIC_RELAXED);
    if (!tw_lock_try(&lock)) return;
    tw_places_refresh();
    look_ahead(t, uc);
    uint64_t now = tw_sys_now();
    if (now - load.looked_ns >= LOOK_EVERY) look_at_load(now);
    if (earned > 0 && tw_sample_on && !rest_until) move_one(now);
    tw_lock_give(&lock);
}

/* ---- hits */

static bool spins(const struct tw_thread *t) {
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address && tw_held_kind(&t->held[i]) == TWATCH_OBJ_SPIN) return true;
    return false;
}

/* Under lock: for how long the thread may be held, 0: not at all. */
static int64_t hold_time(const struct tw_thread *t, const struct slot *s) {
    uint64_t now = tw_sys_now();
    hold_credit += (int64_t)((now - hold_since_ns) / HOLD_SHARE);
    hold_since_ns = now;
    if (hold_credit > HOLD_MOST) hold_credit = HOLD_MOST;
    bool written = seen[hash_of(s->address) % SEEN].written; /* what everybody only reads would eat the whole time */
    bool worth = ((s->shared || s->suspect) && written) || hold_credit > HOLD_MOST / 2;
    if (holding || !worth || hold_credit < HOLD_LEAST || s->hits > HITS / 2 || spins(t)) return 0;
    return hold_credit < HOLD ? hold_credit : HOLD;
}

/* Under lock, which is given back meanwhile. All signals but faults are blocked: the thread does nothing here. */
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

/* Under lock. */
static void caught(struct slot *s, const struct tw_catch_side *mine) {
    uint32_t at = hash_of(s->address) % SEEN;
    tw_catch(&s->side, mine, s->address);
    if (seen[at].address == s->address && ++seen[at].caught >= CAUGHT_ENOUGH) leave_alone(s->address);
    s->holder = 0;
    release_holder(s);
}

/* Under lock; an access that was understood. */
static void met(struct tw_thread *t, struct slot *s, const struct tw_race_insn *insn, const uint64_t *regs,
        uintptr_t pc, uintptr_t rip) {
    note_use(s->address, t->id, insn->flags);
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

/* The thread stands behind an instruction that touched the byte that the slot watches. */
static void hit(struct tw_thread *t, struct slot *s, uint32_t generation, const ucontext_t *uc) {
    uint64_t regs[16];
    uintptr_t rip = pc_of(uc), text;
    struct tw_race_insn insn;
    if (!tw_places_code(rip - 1, &text)) return; /* in libc and the like, which order by what nobody sees */
    registers(uc, regs);
    tw_lock_take(&lock);
    bool current = (s->generation & 0xfffffff) == generation && s->armed;
    if (current && tw_race_insn_before(text, rip, s->address, regs, &insn)) {
        uintptr_t pc = insn.flags & TW_INSN_STRING && insn.repeats ? rip : rip - insn.length;
        if (insn.flags & TW_INSN_ATOMIC) {
            leave_alone(s->address);
            s->hits = HITS;
        } else {
            met(t, s, &insn, regs, pc, rip);
        }
    }
    tw_lock_give(&lock);
}

/* Any context. A watchpoint that hits too often, or that nobody pays for, is switched off until a tick moves it. */
static void count_hit(struct slot *s) {
    uint32_t n = __atomic_add_fetch(&s->hits, 1, __ATOMIC_RELAXED);
    tw_places_count(0, 1, 0);
    if (n >= HITS ||
            (!s->holder && __atomic_load_n(&earned, __ATOMIC_RELAXED) < 0)) { /* a hold that began is seen through */
        disarm(s);
        if (s->holder) release_holder(s);
    }
}

struct trap { /* the end of siginfo for TRAP_PERF, which the C library's header may not have yet */
    int32_t signo, err, code, pad;
    void *address;
    uint64_t data;
    uint32_t type, flags;
};

bool tw_sample_trap(const siginfo_t *info, void *ucontext) {
    const struct trap *p = (const struct trap *)(const void *)info;
    if (p->code != TRAP_PERF_CODE || !key || (p->data & KEY_MASK) != key) return false;
    uint32_t number = tw_events_number(p->data), generation = tw_events_generation(p->data);
    if (p->type == PERF_TYPE_BREAKPOINT && !generation) {
        calibrated++;
        return true;
    }
    if (p->flags & ASYNC || !tw_sample_on) return true; /* it was blocked, and comes from elsewhere */
    uint64_t begin = tw_sys_now();
    struct tw_thread *t = tw_self && tw_live->on ? tw_enter() : NULL;
    if (p->type != PERF_TYPE_BREAKPOINT) {
        if (t) tick(t, ucontext);
    } else if (number < SLOTS) {
        count_hit(&slots[number]);
        if (t) hit(t, &slots[number], generation, ucontext);
    }
    if (t) tw_leave(t);
    int64_t took = (int64_t)(tw_sys_now() - begin), base = p->type == PERF_TYPE_BREAKPOINT ? trap_ns : 0;
    __atomic_sub_fetch(&earned, base + (took < HOLD_LEAST ? took : HOLD_LEAST / 4), __ATOMIC_RELAXED);
    return true;
}

/* ---- start and end */

static const char *why_not(long error) {
    switch (error) {
    case -EACCES:
    case -EPERM:
        return "the kernel refuses perf_event_open (kernel.perf_event_paranoid, or the filter of a container)";
    case -ENOSPC:
    case -EBUSY:
        return "the processor's watchpoints are taken";
    case -ENOSYS:
    case -ENODEV:
    case -EOPNOTSUPP:
        return "there are no hardware watchpoints here";
    default:
        return "the kernel opens no watchpoint that signals";
    }
}

/* Before 5.18 a watchpoint that hits while SIGTRAP is blocked kills the process. */
static bool kernel_is_old(void) {
    struct utsname name;
    uint32_t v[2] = {0, 0}, n = 0;
    if (tw_sys(SYS_uname, &name) != 0) return true;
    for (const char *c = name.release; *c && n < 2; c++) {
        if (*c >= '0' && *c <= '9')
            v[n] = v[n] * 10 + (uint32_t)(*c - '0');
        else
            n++;
    }
    return v[0] < 5 || (v[0] == 5 && v[1] < 18);
}

/* What a trap costs: much more in a virtual machine. False: there was none. */
static bool calibrate(void) {
    int64_t least = INT64_MAX;
    if (tw_events_arm(0, 0, (uintptr_t)&calibration_word) != 0) return false;
    for (int i = 0; i < CALIBRATION; i++) {
        uint64_t begin = tw_sys_now();
        calibration_word = (uint32_t)i;
        int64_t ns = (int64_t)(tw_sys_now() - begin);
        if (ns < least) least = ns;
    }
    tw_events_disarm(0);
    trap_ns = least;
    return calibrated >= CALIBRATION;
}

static const char *start(void (*take_traps)(void)) {
    if (kernel_is_old()) return "it needs Linux 5.18 or newer";
    tw_sys(SYS_getrandom, &key, sizeof key, 0);
    key = (key | 1ull << 63) & KEY_MASK;
    take_traps();
    const int self = 0;
    int rc = tw_events_open(key, &self, 1);
    if (rc != 0) return why_not(rc);
    if (!calibrate()) return "watchpoints do not signal here";
    struct tw_thread *t = tw_enter();
    if (t) {
        tw_places_refresh();
        tw_leave(t);
    }
    hold_since_ns = tw_sys_now();
    hold_credit = HOLD;
    load = load_now();
    load.on_since_ns = hold_since_ns;
    tw_sample_on = true;
    return NULL;
}

void tw_sample_start(void (*take_traps)(void)) {
    const char *why = start(take_traps);
    if (why) {
        tw_sample_on = false;
        tw_events_close();
        tw_sys_say("twatch: races are off: races=sample: %s\n", why);
        return;
    }
    tw_header->flags |= TWATCH_HDR_RACES_ON;
}

bool tw_sample_owns(int fd) {
    return tw_sample_on && tw_events_own(fd);
}

void tw_sample_pause(void) {
    if (!tw_sample_on || tw_header->pid != (int32_t)tw_sys(SYS_getpid))
        return; /* a child's exec is nothing to the parent */
    for (uint32_t i = 0; i < SLOTS; i++)
        disarm(&slots[i]);
}

/* The parent's events watch the parent alone, and live as long as a descriptor of them is open anywhere. */
void tw_sample_forked(void) {
    if (!tw_sample_on) return;
    tw_sample_on = false;
    rest_until = 0;
    tw_events_close();
    lock = (struct tw_lock){0};
    for (uint32_t i = 0; i < SLOTS; i++)
        slots[i] = (struct slot){0};
    holding = 0;
    earned = hold_credit = 0;
    tw_places_forked();
    tw_catch_forked();
}
