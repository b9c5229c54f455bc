#include "incident.h"

#include "hashmap.h"
#include "object.h"

static struct tw_table incidents = TW_TABLE(TWATCH_CHUNK_INCIDENT, struct twatch_incident, 1);
static struct tw_lock lock;
static struct tw_hashmap seen; /* hash -> struct twatch_incident */
static uint32_t groups;

static uint32_t who(const struct tw_thread *t, const struct tw_incident *i) {
    return i->thread ? i->thread : t ? t->id : 0;
}

/* Incidents of one deadlock or fork stay apart from those of another, thread by thread. */
static uint64_t key_of(const struct tw_thread *t, const struct tw_incident *i) {
    uint64_t h = tw_sys_mix((uint64_t)i->kind << 32 | i->object);
    h = tw_sys_mix(h + ((uint64_t)i->stack << 32 | i->other_stack));
    if (i->group) h = tw_sys_mix(h + ((uint64_t)i->group << 32 | who(t, i)));
    return h | 1;
}

/* Statistics are no reason to leave a file behind: a program with a single thread has nothing else to say. */
static bool worth_a_file(uint32_t kind) {
    return kind != TWATCH_INCIDENT_JOIN_TIMEOUT && kind != TWATCH_INCIDENT_BUSY_WAIT &&
           kind != TWATCH_INCIDENT_WAIT_WITHOUT_LOOP && kind != TWATCH_INCIDENT_TLS_KEY_LEAK;
}

/* Numbers of these are sums, and object2 is no object. */
static bool adds_up(uint32_t kind) {
    return kind == TWATCH_INCIDENT_JOIN_TIMEOUT || kind == TWATCH_INCIDENT_BUSY_WAIT;
}

static void again(struct twatch_incident *n, const struct tw_incident *i, uint64_t now) {
    n->last_ns = now;
    n->count += !i->more;
    if (adds_up(i->kind)) {
        n->aux += i->aux;
        if (i->object2 > n->object2) n->object2 = i->object2;
    } else if (i->aux > n->aux) {
        n->aux = i->aux;
    }
}

static struct twatch_incident *new_incident(const struct tw_thread *t, const struct tw_incident *i, uint64_t now) {
    uint32_t id;
    struct twatch_incident *n = tw_table_new(&incidents, &id, TWATCH_LOSS_INCIDENT);
    if (!n) return NULL;
    n->thread = who(t, i);
    n->object = i->object;
    n->object2 = i->object2;
    n->stack = i->stack;
    n->other_thread = i->other_thread;
    n->other_stack = i->other_stack;
    n->group = i->group;
    n->aux = i->aux;
    n->first_ns = n->last_ns = now;
    n->count = 1;
    __atomic_store_n(&n->kind, i->kind, __ATOMIC_RELEASE); /* last: a reader of a live record skips kind 0 */
    tw_object_keep(i->object);
    if (!adds_up(i->kind)) tw_object_keep(i->object2);
    return n;
}

void tw_incident(struct tw_thread *t, const struct tw_incident *i) {
    if (worth_a_file(i->kind)) tw_store_open_file();
    uint64_t key = key_of(t, i), now = tw_sys_now();
    tw_lock_take(&lock);
    struct twatch_incident *n = tw_hashmap_get(&seen, key);
    if (!n) {
        n = new_incident(t, i, now);
        if (n) tw_hashmap_put(&seen, key, n);
    } else {
        again(n, i, now);
    }
    tw_lock_give(&lock);
}

uint32_t tw_incident_group(void) {
    return __atomic_add_fetch(&groups, 1, __ATOMIC_RELAXED);
}

void tw_incident_reserve(void) { tw_table_reserve(&incidents); }

uint32_t tw_incident_count(void) {
    return __atomic_load_n(&incidents.count, __ATOMIC_ACQUIRE);
}

void tw_incident_forked(void) {
    tw_table_forget(&incidents);
    tw_hashmap_clear(&seen);
    groups = 0;
    lock = (struct tw_lock){0};
}
