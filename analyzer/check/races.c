/* data-race: the pairs of accesses that the race engine found unordered, one finding per pair of places and variable.
 */
#include "base/hash.h"
#include "base/strbuf.h"
#include "check/check.h"
#include "finding/names.h"

#include <inttypes.h>
#include <string.h>

/* Places are looked up as return addresses, one byte before; this is the instruction itself. */
static uint64_t races_site(const struct twatch_race_side *s) {
    return s->pc ? s->pc + 1 : 0;
}

/* A stack of one frame that is the instruction itself but is not marked so says less than the instruction alone. */
static uint32_t races_stack(const struct model *m, const struct twatch_race_side *s) {
    const struct twatch_stack *k = model_stack(m, s->stack);
    bool lone = k && k->nframes == 1 && k->pc[0] == s->pc && !(k->flags & TWATCH_STACK_PRECISE0);
    return lone && !(s->flags & (TWATCH_RACE_RANGE | TWATCH_RACE_FREE)) ? 0 : s->stack;
}

static bool races_writes(const struct twatch_race_side *s) {
    return s->flags & (TWATCH_RACE_WRITE | TWATCH_RACE_RMW | TWATCH_RACE_FREE);
}

/* A place where a C11 atomic may hide: a locked instruction, or a plain aligned move. */
static bool races_atomic_like(const struct twatch_race_side *s) {
    if (s->flags & (TWATCH_RACE_ATOMIC | TWATCH_RACE_ALIGNED_MOV)) return true;
    if (s->flags & (TWATCH_RACE_WRITE | TWATCH_RACE_RMW | TWATCH_RACE_RANGE | TWATCH_RACE_FREE)) return false;
    /* A load that is part of a compare or an addition is as whole as one by mov. */
    return s->size && s->size <= 8 && s->address % s->size == 0;
}

static int races_atomic_type(const struct check *c, const struct twatch_race *x) {
    const struct namer *n = &c->m->namer;
    if (x->where == TWATCH_WHERE_STACK) return n->local_atomic ? n->local_atomic(n->ctx, x->block, x->block_size) : -1;
    return n->atomic(n->ctx, x->side[1].address);
}

static bool races_declared_atomic(const struct check *c, const struct twatch_race *x) {
    return c->m->namer.atomic && races_atomic_like(&x->side[0]) && races_atomic_like(&x->side[1]) &&
           races_atomic_type(c, x) == 1;
}

/* Both threads are in the same function, which reads and writes the place: a load, a change and a store, in plain
 * instructions. */
static bool races_same_function(const struct check *c, const struct twatch_race *x) {
    const struct namer *n = &c->m->namer;
    const char *a = n->key ? n->key(n->ctx, races_stack(c->m, &x->side[0]), races_site(&x->side[0])) : NULL;
    const char *b = n->key ? n->key(n->ctx, races_stack(c->m, &x->side[1]), races_site(&x->side[1])) : NULL;
    return a && b && strcmp(a, b) == 0;
}

/* The same by the unwind tables, which say it without symbols too: that both are in one piece of code, and no more. */
static bool races_same_body(const struct check *c, const struct twatch_race *x) {
    const struct namer *n = &c->m->namer;
    if (races_same_function(c, x)) return true;
    uint64_t start = n->start ? n->start(n->ctx, x->side[0].pc) : 0;
    return start && start == n->start(n->ctx, x->side[1].pc);
}

/* Stores that are the end of an update: their instructions. */
struct races_store {
    uint64_t pc;
    UT_hash_handle hh;
};

static bool races_is_update(const struct races_store *updates, uint64_t pc) {
    const struct races_store *found;
    HASH_FIND(hh, updates, &pc, sizeof pc, found);
    return found != NULL;
}

/* A store that races with a load of the same function: what it stores may come from there. */
static void races_add_updates(const struct check *c, const struct twatch_race *x, struct races_store **updates) {
    for (int side = 0; side < 2; side++) {
        const struct twatch_race_side *s = &x->side[side];
        if (!(s->flags & TWATCH_RACE_WRITE) || (x->side[!side].flags & TWATCH_RACE_WRITE) || x->usual_lock) continue;
        if (races_is_update(*updates, s->pc) || !races_same_body(c, x)) continue;
        struct races_store *new = arena_alloc(&c->out->arena, sizeof *new);
        new->pc = s->pc;
        HASH_ADD(hh, *updates, pc, sizeof new->pc, new);
    }
}

