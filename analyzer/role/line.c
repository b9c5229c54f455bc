/* The things that threads wait at, and what each thread did there. */
#include "finding/names.h"
#include "model/interval.h"
#include "role/build.h"

#include <stdio.h>
#include <string.h>

static bool line_in(const char *frame, const char *file) {
    size_t n = strlen(frame), k = strlen(file);
    return n >= k && strcmp(frame + n - k, file) == 0;
}

bool build_is_threading(const struct model *m, const struct twatch_object *o) {
    const struct twatch_stack *s = o && o->kind == TWATCH_OBJ_SEM ? model_stack(m, o->create_stack) : NULL;
    char frame[512];
    for (uint16_t i = 0; s && i < s->nframes; i++)
        if (build_python_frame(m, s->pc[i], frame, sizeof frame))
            return line_in(frame, "/threading.py") && (strncmp(frame, "Condition.wait\n", 15) == 0 ||
                                                              strncmp(frame, "Thread._set_tstate_lock\n", 24) == 0);
    return false;
}

/*
 * A lock that CPython's Condition made for one wait: the function outside of threading.py that waits; one of queue.py
 * with the one that called it. False for the waits of the module itself: for a thread to start, for a flag.
 */
static bool line_python_wait(const struct model *m, const struct twatch_object *o, char *out, size_t size) {
    const struct twatch_stack *s = o->kind == TWATCH_OBJ_SEM ? model_stack(m, o->create_stack) : NULL;
    char frame[512];
    bool waits = false, queue = false;
    for (uint16_t i = 0; s && i < s->nframes; i++) {
        if (!build_python_frame(m, s->pc[i], frame, sizeof frame)) continue;
        if (queue && line_in(frame, "/queue.py")) continue;
        if (queue) {
            size_t n = strlen(out);
            snprintf(out + n, size - n, "\t%s", frame);
            return true;
        }
        if (!line_in(frame, "/threading.py")) {
            if (!waits) return false;
            snprintf(out, size, "%s", frame);
            queue = line_in(frame, "/queue.py");
            if (!queue) return true;
        } else if (strncmp(frame, "Condition.wait\n", 15) == 0)
            waits = true;
        else if (strncmp(frame, "Condition.wait_for\n", 19) != 0)
            return false;
    }
    return queue;
}

bool build_is_parked(const struct model *m, const struct twatch_object *o) {
    if (!o || o->kind != TWATCH_OBJ_SEM || o->init_value || !(m->header->flags & TWATCH_HDR_PYTHON)) return false;
    const struct twatch_thread *t = model_thread(m, o->creator);
    return t && t->stack_hi && o->address >= t->stack_lo && o->address < t->stack_hi;
}

/* The function that waits there; false when it is a join, which is told of elsewhere. */
static bool line_parked(const struct model *m, const struct twatch_object *o, char *out, size_t size) {
    const struct twatch_stack *s = build_is_parked(m, o) ? model_stack(m, o->create_stack) : NULL;
    for (uint16_t i = 0; s && i < s->nframes; i++)
        if (build_python_frame(m, s->pc[i], out, size)) return !line_in(out, "/threading.py");
    return false;
}

enum role_use build_semaphore_use(const struct twatch_object *o) {
    if (o->flags & TWATCH_OBJF_FOREIGN_POST) return ROLE_SIGNAL;
    if (!(o->flags & TWATCH_OBJF_SELF_POST)) return ROLE_UNCLEAR;
    return o->init_value == 1 ? ROLE_LOCK : o->init_value > 1 ? ROLE_BOUNDED : ROLE_UNCLEAR;
}

bool build_is_put(const struct build_line *l) {
    return l->python && strncmp(l->python, "Queue.put\n", 10) == 0;
}

const char *build_line_name(struct build *b, const struct build_line *l) {
    if (!l->python) return names_object(b->m, b->a, l->object);
    const char *caller = strchr(l->python, '\t');
    if (!caller) return build_python_words(b->a, l->python);
    const char *inner = arena_strn(b->a, l->python, (size_t)(strchr(l->python, '\n') - l->python));
    return arena_printf(b->a, "%s in %s", inner, build_python_words(b->a, caller + 1));
}

const char *build_line_kind(const struct build_line *l) {
    if (!l->python) return names_kind(l->kind);
    if (l->key[0] == 'w') return "Python wait in";
    return strchr(l->python, '\t') ? "Python queue" : "Python condition";
}

