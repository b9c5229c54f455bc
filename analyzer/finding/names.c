#include "finding/names.h"

#include <inttypes.h>
#include <string.h>

const char *names_kind(uint8_t object_kind) {
    switch ((enum twatch_object_kind)object_kind) {
    case TWATCH_OBJ_MUTEX:
        return "mutex";
    case TWATCH_OBJ_RWLOCK:
        return "rwlock";
    case TWATCH_OBJ_SPIN:
        return "spinlock";
    case TWATCH_OBJ_SEM:
        return "semaphore";
    case TWATCH_OBJ_COND:
        return "condition variable";
    case TWATCH_OBJ_BARRIER:
        return "barrier";
    case TWATCH_OBJ_ONCE:
        return "once control";
    case TWATCH_OBJ_FUTEX:
        return "futex word";
    case TWATCH_OBJ_GUARD:
        return "static-initialisation guard";
    case TWATCH_OBJ_THREAD:
        return "thread";
    case TWATCH_OBJ_KEY:
        return "thread-specific key";
    case TWATCH_OBJ_EVENTS:
        return "descriptor";
    case TWATCH_OBJ_NONE:
        break;
    }
    return "object";
}

/* The functions whose first argument is the object, in the order to try. */
static const char *const *names_makers(uint8_t kind) {
    static const char *const mutex[] = {"pthread_mutex_init", "mtx_init", NULL};
    static const char *const rwlock[] = {"pthread_rwlock_init", NULL};
    static const char *const spin[] = {"pthread_spin_init", NULL};
    static const char *const sem[] = {"sem_init", NULL};
    static const char *const cond[] = {"pthread_cond_init", "cnd_init", NULL};
    static const char *const barrier[] = {"pthread_barrier_init", NULL};
    static const char *const none[] = {NULL};
    switch (kind) {
    case TWATCH_OBJ_MUTEX:
        return mutex;
    case TWATCH_OBJ_RWLOCK:
        return rwlock;
    case TWATCH_OBJ_SPIN:
        return spin;
    case TWATCH_OBJ_SEM:
        return sem;
    case TWATCH_OBJ_COND:
        return cond;
    case TWATCH_OBJ_BARRIER:
        return barrier;
    default:
        return none;
    }
}

/* Names from the watched program end up in sentences: one line, no control characters. Printers escape for their
 * format. */
static const char *names_clean(struct arena *a, const char *text, size_t length) {
    char *copy = arena_strn(a, text, length);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127) *p = '?';
    return copy;
}

static const struct twatch_module *names_module(const struct model *m, uint64_t address) {
    for (uint32_t i = 1; i < m->modules.n && i < 4096; i++) {
        const struct twatch_module *x = model_module(m, i);
        if (x && address >= x->start && address < x->end) return x;
    }
    return NULL;
}

const char *names_address(const struct model *m, struct arena *a, uint64_t address) {
    const struct twatch_module *x = names_module(m, address);
    if (!x) return arena_printf(a, "0x%" PRIx64, address);
    const char *path = model_string(m, x->path, NULL), *slash = strrchr(path, '/');
    return arena_printf(a, "%s+0x%" PRIx64, slash ? slash + 1 : path, address - x->bias);
}

const char *names_place(const struct model *m, struct arena *a, uint32_t stack, uint64_t site) {
    const struct twatch_stack *s = model_stack(m, stack);
    if (!s) stack = 0;
    if (!s && !site) return NULL;
    const char *known = m->namer.brief ? m->namer.brief(m->namer.ctx, stack, site) : NULL;
    if (known) return arena_str(a, known);
    if (s && s->nframes == 0 && !site) return NULL;
    return names_address(m, a, s && s->nframes ? s->pc[0] : site);
}

static const char *names_semaphore(const struct model *m, struct arena *a, const struct twatch_object *o) {
    if (o->kind != TWATCH_OBJ_SEM || !(o->flags & TWATCH_OBJF_NAMED)) return NULL;
    size_t length;
    const char *name = model_string(m, o->init_value2, &length);
    return length ? names_clean(a, name, length) : NULL;
}

static const char *names_made(const struct model *m, struct arena *a, const struct twatch_object *o) {
    const char *argument = NULL;
    if (o->flags & TWATCH_OBJF_INIT_SEEN && m->namer.argument)
        for (const char *const *f = names_makers(o->kind); !argument && *f; f++)
            argument = m->namer.argument(m->namer.ctx, o->create_stack, *f);
    const char *place = names_place(m, a, o->create_stack, o->create_site);
    if (argument && *argument == '&') argument++;
    if (argument && place) return arena_printf(a, "%s made in %s", argument, place);
    if (place) return arena_printf(a, "%s in %s", o->flags & TWATCH_OBJF_INIT_SEEN ? "made" : "first used", place);
    return NULL;
}

