/*
 * Thread-specific keys. Three things are looked for: values that stay behind in a thread that ended, because the key
 * has no destructor; keys used after they were deleted; destructors that set a value again in the last round (glibc
 * runs four and then forgets the value).
 */
#include "key.h"

#include "idle.h"
#include "modules.h"
#include "python_call.h"
#include "object.h"
#include "ops.h"

uint8_t tw_key_states[TW_KEYS];

static struct {
    uint32_t set_stack; /* last set of a value, keys without destructor */
    uint32_t delete_stack;
    uint32_t left; /* values left by threads that ended */
} keys[TW_KEYS];
static unsigned keys_seen; /* all keys that were ever watched are below this number */

/* Keys with a value when the last round of destructors began in this thread. */
static __thread uint64_t armed[TW_KEYS / 64];
/* Keys without destructor that had a value when the first round began, and were not cleared since. */
static __thread uint64_t left[TW_KEYS / 64];
static __thread uint32_t own_id; /* of this thread, which is no thread to the library any more by then */

static bool bit(const uint64_t *set, unsigned key) {
    return set[key / 64] >> key % 64 & 1;
}
static void bit_set(uint64_t *set, unsigned key) {
    set[key / 64] |= 1ull << key % 64;
}

/* Key 0 has no object: address 0 is nothing. It is the library's own, since that comes first. */
static uint32_t object_of(struct tw_thread *t, unsigned key, uintptr_t pc, uint32_t stack) {
    return key ? tw_object_get(key, TWATCH_OBJ_KEY, 0, 0, pc, stack, t ? t->id : 0) : 0;
}

void tw_key_created(unsigned key, bool destructor, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = key < TW_KEYS ? tw_enter() : NULL;
    if (!t) return;
    if (key) {
        struct twatch_object *o =
                tw_object_at(tw_object_init(key, TWATCH_OBJ_KEY, 0, 0, pc, tw_stack_here(t, pc, cfa), t->id));
        if (o) o->init_value = destructor;
    }
    keys[key].left = keys[key].set_stack = 0;
    for (unsigned seen = keys_seen; seen <= key && !__atomic_compare_exchange_n(&keys_seen, &seen, key + 1, false,
                                                           __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);)
        continue;
    __atomic_store_n(&tw_key_states[key], destructor ? TW_KEY_PLAIN : TW_KEY_NO_DESTRUCTOR, __ATOMIC_RELEASE);
    tw_leave(t);
}

static void used_after_delete(struct tw_thread *t, unsigned key, uintptr_t pc, uintptr_t cfa) {
    uint32_t stack = tw_stack_here(t, pc, cfa);
    tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_TLS_KEY_AFTER_DELETE,
                           .object = object_of(t, key, pc, stack),
                           .stack = stack,
                           .other_stack = keys[key].delete_stack});
}

void tw_key_deleting(unsigned key, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = key < TW_KEYS ? tw_enter() : NULL;
    if (!t) return;
    if (tw_key_states[key] == TW_KEY_DELETED) {
        used_after_delete(t, key, pc, cfa);
    } else {
        keys[key].delete_stack = tw_stack_here(t, pc, cfa);
        __atomic_store_n(&tw_key_states[key], TW_KEY_DELETED, __ATOMIC_RELEASE);
    }
    tw_leave(t);
}

/* The thread's last event is recorded already; nothing interrupts what runs here, for tw_enter refuses. */
static void set_in_last_round(unsigned key, uintptr_t pc) {
    if (!bit(armed, key)) return; /* its destructor may still come in this round */
    uint64_t site = pc;
    uint32_t stack = tw_stack_intern(&site, 1, TWATCH_STACK_SITE | TWATCH_STACK_CUT);
    tw_incident(NULL, &(struct tw_incident){.kind = TWATCH_INCIDENT_TLS_DTOR_LIMIT,
                              .object = object_of(NULL, key, pc, stack),
                              .stack = stack,
                              .thread = own_id});
}

