/*
 * Queues: things at which some threads wait and others signal. Roles are claimed when they run one way: each kind of
 * thread that counts either waits or signals. A buffer of bounded size has two such things that run opposite ways, one
 * for items and one for room: the first signal is for an item, since room need only be announced once something was
 * taken out. When nearly every signal on both is waited for, the two sides take turns, and neither is the producer.
 */
#include "finding/names.h"
#include "role/build.h"

#include <inttypes.h>
#include <string.h>

enum {
    LEAST_WAITS = 3,
    LEAST_POSTS = 5, /* fewer say nothing */
    SMALL = 20,      /* a share of a twentieth does not count: the last words at the end, for one */
    ONE_WAY = 10,    /* who waits ten times as often as signalling waits, and the other way round */
    IDLE_PERCENT = 20,
    HARDLY_PERCENT = 5,
    STORM_WOKEN = 2,
    STORM_LEAST = 10
};

static const double TURNS_EACH = 0.05, TURNS_BOTH = 0.95;
enum { LEAST_JUDGED = 8 }; /* signals, to say who holds the other up */
static const uint64_t LEAST_LIFE_NS = 40000000; /* of all threads together, to speak of idleness */

enum queue_way { QUEUE_NEITHER, QUEUE_WAITS, QUEUE_POSTS, QUEUE_BOTH };

enum queue_turns { TURNS_NONE, TURNS_DOUBTFUL, TURNS_CLEAR };

struct queue { /* of one line, while it is put together */
    struct build_line *line;
    struct role_side *sides; /* one a group */
    enum queue_way *ways;
    uint32_t *groups;
    size_t n;
    struct role_side total;
    uint64_t woken, first_post_ns;
    bool one_way, waited;
    enum queue_turns turns;
    struct queue *other; /* the opposite direction; NULL */
    bool backward;       /* told of with the other one */
};

static void queue_add(struct role_side *s, const struct build_part *p) {
    s->waits += p->waits;
    s->blocked += p->blocked;
    s->timeouts += p->timeouts;
    s->wait_ns += p->wait_ns;
    if (p->wait_max_ns > s->wait_max_ns) s->wait_max_ns = p->wait_max_ns;
    s->posts += p->posts;
    s->broadcasts += p->broadcasts;
    s->to_nobody += p->to_nobody;
    s->empty += p->empty;
}

static void queue_sides(struct build *b, struct queue *q) {
    const struct build_line *l = q->line;
    q->sides = arena_array(b->a, l->to - l->from, sizeof *q->sides);
    q->ways = arena_array(b->a, l->to - l->from, sizeof *q->ways);
    q->groups = arena_array(b->a, l->to - l->from, sizeof *q->groups);
    for (size_t i = l->from; i < l->to; i++) {
        const struct build_part *p = &b->parts.at[i];
        if (q->n == 0 || q->groups[q->n - 1] != p->group) {
            q->groups[q->n] = p->group;
            q->sides[q->n++].name = b->groups.at[p->group]->name;
        }
        struct role_side *s = &q->sides[q->n - 1];
        uint64_t life = build_life(b->m, p->thread);
        s->nthreads++;
        s->life_ns += life;
        q->total.nthreads++;
        q->total.life_ns += life;
        queue_add(s, p);
        queue_add(&q->total, p);
        q->woken += p->woken;
        if (p->first_post_ns && (!q->first_post_ns || p->first_post_ns < q->first_post_ns))
            q->first_post_ns = p->first_post_ns;
    }
}

static void queue_ways(struct queue *q) {
    size_t waiters = 0, posters = 0, both = 0;
    for (size_t i = 0; i < q->n; i++) {
        const struct role_side *s = &q->sides[i];
        uint64_t waits = s->waits + (s->wait_ns && !s->waits); /* one that is not over */
        uint64_t posts = s->posts;
        if (q->line->kind == TWATCH_OBJ_SEM &&
                !q->line->python) { /* a permit that is passed on is neither taken nor given */
            uint64_t both_ways = waits < posts ? waits : posts;
            waits -= both_ways;
            posts -= both_ways;
        }
        bool much_waiting = waits * SMALL > q->total.waits, much_posting = posts * SMALL > q->total.posts;
        if (!much_waiting && !much_posting)
            q->ways[i] = QUEUE_NEITHER;
        else if (waits && posts * ONE_WAY <= waits)
            q->ways[i] = QUEUE_WAITS;
        else if (posts && waits * ONE_WAY <= posts)
            q->ways[i] = QUEUE_POSTS;
        else
            q->ways[i] = QUEUE_BOTH;
        waiters += q->ways[i] == QUEUE_WAITS;
        posters += q->ways[i] == QUEUE_POSTS;
        both += q->ways[i] == QUEUE_BOTH;
    }
    q->one_way = waiters && posters && !both;
    q->waited = waiters || both;
}