/*
 * "mine, thread-local of thread 2 (owner)": static thread-local memory lies below the thread's handle. Where threads
 * came one after the other at one place, whose it is is known only of one that used it first itself.
 */
static const char *names_tls(const struct model *m, struct arena *a, const struct twatch_object *o) {
    enum { BELOW = 1 << 16, MOST_THREADS = 20000 };
    uint32_t owner = 0, found = 0;
    if (!m->namer.tls_variable || o->flags & TWATCH_OBJF_HEAP || m->threads.n > MOST_THREADS) return NULL;
    for (uint32_t i = 1; i < m->threads.n; i++) {
        const struct twatch_thread *t = model_thread(m, i);
        if (!t || t->end == TWATCH_THREAD_NOT_STARTED || t->handle <= o->address || t->handle - o->address > BELOW)
            continue;
        found++;
        if (owner != o->creator || !owner) owner = i;
    }
    const char *name = found ? m->namer.tls_variable(m->namer.ctx, o->address, model_thread(m, owner)->handle) : NULL;
    if (!name) return NULL;
    name = arena_str(a, name);
    bool known = found == 1 || owner == o->creator;
    return known ? arena_printf(a, "%s, thread-local of %s", name, names_thread(m, a, owner))
                 : arena_printf(a, "%s, thread-local", name);
}

const char *names_object(const struct model *m, struct arena *a, uint32_t object) {
    const struct twatch_object *o = model_object(m, object);
    if (!o) return arena_printf(a, "number %u", object);
    if (o->kind == TWATCH_OBJ_KEY) return arena_printf(a, "%" PRIu64, o->address);
    if (o->kind == TWATCH_OBJ_EVENTS && o->type == TWATCH_EVENTS_SEVERAL) return "set of a poll or select";
    if (o->kind == TWATCH_OBJ_EVENTS)
        return arena_printf(a, "%u%s", o->init_value, o->type == TWATCH_EVENTS_SET ? " (an epoll set)" : "");
    const char *name = names_semaphore(m, a, o);
    if (!name && m->namer.variable) name = arena_str(a, m->namer.variable(m->namer.ctx, o->address));
    if (!name) name = names_tls(m, a, o);
    if (!name) name = names_made(m, a, o);
    return name ? name : names_address(m, a, o->address);
}

static const char *names_routine(const struct model *m, const struct twatch_thread *t) {
    if (!t->start_routine || !m->namer.function) return NULL;
    return m->namer.function(m->namer.ctx, t->start_routine);
}

/* A name that somebody set, as opposed to the one inherited from the program or the parent. */
static const char *names_own(const struct model *m, struct arena *a, const struct twatch_thread *t) {
    size_t length = strnlen(t->name, sizeof t->name);
    if (length == 0) return NULL;
    const char *exe = model_string(m, m->header->exe, NULL), *slash = strrchr(exe, '/');
    exe = slash ? slash + 1 : exe;
    if (strncmp(exe, t->name, TWATCH_NAME_LEN - 1) == 0 && length == strnlen(exe, TWATCH_NAME_LEN - 1)) return NULL;
    const struct twatch_thread *parent = model_thread(m, t->parent);
    if (parent && strncmp(parent->name, t->name, sizeof t->name) == 0) return NULL;
    return names_clean(a, t->name, length);
}

const char *names_thread_short(const struct model *m, struct arena *a, uint32_t thread) {
    const struct twatch_thread *t = model_thread(m, thread);
    if (!t) return "";
    if (t->flags & TWATCH_THREAD_MAIN) return "main";
    const char *name = names_own(m, a, t);
    if (!name) name = names_routine(m, t);
    return name ? name : "";
}

const char *names_thread(const struct model *m, struct arena *a, uint32_t thread) {
    const struct twatch_thread *t = model_thread(m, thread);
    if (!t) return thread ? arena_printf(a, "thread %u", thread) : "an unknown thread";
    if (t->flags & TWATCH_THREAD_MAIN) return "the main thread";
    const char *name = names_thread_short(m, a, thread);
    return *name ? arena_printf(a, "thread %u (%s)", thread, name) : arena_printf(a, "thread %u", thread);
}

const char *names_duration(struct arena *a, uint64_t ns) {
    if (ns >= 10000000000u) return arena_printf(a, "%" PRIu64 " s", ns / 1000000000);
    if (ns >= 1000000000u) return arena_printf(a, "%.1f s", (double)ns / 1e9);
    if (ns >= 999500000u) return arena_str(a, "1.0 s"); /* three digits would say 1e+03 ms */
    if (ns >= 1000000u) return arena_printf(a, "%.3g ms", (double)ns / 1e6);
    if (ns >= 999500u) return arena_str(a, "1 ms");
    return arena_printf(a, "%.3g us", (double)ns / 1e3);
}