void tw_key_setting(unsigned key, const void *value, uintptr_t pc, uintptr_t cfa) {
    if (key >= TW_KEYS) return;
    if (tw_self && tw_self->ended) {
        if (value && tw_live->on && tw_key_states[key] == TW_KEY_PLAIN) set_in_last_round(key, pc);
        return;
    }
    struct tw_thread *t = tw_enter();
    if (!t) return;
    if (tw_key_states[key] == TW_KEY_DELETED)
        used_after_delete(t, key, pc, cfa);
    else if (value)
        keys[key].set_stack = tw_stack_here(t, pc, cfa);
    else
        left[key / 64] &= ~(1ull << key % 64);
    tw_leave(t);
}

/* ---- whose value a block is ---- */

enum { VALUES = 1024 };
static struct value {
    uintptr_t value;
    uint32_t key, thread;
} values[VALUES];
static struct tw_lock values_lock;

static struct value *place_of(uintptr_t value) {
    return &values[(value >> 4 ^ value >> 14) % VALUES];
}

void tw_key_value_set(unsigned key, const void *value) {
    if (TW_LIKELY(!tw_race && tw_idle_on)) return; /* the engine comes with the first thread, if it comes */
    struct tw_thread *t = key && key < TW_KEYS && value ? tw_enter() : NULL;
    if (!t) return;
    tw_lock_take(&values_lock);
    *place_of((uintptr_t)value) = (struct value){(uintptr_t)value, key, t->id};
    tw_lock_give(&values_lock);
    tw_leave(t);
}

bool tw_key_value_of(uintptr_t value, uint32_t *key_object, uint32_t *thread) {
    tw_lock_take(&values_lock);
    struct value v = *place_of(value);
    tw_lock_give(&values_lock);
    const struct twatch_thread *d = v.value == value ? tw_thread_desc(v.thread) : NULL;
    if (!d || d->end != TWATCH_THREAD_RUNNING) return false;
    *key_object = tw_object_find(v.key);
    *thread = v.thread;
    return *key_object != 0;
}

/* A small number, something static or something on the thread's own stack needs no freeing. */
static bool may_be_heap(const struct tw_thread *t, const void *value) {
    uintptr_t v = (uintptr_t)value;
    if (v < TWATCH_PAGE || (v >= t->stack_lo && v < t->stack_hi)) return false;
    return tw_sys_readable(value, 1) && tw_modules_find(v) == 0;
}

/* glibc takes every value out in the first round, destructor or not; this destructor comes first in it. */
void tw_key_thread_ending(struct tw_thread *t) {
    unsigned n = __atomic_load_n(&keys_seen, __ATOMIC_ACQUIRE);
    for (unsigned key = 0; key < n && key < TW_KEYS; key++)
        if (tw_key_states[key] == TW_KEY_NO_DESTRUCTOR && may_be_heap(t, pthread_getspecific(key))) bit_set(left, key);
}

static void value_left(struct tw_thread *t, unsigned key) {
    uint32_t count = __atomic_add_fetch(&keys[key].left, 1, __ATOMIC_RELAXED);
    uint32_t id = object_of(t, key, 0, 0);
    const struct twatch_object *o = tw_object_at(id);
    tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_TLS_KEY_LEAK,
                           .object = id,
                           .stack = keys[key].set_stack,
                           .other_stack = o ? o->create_stack : 0,
                           .aux = count});
}

void tw_key_thread_end(struct tw_thread *t) {
    own_id = t->id;
    unsigned n = __atomic_load_n(&keys_seen, __ATOMIC_ACQUIRE);
    for (unsigned key = 0; key < n && key < TW_KEYS; key++) {
        if (bit(left, key)) value_left(t, key);
        if (tw_key_states[key] == TW_KEY_PLAIN && pthread_getspecific(key)) bit_set(armed, key);
    }
}

TW_EXPORT int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = TW_REAL(pthread_key_create)(key, destructor);
    if (rc == 0) tw_key_created(*key, destructor != NULL, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_key_delete(pthread_key_t key) {
    tw_key_deleting(key, TW_CALLER, TW_CFA);
    int rc = TW_REAL(pthread_key_delete)(key);
    tw_python_key_deleted();
    return rc;
}

TW_EXPORT int pthread_setspecific(pthread_key_t key, const void *value) {
    if (TW_UNLIKELY(!tw_key_plain(key))) tw_key_setting(key, value, TW_CALLER, TW_CFA);
    int rc = TW_REAL(pthread_setspecific)(key, value);
    if (rc == 0) tw_key_value_set(key, value);
    tw_python_key_set(key);
    return rc;
}