static bool races_two_stores(const struct twatch_race *x) {
    return !(~x->side[0].flags & (TWATCH_RACE_WRITE | TWATCH_RACE_ALIGNED_MOV)) &&
           !(~x->side[1].flags & (TWATCH_RACE_WRITE | TWATCH_RACE_ALIGNED_MOV));
}

/*
 * A plain aligned read against a plain aligned write: atomics with weaker orders than the default look exactly so. A
 * read-modify-write in plain instructions does not: that is no atomic. Two plain stores, alike, unless one of them is
 * known from another race as the end of a load, a change and a store.
 */
static bool races_looks_atomic(const struct check *c, const struct twatch_race *x, const struct races_store *updates) {
    if (!races_atomic_like(&x->side[0]) || !races_atomic_like(&x->side[1])) return false;
    if (races_two_stores(x)) {
        if (races_is_update(updates, x->side[0].pc) || races_is_update(updates, x->side[1].pc)) return false;
    } else if (!x->usual_lock && races_same_function(c, x)) {
        return false; /* under a lock and once more without: double-checked, maybe with atomics */
    }
    return !((x->side[0].flags | x->side[1].flags) & (TWATCH_RACE_RMW | TWATCH_RACE_FREE));
}

/* And of memory whose type nobody knows (heap, a frame that was not seen, no debug information): it may be declared
 * atomic. */
static bool races_may_be_atomic(const struct check *c, const struct twatch_race *x, const struct races_store *updates) {
    if (!races_looks_atomic(c, x, updates)) return false;
    if ((x->side[0].flags | x->side[1].flags) & TWATCH_RACE_ATOMIC) return true;
    if (x->where == TWATCH_WHERE_TLS) return false;
    return x->where == TWATCH_WHERE_HEAP || !c->m->namer.atomic ||
           races_atomic_type(c, x) < 0;
}

/* ---- what it does ---- */

enum races_verdict {
    RACES_TORN,
    RACES_STALE,
    RACES_POLLING,
    RACES_TWO_STORES,
    RACES_OVERWRITE,
    RACES_LOST_UPDATE,
    RACES_INCONSISTENT,
    RACES_FREED
};

static enum races_verdict races_verdict(const struct twatch_race *x) {
    const struct twatch_race_side *a = &x->side[0], *b = &x->side[1];
    uint32_t both = a->flags & b->flags, any = a->flags | b->flags;
    if (any & TWATCH_RACE_FREE) return RACES_FREED;
    if (x->usual_lock) return RACES_INCONSISTENT;
    if (races_writes(a) && races_writes(b)) return any & TWATCH_RACE_RMW ? RACES_LOST_UPDATE : RACES_OVERWRITE;
    if (any & TWATCH_RACE_RMW) return RACES_LOST_UPDATE; /* the reading half of a read-modify-write against a write */
    if (any & TWATCH_RACE_SPIN) return RACES_POLLING;
    return both & TWATCH_RACE_ALIGNED_MOV ? RACES_STALE : RACES_TORN;
}

static const char *const races_word[] = {[RACES_TORN] = "torn or stale read",
        [RACES_STALE] = "stale read or unordered publication",
        [RACES_POLLING] = "flag polling",
        [RACES_TWO_STORES] = "two writes in no order",
        [RACES_OVERWRITE] = "one write is lost",
        [RACES_LOST_UPDATE] = "lost update",
        [RACES_INCONSISTENT] = "inconsistent lock",
        [RACES_FREED] = "use of freed memory"};