static bool queue_has(const struct queue *q, uint32_t group, enum queue_way way) {
    for (size_t i = 0; i < q->n; i++)
        if (q->groups[i] == group) return q->ways[i] == way;
    return false;
}

/*
 * Do the waiters of x signal at y, and the waiters of y at x? A condition variable that nobody had to wait at, because
 * there always was an item, has signals alone, and no mutex is known for it.
 */
static bool queue_opposite(const struct queue *x, const struct queue *y) {
    bool there = false, back = false;
    const struct build_line *k = x->line, *l = y->line;
    if (k->kind != l->kind || (k->python != NULL) != (l->python != NULL) || !(x->one_way || y->one_way)) return false;
    if (k->python && build_is_put(k) == build_is_put(l)) return false;
    if (k->mutex != l->mutex && k->mutex && l->mutex) return false;
    for (size_t i = 0; i < x->n; i++) {
        if (!x->waited || !y->waited) /* then who waits at the one must be the one side, who signals there the other */
            if (x->ways[i] == QUEUE_POSTS && queue_has(y, x->groups[i], QUEUE_POSTS)) return false;
        there = there || (x->ways[i] == QUEUE_WAITS && queue_has(y, x->groups[i], QUEUE_POSTS));
        back = back || (x->ways[i] == QUEUE_POSTS && queue_has(y, x->groups[i], QUEUE_WAITS));
    }
    return (there || !x->waited) && (back || !y->waited);
}

/*
 * Share of the signals that somebody waited for. Where two sides hand over to each other, one of the two waits at
 * nearly every turn, so that both shares together are about 1 or more, and neither is nearly 0. A buffer that is full
 * all the time has 1 and 0.
 */
static double queue_waited_share(const struct queue *q) {
    uint64_t waits = q->total.blocked > q->total.empty ? q->total.blocked - q->total.empty : 0;
    return q->total.posts ? (double)waits / (double)q->total.posts : 0;
}

static uint32_t queue_threads(const struct queue *q) {
    uint32_t n = 0;
    for (size_t i = 0; i < q->n; i++)
        if (q->ways[i] != QUEUE_NEITHER) n += q->sides[i].nthreads;
    return n;
}

/* Two single threads of which one waits at nearly every turn may hand over as well, unless the other never waits but
 * once at the beginning. */
static enum queue_turns queue_lockstep(const struct queue *x, const struct queue *y) {
    double a = queue_waited_share(x), b = queue_waited_share(y);
    uint64_t fewer = x->total.blocked < y->total.blocked ? x->total.blocked : y->total.blocked;
    if (build_is_put(x->line) || build_is_put(y->line))
        return TURNS_NONE; /* signals that nobody waited for are not seen, and not needed */
    if (a + b < TURNS_BOTH) return TURNS_NONE;
    if (a >= TURNS_EACH && b >= TURNS_EACH) return TURNS_CLEAR;
    return fewer > 1 && queue_threads(x) <= 2 && queue_threads(y) <= 2 ? TURNS_DOUBTFUL : TURNS_NONE;
}

static uint32_t queue_permits(const struct build *b, const struct queue *q) {
    const struct twatch_object *o = model_object(b->m, q->line->object);
    return o ? o->init_value : 0;
}

/* Is x, of two opposite ones, the one for room? */
static bool queue_is_room(const struct build *b, const struct queue *x, const struct queue *y) {
    if (x->line->python) return build_is_put(x->line);
    if (x->line->kind == TWATCH_OBJ_SEM && queue_permits(b, x) != queue_permits(b, y))
        return queue_permits(b, x) > queue_permits(b, y);
    return x->first_post_ns > y->first_post_ns;
}

