#include "model/locks.h"
#include "base/hash.h"

#include <string.h>

bool locks_is_lock(const struct model *m, uint32_t object) {
    const struct twatch_object *o = model_object(m, object);
    if (!o) return false;
    switch ((enum twatch_object_kind)o->kind) {
    case TWATCH_OBJ_MUTEX:
    case TWATCH_OBJ_RWLOCK:
    case TWATCH_OBJ_SPIN:
    case TWATCH_OBJ_ONCE:
    case TWATCH_OBJ_GUARD:
        return true;
    case TWATCH_OBJ_SEM:
        return o->init_value == 1 && (o->flags & TWATCH_OBJF_SELF_POST) && !(o->flags & TWATCH_OBJF_FOREIGN_POST);
    case TWATCH_OBJ_COND:
    case TWATCH_OBJ_BARRIER:
    case TWATCH_OBJ_FUTEX:
    case TWATCH_OBJ_THREAD:
    case TWATCH_OBJ_KEY:
    case TWATCH_OBJ_EVENTS:
    case TWATCH_OBJ_NONE:
        break;
    }
    return false;
}

struct locks_class {
    uint32_t id;
    UT_hash_handle hh;
    char key[];
};

/* Text or numbers that say where a lock comes from; length 0 when nothing does. */
static size_t locks_key(const struct model *m, const struct twatch_object *o, char *key, size_t cap) {
    const char *name = m->namer.variable_class ? m->namer.variable_class(m->namer.ctx, o->address) : NULL;
    if (name) {
        size_t n = strnlen(name, cap - 1);
        key[0] = 'v';
        memcpy(key + 1, name, n);
        return n + 1;
    }
    uint64_t numbers[3] = {o->create_stack, o->create_stack ? 0 : o->create_site, o->kind};
    if (!numbers[0] && !numbers[1]) return 0;
    key[0] = o->flags & TWATCH_OBJF_INIT_SEEN ? 'i' : 'a';
    memcpy(key + 1, numbers, sizeof numbers);
    return sizeof numbers + 1;
}

struct locks_classes {
    const struct model *m;
    struct arena arena;
    struct locks_class *all;
    uint32_t *known; /* object -> class; 0: not asked yet */
};

struct locks_classes *locks_classes_new(const struct model *m) {
    struct locks_classes *c = mem_new(1, sizeof *c);
    c->m = m;
    c->known = mem_new((size_t)m->objects.n + 1, sizeof *c->known);
    return c;
}

static uint32_t locks_find_class(struct locks_classes *s, uint32_t object) {
    char key[512];
    const struct twatch_object *o = model_object(s->m, object);
    size_t n = o ? locks_key(s->m, o, key, sizeof key) : 0;
    if (n == 0) return object;
    struct locks_class *c;
    HASH_FIND(hh, s->all, key, n, c);
    if (!c) {
        c = arena_alloc(&s->arena, sizeof *c + n);
        memcpy(c->key, key, n);
        c->id = object;
        HASH_ADD_KEYPTR(hh, s->all, c->key, n, c);
    }
    return c->id;
}

uint32_t locks_class(struct locks_classes *c, uint32_t object) {
    if (object >= c->m->objects.n) return object;
    if (!c->known[object]) c->known[object] = locks_find_class(c, object);
    return c->known[object];
}

void locks_classes_free(struct locks_classes *c) {
    if (!c) return;
    HASH_CLEAR(hh, c->all);
    arena_free(&c->arena);
    free(c->known);
    free(c);
}
