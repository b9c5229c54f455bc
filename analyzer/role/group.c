/*
 * Threads that run the same: of one start routine; in Python, of one function given to Thread; where the start routine
 * is a library's (std::thread, GLib), made at one place of the program's own code.
 */
#include "finding/names.h"
#include "role/build.h"
#include "symbol/own.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MODULES_LOOKED_AT = 4096 };

bool build_python_frame(const struct model *m, uint64_t pc, char *out, size_t size) {
    size_t length;
    if ((pc & TWATCH_FRAME_PYTHON_MASK) != TWATCH_FRAME_PYTHON) return false;
    const char *text = model_string(m, (uint32_t)pc, &length), *line = strrchr(text, '\n');
    if (!line || line == text) return false;
    size_t n = (size_t)(line - text);
    if (n >= size) n = size - 1;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

const char *build_python_words(struct arena *a, const char *frame) {
    const char *file = strchr(frame, '\n'), *slash = file ? strrchr(file, '/') : NULL;
    if (!file) return arena_str(a, frame);
    return arena_printf(a, "%.*s (%s)", (int)(file - frame), frame, slash ? slash + 1 : file + 1);
}

static bool group_is_system(const struct model *m, uint64_t address) {
    for (uint32_t i = 1; i < m->modules.n && i < MODULES_LOOKED_AT; i++) {
        const struct twatch_module *x = model_module(m, i);
        if (x && address >= x->start && address < x->end)
            return i > 1 && own_is_system_module(model_string(m, x->path, NULL));
    }
    return true;
}

/* Where the program's own code made the thread: the first such return address. */
static uint64_t group_site(const struct model *m, uint32_t stack) {
    const struct twatch_stack *s = model_stack(m, stack);
    for (uint16_t i = 0; s && i < s->nframes; i++)
        if (!group_is_system(m, s->pc[i])) return s->pc[i];
    return s && s->nframes ? s->pc[0] : 0;
}

/* The outermost Python function that is not the threading module's: what the thread was made for. */
static bool group_python_target(const struct model *m, uint32_t stack, char *out, size_t size) {
    const struct twatch_stack *s = model_stack(m, stack);
    for (uint32_t i = s ? s->nframes : 0; i-- > 0;) {
        if (!build_python_frame(m, s->pc[i], out, size)) continue;
        size_t n = strlen(out);
        if (n < 13 || strcmp(out + n - 13, "/threading.py") != 0) return true;
    }
    return false;
}

/* A stack of each thread that shows its Python function; 0: none is known. */
static uint32_t *group_stacks(const struct model *m) {
    uint32_t *stack = mem_new((size_t)m->threads.n + 1, sizeof *stack);
    char frame[512];
    if (!(m->header->flags & TWATCH_HDR_PYTHON)) return stack;
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        if (u->thread >= m->threads.n || stack[u->thread]) continue;
        if (group_python_target(m, u->wait_stack, frame, sizeof frame))
            stack[u->thread] = u->wait_stack;
        else if (group_python_target(m, u->post_stack, frame, sizeof frame))
            stack[u->thread] = u->post_stack;
    }
    for (size_t i = 0; i < m->intervals.n; i++) {
        const struct twatch_interval *x = model_interval(m, i);
        if (!stack[x->thread] && group_python_target(m, x->stack, frame, sizeof frame)) stack[x->thread] = x->stack;
    }
    return stack;
}

static struct build_group *group_find(struct build *b, const char *key, uint32_t thread, uint64_t routine) {
    struct build_group *g;
    HASH_FIND_STR(b->by_key, key, g);
    if (!g) {
        size_t n = strlen(key) + 1;
        g = arena_alloc(b->a, sizeof *g + n);
        memcpy(g->key, key, n);
        g->first = thread;
        g->routine = routine;
        g->index = (uint32_t)b->groups.n;
        HASH_ADD_STR(b->by_key, key, g);
        vec_push(&b->groups, g);
    }
    return g;
}

/* Without any name: where its code is, or where it was made. */
static const char *group_place(struct build *b, const struct build_group *g) {
    const struct twatch_thread *t = model_thread(b->m, g->first);
    bool own = g->routine && !group_is_system(b->m, g->routine);
    const char *place =
            own ? names_place(b->m, b->a, 0, g->routine) : names_place(b->m, b->a, t ? t->create_stack : 0, 0);
    if (!place) return arena_printf(b->a, "thread %u", g->first);
    return own ? place : arena_printf(b->a, "made in %s", place);
}

/* Of threads that carry their number ("worker-3") the common part is the name. */
static const char *group_name(struct build *b, const struct build_group *g) {
    if (g->python) return build_python_words(b->a, g->python);
    const char *name = names_thread_short(b->m, b->a, g->first);
    size_t n = strlen(name);
    if (g->n > 1)
        while (n > 1 && ((name[n - 1] >= '0' && name[n - 1] <= '9') || strchr("-_#:. ", name[n - 1])))
            n--;
    if (n == 0) return group_place(b, g);
    return arena_strn(b->a, name, n);
}

void group_build(struct build *b) {
    const struct model *m = b->m;
    uint32_t *seen = group_stacks(m);
    uint64_t *site = mem_new((size_t)m->stacks.n + 1, sizeof *site); /* by creation stack; 0: not asked yet */
    char key[600], target[512];
    b->group_of = mem_new((size_t)m->threads.n + 1, sizeof *b->group_of);
    for (uint32_t id = 1; id < m->threads.n; id++) {
        const struct twatch_thread *t = model_thread(m, id);
        if (!t) continue;
        uint32_t made = t->create_stack < m->stacks.n ? t->create_stack : 0;
        if (!site[made]) site[made] = group_site(m, made) | (uint64_t)1 << 63;
        bool named = !(t->flags & TWATCH_THREAD_MAIN) && group_python_target(m, seen[id], target, sizeof target);
        if (t->flags & TWATCH_THREAD_MAIN)
            snprintf(key, sizeof key, "main");
        else if (named)
            snprintf(key, sizeof key, "python %s", target);
        else if (t->start_routine && !group_is_system(m, t->start_routine))
            snprintf(key, sizeof key, "routine %" PRIx64, t->start_routine);
        else
            snprintf(key, sizeof key, "made %" PRIx64 " %" PRIx64, t->start_routine, site[made]);
        struct build_group *g = group_find(b, key, id, t->start_routine);
        if (named && !g->python) g->python = arena_str(b->a, target);
        b->group_of[id] = g->index;
        g->n++;
    }
    for (size_t i = 0; i < b->groups.n; i++)
        b->groups.at[i]->name = group_name(b, b->groups.at[i]);
    struct build_group *others = group_find(b, "", 0, 0);
    others->name = "threads that ended";
    b->others = others->index;
    for (uint32_t id = 0; id < m->threads.n; id++)
        if (!model_thread(m, id)) b->group_of[id] = others->index;
    free(seen);
    free(site);
}
