#include "inherit.h"

#include <pthread.h>

#include "config.h"
#include "incident.h"
#include "held.h"

enum { CANDIDATES = 64, FRAMES = 48 };

/* Ids of the parent's record mean nothing in the child's: what is needed is copied. Plain memory, so that the child
 * gets it with the fork. */
static struct {
    uint32_t n;
    int32_t parent; /* process id */
    uint32_t nframes;
    uint64_t frames[FRAMES]; /* of the fork */
    struct candidate {
        uintptr_t address;
        int32_t tid; /* of the holder */
        uint8_t kind, said;
        uint32_t nframes;
        uint64_t frames[FRAMES]; /* of the acquisition */
    } at[CANDIDATES];
} noted;
static struct tw_lock lock;

static uint32_t copy_frames(uint64_t *to, uint32_t stack) {
    const struct twatch_stack *s = tw_stack_by_id(stack);
    uint32_t n = s ? s->nframes : 0;
    if (n > FRAMES) n = FRAMES;
    for (uint32_t i = 0; i < n; i++)
        to[i] = s->pc[i];
    return n;
}

static void note(const struct twatch_held *h, int32_t tid) {
    uint32_t kind = tw_held_kind(h);
    if (!h->address || noted.n == CANDIDATES || h->mode != TWATCH_MODE_EXCLUSIVE) return;
    if (kind != TWATCH_OBJ_MUTEX && kind != TWATCH_OBJ_RWLOCK) return;
    const struct twatch_object *o = tw_object_at(h->object ? h->object : tw_object_find(h->address));
    if (o && o->flags & (TWATCH_OBJF_PSHARED | TWATCH_OBJF_ROBUST)) return;
    struct candidate *c = &noted.at[noted.n];
    c->address = h->address;
    c->tid = tid;
    c->kind = (uint8_t)kind;
    c->said = 0;
    c->nframes = copy_frames(c->frames, h->stack);
    if (c->nframes == 0) c->frames[0] = h->site, c->nframes = 1;
    noted.n++;
}

void tw_inherit_before_fork(struct tw_thread *t, uintptr_t pc, uintptr_t cfa) {
    if (noted.parent != tw_header->pid)
        lock = (struct tw_lock){0};  /* taken in the parent at the fork, by a thread that is not here */
    if (!tw_lock_try(&lock)) return; /* another fork at the same moment: its notes serve */
    noted.n = 0;
    noted.parent = tw_header->pid;
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_slot *s = tw_thread_slot(i);
        const struct twatch_thread *d = s && s->thread && s->thread != t->id ? tw_thread_desc(s->thread) : NULL;
        const struct tw_thread *other = d ? tw_thread_private(i) : NULL;
        for (uint32_t k = 0; other && k < s->nheld && k < s->held_capacity; k++)
            note(&other->held[k], d->tid);
    }
    noted.nframes = noted.n ? copy_frames(noted.frames, tw_stack_here(t, pc, cfa)) : 0;
    tw_lock_give(&lock);
}

/* The lock's own words, in this process' memory. */
static bool still_held(const struct candidate *c) {
    struct {
        int word, count, owner;
    } mutex;
    struct {
        unsigned words[6];
        int writer;
    } rwlock;
    struct {
        void *base;
        size_t length;
    } local = {&mutex, sizeof mutex}, remote = {(void *)c->address, sizeof mutex};
    if (c->kind == TWATCH_OBJ_RWLOCK) local.base = &rwlock, local.length = remote.length = sizeof rwlock;
    if (tw_sys(SYS_process_vm_readv, tw_sys(SYS_getpid), &local, 1, &remote, 1, 0) != (long)local.length) return false;
    return c->kind == TWATCH_OBJ_RWLOCK ? rwlock.writer == c->tid : mutex.word != 0 && mutex.owner == c->tid;
}

static void say(struct tw_thread *t, struct candidate *c) {
    if (c->said || !still_held(c)) return;
    c->said = 1;
    uint32_t held = tw_stack_intern(c->frames, c->nframes, 0),
             at_fork = tw_stack_intern(noted.frames, noted.nframes, 0);
    uint32_t object = tw_object_get(c->address, c->kind, 0, 0, (uintptr_t)c->frames[0], held, t->id);
    tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_FORK_LOCK_HELD,
                           .object = object,
                           .stack = at_fork,
                           .other_stack = held,
                           .aux = (uint64_t)tw_header->pid});
}

/* The notes were made by the process that forked this one, and not by an earlier ancestor or by ourselves. */
static bool is_child(void) {
    return noted.n != 0 && noted.parent != (int32_t)tw_sys(SYS_getpid);
}

bool tw_inherit_waits(struct tw_thread *t, uintptr_t address) {
    if (TW_LIKELY(noted.n == 0) || !is_child()) return false;
    for (uint32_t i = 0; i < noted.n; i++) {
        struct candidate *c = &noted.at[i];
        if (c->address != address || !still_held(c)) continue;
        say(t, c);
        return true;
    }
    return false;
}