static uint32_t line_find(struct build *b, uint32_t object) {
    const struct twatch_object *o = model_object(b->m, object);
    char key[1200], frame[1100];
    struct build_line *l;
    bool events = o && o->kind == TWATCH_OBJ_EVENTS;
    if (!o || (o->kind != TWATCH_OBJ_COND && o->kind != TWATCH_OBJ_SEM && !events)) return 0;
    if (events && o->type == TWATCH_EVENTS_SEVERAL)
        return 0; /* of one thread's own, as a rule, and which is not known */
    bool python = (b->m->header->flags & TWATCH_HDR_PYTHON) && line_python_wait(b->m, o, frame, sizeof frame);
    bool parked = !python && line_parked(b->m, o, frame, sizeof frame);
    if (python || parked)
        snprintf(key, sizeof key, "%c%s", parked ? 'w' : 'p', frame);
    else if (events && o->type == TWATCH_EVENTS_SET)
        snprintf(key, sizeof key, "e"); /* each worker may have one of its own */
    else
        snprintf(key, sizeof key, "o%u", object);
    HASH_FIND_STR(b->line_by_key, key, l);
    if (!l) {
        size_t n = strlen(key) + 1;
        l = arena_alloc(b->a, sizeof *l + n);
        memcpy(l->key, key, n);
        l->object = object;
        l->kind = o->kind;
        l->python = python || parked ? l->key + 1 : NULL;
        HASH_ADD_STR(b->line_by_key, key, l);
        vec_push(&b->lines, l);
        l->index = (uint32_t)b->lines.n;
    }
    return l->index;
}

static uint32_t line_of(struct build *b, uint32_t object) {
    if (object >= b->m->objects.n) return 0;
    if (!b->line_of[object]) b->line_of[object] = line_find(b, object);
    return b->line_of[object];
}

static void line_use(struct build *b, const struct twatch_use *u) {
    uint32_t line = line_of(b, u->object), thread = u->thread < b->m->threads.n ? u->thread : 0;
    if (!line) return;
    struct build_line *l = b->lines.at[line - 1];
    bool python = b->m->header->flags & TWATCH_HDR_PYTHON;
    struct build_part p = {.line = line,
            .thread = thread,
            .group = b->group_of[thread],
            .waits = u->waits,
            .blocked = u->blocked,
            .timeouts = l->kind == TWATCH_OBJ_SEM && python ? 0 : u->timeouts, /* CPython tries before it waits */
            .wait_ns = u->wait_ns,
            .wait_max_ns = u->wait_max_ns,
            .posts = u->posts,
            .broadcasts = l->kind == TWATCH_OBJ_COND ? u->broadcasts : 0,
            .to_nobody = u->posts_to_nobody,
            .empty = u->empty_wakeups,
            .woken = l->kind == TWATCH_OBJ_COND ? u->level : 0,
            .first_post_ns = u->posts ? u->first_ns : 0};
    if (l->python) p.to_nobody = 0;
    if (l->python) { /* the waiter takes its own new lock first, and gives it back when that dies */
        p.waits = u->blocked;
        if (u->waits) p.posts = p.first_post_ns = 0;
    }
    uint64_t since = l->kind == TWATCH_OBJ_EVENTS ? interval_idle_since(b->m, u) : 0;
    if (since) {
        p.wait_ns += b->m->now_ns - since;
        if (b->m->now_ns - since > p.wait_max_ns) p.wait_max_ns = b->m->now_ns - since;
    }
    if (u->mutex && l->kind == TWATCH_OBJ_COND) l->mutex = u->mutex;
    vec_push(&b->parts, p);
}

static void line_open(struct build *b, const struct model_state *s) {
    uint32_t line = s->waiting ? line_of(b, s->slot->wait_object) : 0;
    uint64_t since = s->slot->wait_since_ns, ns = since && b->m->now_ns > since ? b->m->now_ns - since : 0;
    if (!line || ns > b->m->now_ns) return;
    vec_push(&b->parts, (struct build_part){.line = line,
                                .thread = s->thread,
                                .group = b->group_of[s->thread],
                                .wait_ns = ns,
                                .wait_max_ns = ns});
}

static int line_order(const void *pa, const void *pb) {
    const struct build_part *x = pa, *y = pb;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static void line_add(struct build_part *to, const struct build_part *p) {
    to->waits += p->waits;
    to->blocked += p->blocked;
    to->timeouts += p->timeouts;
    to->wait_ns += p->wait_ns;
    if (p->wait_max_ns > to->wait_max_ns) to->wait_max_ns = p->wait_max_ns;
    to->posts += p->posts;
    to->broadcasts += p->broadcasts;
    to->to_nobody += p->to_nobody;
    to->empty += p->empty;
    to->woken += p->woken;
    if (p->first_post_ns && (!to->first_post_ns || p->first_post_ns < to->first_post_ns))
        to->first_post_ns = p->first_post_ns;
}

void line_build(struct build *b) {
    b->line_of = mem_new((size_t)b->m->objects.n + 1, sizeof *b->line_of);
    for (size_t i = 0; i < b->m->uses.n; i++)
        line_use(b, model_use(b->m, i));
    for (size_t i = 0; i < b->m->nstates; i++)
        line_open(b, &b->m->states[i]);
    if (b->parts.n > 1) qsort(b->parts.at, b->parts.n, sizeof *b->parts.at, line_order);
    size_t n = 0;
    for (size_t i = 0; i < b->parts.n; i++) {
        struct build_part *p = &b->parts.at[i];
        if (n && line_order(&b->parts.at[n - 1], p) == 0) {
            line_add(&b->parts.at[n - 1], p);
            continue;
        }
        b->parts.at[n++] = *p;
        struct build_line *l = b->lines.at[p->line - 1];
        if (l->to == 0) l->from = n - 1;
        l->to = n;
    }
    b->parts.n = n;
}