static const char *const races_meaning[] = {[RACES_TORN] = "The reader can see the value half written, or an old one.",
        [RACES_STALE] = "The reader can see an old value, or the new one before what was written before it.",
        [RACES_POLLING] = "A thread polls this as a flag. The compiler may read it only once, and what was written "
                          "before the flag may not be there yet when it is seen: make it atomic.",
        [RACES_TWO_STORES] =
                "Both threads store; which value stays is luck, which is harmless where both store the same.",
        [RACES_OVERWRITE] = "Both threads write; which value stays is luck.",
        [RACES_LOST_UPDATE] = "A thread reads the value, changes it and writes it back; what the other one writes in "
                              "between is lost.",
        [RACES_INCONSISTENT] = "Other accesses to this place are made under a lock, at least one of these two is not.",
        [RACES_FREED] = "One thread frees the memory, the other one uses it, and nothing puts the two in an order."};

/* ---- what it is about ---- */

static const char *races_heap_name(const struct check *c, const struct twatch_race *x, uint64_t address) {
    struct arena *a = &c->out->arena;
    const char *made = names_place(c->m, a, x->alloc_stack, 0);
    uint64_t offset = address >= x->block && address - x->block < x->block_size ? address - x->block : 0;
    bool specific = x->owner_thread && x->side[0].key && model_object(c->m, x->side[0].key);
    const char *whose = specific ? arena_printf(a, ", the value of thread-specific key %s in %s", names_object(c->m, a, x->side[0].key),
                                           names_thread(c->m, a, x->owner_thread))
                                 : "";
    return arena_printf(a, "byte %" PRIu64 " of a heap block of %" PRIu64 " bytes%s%s%s", offset, x->block_size,
            made ? " allocated in " : "", made ? made : "", whose);
}

static const char *races_tls_name(const struct check *c, const struct twatch_race *x, uint64_t address) {
    struct arena *a = &c->out->arena;
    const struct twatch_thread *t = model_thread(c->m, x->owner_thread);
    const char *name =
            t && c->m->namer.tls_variable ? c->m->namer.tls_variable(c->m->namer.ctx, address, t->handle) : NULL;
    return arena_printf(
            a, "%s, thread-local of %s", name ? name : "a variable", names_thread(c->m, a, x->owner_thread));
}

/* "on the stack of thread 1, in main" */
static const char *races_frame(const struct check *c, const struct twatch_race *x) {
    struct arena *a = &c->out->arena;
    const struct namer *n = &c->m->namer;
    const char *function = x->block && n->function ? n->function(n->ctx, x->block - 1) : NULL;
    return arena_printf(a, "on the stack of %s%s%s", names_thread(c->m, a, x->owner_thread), function ? ", in " : "",
            function ? function : "");
}

static const char *races_local(const struct check *c, const struct twatch_race *x) {
    const struct namer *n = &c->m->namer;
    const char *name = x->block && n->local ? n->local(n->ctx, x->block, x->block_size) : NULL;
    return name ? arena_printf(&c->out->arena, "%s (%s)", name, races_frame(c, x)) : NULL;
}

/* What the source calls it: the same expression on both sides, or the writer's. */
static const char *races_expression(const struct check *c, const struct twatch_race *x) {
    const struct namer *n = &c->m->namer;
    for (int side = 1; n->expression && side >= 0; side--) {
        const char *text =
                races_writes(&x->side[side]) ? n->expression(n->ctx, x->side[side].stack, x->side[side].pc) : NULL;
        if (text) return arena_str(&c->out->arena, text);
    }
    return NULL;
}

static const char *races_name(const struct check *c, const struct twatch_race *x, const char **kind) {
    struct arena *a = &c->out->arena;
    uint64_t address = x->side[1].address;
    const char *name = c->m->namer.variable ? c->m->namer.variable(c->m->namer.ctx, address) : NULL;
    *kind = "variable";
    if (name && x->where != TWATCH_WHERE_HEAP && x->where != TWATCH_WHERE_STACK) return arena_str(a, name);
    const char *local = x->where == TWATCH_WHERE_STACK ? races_local(c, x) : NULL;
    if (local) return local;
    const char *expression = races_expression(c, x);
    *kind = expression || x->where == TWATCH_WHERE_TLS ? "variable" : "memory";
    switch (x->where) {
    case TWATCH_WHERE_HEAP:
        name = races_heap_name(c, x, address);
        break;
    case TWATCH_WHERE_STACK:
        name = races_frame(c, x);
        break;
    case TWATCH_WHERE_TLS:
        return races_tls_name(c, x, address);
    default:
        name = arena_printf(a, "at %s", names_address(c->m, a, address));
        break;
    }
    return expression ? arena_printf(a, "%s (%s)", expression, name) : name;
}