static void queue_pair(const struct build *b, struct queue *all, size_t n) {
    enum { LOOKED_AT = 64 }; /* neighbours: what belongs together was made together */
    for (size_t i = 0; i < n; i++) {
        struct queue *x = &all[i];
        for (size_t k = i + 1; k < n && k < i + LOOKED_AT && (x->one_way || !x->waited) && !x->other; k++) {
            struct queue *y = &all[k];
            if (!(y->one_way || !y->waited) || y->other || !queue_opposite(x, y)) continue;
            x->other = y;
            y->other = x;
            bool semaphores = x->line->kind == TWATCH_OBJ_SEM && !x->line->python;
            enum queue_turns turns = queue_lockstep(x, y);
            if (semaphores) /* their permits say whether there ever were two items at a time */
                turns = queue_permits(b, x) + queue_permits(b, y) <= 1 ? TURNS_CLEAR : TURNS_NONE;
            x->turns = y->turns = turns;
            struct queue *room = queue_is_room(b, x, y) ? x : y;
            room->backward = room->line->room = !x->turns;
        }
    }
}

/* ---- what is said ---- */

static struct role_side *queue_pick(
        struct build *b, const struct queue *q, enum queue_way way, size_t *n, struct role_side *sum) {
    struct role_side *out = arena_array(b->a, q->n, sizeof *out);
    *n = 0;
    for (size_t i = 0; i < q->n; i++) {
        if (way != QUEUE_BOTH && q->ways[i] != way) continue;
        sum->life_ns += q->sides[i].life_ns;
        sum->wait_ns += q->sides[i].wait_ns;
        out[(*n)++] = q->sides[i];
    }
    return out;
}

/* Who takes items but never waited for one is known by giving room: what is counted there is of another thing. */
static struct role_side *queue_idle_free(struct build *b, const struct queue *room, enum queue_way way, size_t *n) {
    struct role_side sum = {0}, *out = queue_pick(b, room, way, n, &sum);
    for (size_t i = 0; i < *n; i++)
        out[i] = (struct role_side){.name = out[i].name, .nthreads = out[i].nthreads, .life_ns = out[i].life_ns};
    return out;
}

static void queue_say_idle(struct build_says *s, const struct role_queue *q) {
    unsigned c = q->consumers_idle_percent, p = q->producers_idle_percent;
    if (q->total.timeouts * 4 >= q->total.waits && q->total.timeouts) { /* then waiting is no standing idle */
        build_say(s,
                "%" PRIu64
                " of the waits ended by their time limit: the consumers do something of their own accord as well",
                q->total.timeouts);
        return;
    }
    if (c >= IDLE_PERCENT && c >= 2 * p)
        build_say(s, "the consumers stood idle %u %% of their time: the producers hold them up", c);
    else if (p >= IDLE_PERCENT && p >= 2 * c)
        build_say(s, "the producers stood idle %u %% of their time, waiting for room: the consumers hold them up", p);
    else if (c >= IDLE_PERCENT && p >= IDLE_PERCENT)
        build_say(s, "both sides stood idle, %u and %u %% of their time: they run in turns rather than side by side", c,
                p);
    else if (c <= HARDLY_PERCENT && p <= HARDLY_PERCENT && q->room)
        build_say(s, "neither side stood idle");
    else if (c <= HARDLY_PERCENT && !q->room)
        build_say(s, "the consumers hardly stood idle");
}

static void queue_say_waste(struct build_says *s, const struct queue *q) {
    const struct role_side *t = &q->total;
    if (q->line->kind != TWATCH_OBJ_COND) return;
    if (t->to_nobody)
        build_say(
                s, "%" PRIu64 " of %" PRIu64 " signals reached nobody: no thread was waiting", t->to_nobody, t->posts);
    if (t->empty)
        build_say(s,
                "%" PRIu64 " of %" PRIu64
                " wake-ups found nothing and waited again at once: spurious, or another thread was faster",
                t->empty, t->waits);
    if (t->broadcasts && q->woken >= STORM_LEAST && q->woken >= t->broadcasts * STORM_WOKEN && t->empty * 2 >= q->woken)
        build_say(s,
                "broadcast storm: %" PRIu64 " broadcast%s woke %" PRIu64 " threads, and most found nothing to do; "
                "pthread_cond_signal wakes one",
                t->broadcasts, t->broadcasts == 1 ? "" : "s", q->woken);
}