/* The same for all elements of an array and all runs: what makes two races one. */
static const char *races_class(const struct check *c, const struct twatch_race *x) {
    struct arena *a = &c->out->arena;
    const char *name =
            c->m->namer.variable_class ? c->m->namer.variable_class(c->m->namer.ctx, x->side[1].address) : NULL;
    if (name && x->where != TWATCH_WHERE_HEAP) return arena_str(a, name);
    return arena_printf(a, "%u %u", x->where, x->where == TWATCH_WHERE_HEAP ? x->alloc_stack : 0);
}

/* ---- grouping ---- */

struct races_group {
    const struct twatch_race *best;
    uint64_t count;
    size_t first; /* in the record, for a stable order */
    UT_hash_handle hh;
    char key[];
};

/* Found by lock sets: the hand-over of a lock ordered the two in this run. */
static bool races_lucky(const struct twatch_race *x) {
    return x->flags & TWATCH_RACE_HYBRID;
}

/* How much one of several races at the same two places says. */
static int races_rank(const struct twatch_race *x) {
    return (races_lucky(x) ? 0 : 64) + (int)races_verdict(x) * 4 + (x->side[0].stack != 0) * 2 +
           (x->side[1].stack != 0);
}

/* Where nothing has a name it is the instruction, whether its stack is known or not. */
static const char *races_place(const struct check *c, const struct twatch_race_side *s) {
    const struct namer *n = &c->m->namer;
    const char *known = n->brief ? n->brief(n->ctx, races_stack(c->m, s), races_site(s)) : NULL;
    return known ? arena_str(&c->out->arena, known) : names_address(c->m, &c->out->arena, s->pc);
}

static void races_add(struct check *c, struct races_group **groups, const struct twatch_race *x, size_t i) {
    const char *p = races_place(c, &x->side[0]), *q = races_place(c, &x->side[1]), *class = races_class(c, x);
    bool turn = strcmp(p, q) > 0;
    const char *key = arena_printf(&c->out->arena, "%s\n%s\n%s", class, turn ? q : p, turn ? p : q);
    struct races_group *g;
    size_t n = strlen(key);
    HASH_FIND(hh, *groups, key, n, g);
    if (!g) {
        g = arena_alloc(&c->out->arena, sizeof *g + n + 1);
        memcpy(g->key, key, n);
        g->best = x;
        g->first = i;
        HASH_ADD(hh, *groups, key, n, g);
    }
    if (races_rank(x) > races_rank(g->best)) g->best = x;
    g->count += x->count ? x->count : 1;
}

/* ---- reporting ---- */

static const char *races_verb(const struct twatch_race_side *s) {
    if (s->flags & TWATCH_RACE_FREE) return "frees";
    if (s->flags & TWATCH_RACE_RMW) return "changes";
    return s->flags & TWATCH_RACE_WRITE ? "writes" : "reads";
}

static const char *races_note(struct draft *d, const struct twatch_race_side *s) {
    const char *size = s->size ? draft_text(d, "%u byte%s ", s->size, s->size == 1 ? "" : "s") : "";
    return draft_text(d, "%sat 0x%" PRIx64 "%s%s", size, s->address,
            s->flags & TWATCH_RACE_RANGE ? ", through a library function" : "",
            s->flags & TWATCH_RACE_ATOMIC ? ", atomically" : "");
}

static void races_step(struct check *c, struct draft *d, const struct twatch_race *x, int side, int32_t variable) {
    const struct twatch_race_side *s = &x->side[side];
    const uint32_t *locks = x->locks + (side ? x->side[0].nlocks : 0);
    enum action action = s->flags & TWATCH_RACE_FREE ? ACTION_FREES : races_writes(s) ? ACTION_WRITES : ACTION_READS;
    draft_step(d, draft_thread(d, s->thread), action, variable, races_stack(c->m, s), races_site(s), races_note(d, s));
    for (uint32_t i = 0; i < s->nlocks && i < 64; i++)
        draft_step_held(d, draft_object(d, locks[i]));
}

static bool races_holds(const struct twatch_race *x, int side, uint32_t lock) {
    const uint32_t *locks = x->locks + (side ? x->side[0].nlocks : 0);
    for (uint32_t i = 0; i < x->side[side].nlocks; i++)
        if (locks[i] == lock) return true;
    return false;
}

static void races_usual(struct draft *d, const struct twatch_race *x) {
    int32_t lock = draft_object(d, x->usual_lock);
    if (lock < 0) return;
    for (int side = 0; side < 2; side++)
        if (!races_holds(x, side, x->usual_lock) && !(x->side[side].flags & TWATCH_RACE_LOCKS_UNKNOWN))
            draft_detail(d, "%u other accesses to this place were made while holding %s; this one by %s was not.",
                    x->usual_count, draft_object_name(d, lock),
                    draft_thread_name(d, draft_thread(d, x->side[side].thread)));
}

static void races_report(struct check *c, const struct races_group *g, const struct races_store *updates) {
    const struct twatch_race *x = g->best;
    const char *kind, *name = races_name(c, x, &kind);
    enum races_verdict verdict = races_verdict(x);
    bool maybe = races_may_be_atomic(c, x, updates);
    if (maybe && verdict == RACES_OVERWRITE) verdict = RACES_TWO_STORES;
    struct draft *d = draft_begin(c->out, check_rule(RULE_DATA_RACE), c->m);
    struct finding *f = draft_finding(d);
    f->count = g->count;
    int32_t variable =
            draft_variable(d, kind, name, x->side[1].address, x->where == TWATCH_WHERE_HEAP ? x->alloc_stack : 0);
    races_step(c, d, x, 1, variable);
    races_step(c, d, x, 0, variable);
    if (x->flags & 1) f->confidence = CONFIDENCE_POSSIBLE;
    if (maybe) {
        f->confidence = CONFIDENCE_POSSIBLE;
        f->severity = races_two_stores(x) && !x->usual_lock && races_same_body(c, x) ? SEVERITY_WARNING : SEVERITY_NOTE;
        draft_detail(d, "its type is not known here: if it is declared atomic, all is well");
    } else if (!x->usual_lock && races_looks_atomic(c, x, updates)) {
        f->confidence = CONFIDENCE_POSSIBLE;
        draft_detail(d,
                "both are single plain moves, as __atomic builtins with a release store and an acquire load are "
                "too: if both are made so, all is well; declare it _Atomic (std::atomic), which the debug "
                "information says, or suppress it");
    }
    draft_message(d, "race on %s%s (%s): %s %s it %s %s %s it, and %s", strcmp(kind, "memory") == 0 ? "memory " : "",
            name, races_word[verdict], draft_thread_name(d, draft_thread(d, x->side[1].thread)),
            races_verb(&x->side[1]), races_lucky(x) ? "after" : "while",
            draft_thread_name(d, draft_thread(d, x->side[0].thread)), races_verb(&x->side[0]),
            races_lucky(x) ? "only a lock that happened to pass from one to the other put the two in an order"
                           : "nothing puts the two in an order");
    if (races_lucky(x))
        draft_detail(d, "this run had no race here: with another schedule the two come together (hybrid=on)");
    draft_detail(d, "%s", races_meaning[verdict]);
    races_usual(d, x);
    draft_end(d);
}

void check_races(struct check *c) {
    struct races_group *groups = NULL, *g, *next;
    struct races_store *updates = NULL;
    for (size_t i = 0; i < c->m->races.n; i++) {
        const struct twatch_race *x = model_race(c->m, i);
        if (races_declared_atomic(c, x)) continue;
        races_add(c, &groups, x, i);
        races_add_updates(c, x, &updates);
    }
    HASH_ITER(hh, groups, g, next) races_report(c, g, updates);
    HASH_CLEAR(hh, groups);
    HASH_CLEAR(hh, updates);
}