static void queue_fill(struct build *b, struct queue *q, struct role_queue *out) {
    struct build_says s = {.a = b->a};
    struct role_side consuming = {0}, producing = {0}, none = {0};
    struct queue *room = q->other && !q->turns ? q->other : NULL;
    *out = (struct role_queue){.kind = build_line_kind(q->line),
            .name = build_line_name(b, q->line),
            .mutex = q->line->mutex ? names_object(b->m, b->a, q->line->mutex) : NULL,
            .room = room ? build_line_name(b, room->line) : NULL,
            .clear = !q->turns && (q->one_way || room),
            .total = q->total,
            .woken = q->woken};
    if (out->clear) {
        /* Without the one for items: a Python queue that always had some. */
        bool put = build_is_put(q->line);
        const struct queue *items = put ? NULL : q;
        if (put) room = q;
        if (items && items->waited)
            out->consumers = queue_pick(b, items, QUEUE_WAITS, &out->nconsumers, &consuming);
        else
            out->consumers = queue_idle_free(b, room, QUEUE_POSTS, &out->nconsumers);
        out->producers = items ? queue_pick(b, items, QUEUE_POSTS, &out->nproducers, &none)
                               : queue_pick(b, room, QUEUE_WAITS, &out->nproducers, &none);
        if (room && !out->mutex && room->line->mutex) out->mutex = names_object(b->m, b->a, room->line->mutex);
        out->consumers_idle_percent = build_percent(consuming.wait_ns, consuming.life_ns);
        for (size_t i = 0; room && i < room->n; i++) {
            if (room->ways[i] != QUEUE_WAITS) continue;
            producing.wait_ns += room->sides[i].wait_ns;
            producing.life_ns += room->sides[i].life_ns;
        }
        out->producers_idle_percent = build_percent(producing.wait_ns, producing.life_ns);
        if (room) out->room = build_line_name(b, room->line);
        if (put) out->name = "queue.Queue";
        if (q->total.life_ns >= LEAST_LIFE_NS && q->total.posts >= LEAST_JUDGED) queue_say_idle(&s, out);
    } else {
        out->consumers = queue_pick(b, q, QUEUE_BOTH, &out->nconsumers, &consuming);
        if (q->turns == TURNS_DOUBTFUL)
            build_say(&s, "who produces and who consumes is not clear: one side waited at nearly every signal, which "
                          "fits a queue as well as taking turns");
        else if (q->turns)
            build_say(&s, "two sides that wake each other in turn: neither is the producer");
        else
            build_say(&s, "who produces and who consumes is not clear: the same threads wait and signal");
    }
    queue_say_waste(&s, q);
    out->says = build_said(&s);
}

static int queue_order(const void *pa, const void *pb) {
    const struct role_queue *x = pa, *y = pb;
    if (x->total.wait_ns != y->total.wait_ns) return x->total.wait_ns > y->total.wait_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool queue_counts(const struct build *b, const struct queue *q) {
    const struct twatch_object *o = model_object(b->m, q->line->object);
    if (!o || q->total.posts < LEAST_POSTS) return false;
    return q->line->kind == TWATCH_OBJ_COND || q->line->python || build_semaphore_use(o) == ROLE_SIGNAL;
}

static bool queue_is_told(const struct queue *q) {
    if (q->other && q->other->total.waits >= LEAST_WAITS) return true;
    return q->total.nthreads >= 2 && q->total.waits >= LEAST_WAITS;
}

void queue_build(struct build *b, struct roles *out) {
    struct queue *all = mem_new(b->lines.n + 1, sizeof *all);
    size_t n = 0;
    for (size_t i = 0; i < b->lines.n; i++) {
        all[n] = (struct queue){.line = b->lines.at[i]};
        queue_sides(b, &all[n]);
        queue_ways(&all[n]);
        if (queue_counts(b, &all[n])) n++;
    }
    queue_pair(b, all, n);
    struct role_queue *list = arena_array(b->a, n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        if (!all[i].backward && queue_is_told(&all[i])) queue_fill(b, &all[i], &list[out->nqueues++]);
    if (out->nqueues > 1) qsort(list, out->nqueues, sizeof *list, queue_order);
    out->queues = list;
    free(all);
}
