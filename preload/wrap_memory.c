/*
 * Memory as birth and death of what lies in it: a freed block takes the locks in it along. Forwarding comes first; a
 * block with no lock near it costs a probe, and nothing here takes a lock or allocates on that path. A program may have
 * an allocator of its own that never calls these.
 *
 * While the real functions are being looked up (dlsym allocates) requests are served from a static buffer, whose blocks
 * are never given back.
 */
#include <stdarg.h>

#include "stack.h"
#include "heap.h"
#include "cond.h"
#include "ops.h"
#include "use.h"

enum { BOOT_SIZE = 64 * 1024, ALIGN = 16 };
static char boot[BOOT_SIZE] __attribute__((aligned(ALIGN)));
static size_t boot_used;

static inline bool in_boot(const void *p) {
    return (uintptr_t)p - (uintptr_t)boot < BOOT_SIZE;
}

/* A zeroed block with its size in the 16 bytes before it; NULL when the buffer is full. */
static TW_NOINLINE void *boot_alloc(size_t n) {
    if (n > BOOT_SIZE) return NULL;
    size_t step = ALIGN + ((n + ALIGN - 1) & ~(size_t)(ALIGN - 1));
    size_t at = __atomic_fetch_add(&boot_used, step, __ATOMIC_RELAXED);
    if (at + step > BOOT_SIZE) return NULL;
    *(size_t *)(void *)(boot + at) = n;
    return boot + at + ALIGN;
}
static size_t boot_size(const void *p) {
    return *(const size_t *)(const void *)((const char *)p - ALIGN);
}

/* True when the real functions are there, after looking for them if need be. */
static TW_NOINLINE bool resolve(void) {
    if (tw_real_busy) return false;
    tw_real_init();
    return true;
}
#define HUGE_RESERVATION ((size_t)1 << 40)
#define READY(f) (TW_LIKELY(tw_real.f != NULL) || (resolve() && tw_real.f != NULL))

/* ---- birth ---- */

static inline size_t usable(void *p) {
    return READY(malloc_usable_size) ? tw_real.malloc_usable_size(p) : 1;
}

/* pc 0: no block of malloc's. A block is a little larger than what was asked for, and dies as a whole: its last bytes must be as new as the
 * rest, or they still belong to the one who freed a larger block there. */
static TW_NOINLINE void born(void *p, size_t n, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = p ? tw_enter() : NULL;
    if (!t) return;
    tw_race->fresh_block((uintptr_t)p, n, pc ? usable(p) : n, pc, cfa);
    tw_leave(t);
}

/*
 * Blocks that are older than the race engine, the last EARLY of them: what the first thread made ready for the others. There is one thread as
 * long as early_on, which is never set when races are off.
 */
enum { EARLY = 1024 };
static struct { uintptr_t block, pc; size_t size; } early[EARLY];
static uint32_t nearly;
static bool early_on;

static inline void made_early(void *p, size_t n, uintptr_t pc) {
    uint32_t i = nearly++ % EARLY;
    early[i].block = (uintptr_t)p, early[i].size = n, early[i].pc = pc;
}

void tw_heap_early(bool on) { early_on = on; }

void tw_heap_race(void) {
    struct tw_thread *t = early_on ? tw_enter() : NULL;
    early_on = false;
    if (!t) return;
    for (uint32_t k = nearly < EARLY ? 0 : nearly - EARLY; k < nearly; k++) { /* oldest first: an address that came twice is its later block */
        uint64_t pc = early[k % EARLY].pc;
        if (early[k % EARLY].block)
            tw_race->block(early[k % EARLY].block, early[k % EARLY].size, tw_stack_intern(&pc, 1, TWATCH_STACK_SITE));
    }
    tw_leave(t);
}

TW_EXPORT void *malloc(size_t n) {
    if (!READY(malloc)) return boot_alloc(n);
    void *p = tw_real.malloc(n);
    if (TW_UNLIKELY(tw_race != NULL)) born(p, n, TW_CALLER, TW_CFA);
    else if (early_on) made_early(p, n, TW_CALLER);
    return p;
}

TW_EXPORT void *calloc(size_t count, size_t size) {
    if (!READY(calloc)) return size && count > BOOT_SIZE / size ? NULL : boot_alloc(count * size);
    void *p = tw_real.calloc(count, size);
    if (TW_UNLIKELY(tw_race != NULL)) born(p, count * size, TW_CALLER, TW_CFA);
    else if (early_on) made_early(p, count * size, TW_CALLER);
    return p;
}

TW_EXPORT int posix_memalign(void **p, size_t align, size_t n) {
    int rc = TW_REAL(posix_memalign)(p, align, n);
    if (TW_UNLIKELY(tw_race != NULL) && rc == 0) born(*p, n, TW_CALLER, TW_CFA);
    return rc;
}

TW_EXPORT void *aligned_alloc(size_t align, size_t n) {
    void *p = TW_REAL(aligned_alloc)(align, n);
    if (TW_UNLIKELY(tw_race != NULL)) born(p, n, TW_CALLER, TW_CFA);
    else if (early_on) made_early(p, n, TW_CALLER);
    return p;
}

TW_EXPORT void *memalign(size_t align, size_t n) {
    void *p = TW_REAL(memalign)(align, n);
    if (TW_UNLIKELY(tw_race != NULL)) born(p, n, TW_CALLER, TW_CFA);
    else if (early_on) made_early(p, n, TW_CALLER);
    return p;
}

TW_EXPORT void *valloc(size_t n) {
    void *p = TW_REAL(valloc)(n);
    if (TW_UNLIKELY(tw_race != NULL)) born(p, n, TW_CALLER, TW_CFA);
    else if (early_on) made_early(p, n, TW_CALLER);
    return p;
}

TW_EXPORT void *pvalloc(size_t n) {
    void *p = TW_REAL(pvalloc)(n);
    if (TW_UNLIKELY(tw_race != NULL)) born(p, n, TW_CALLER, TW_CFA);
    else if (early_on) made_early(p, n, TW_CALLER);
    return p;
}

TW_EXPORT size_t malloc_usable_size(void *p) {
    if (in_boot(p)) return boot_size(p);
    return READY(malloc_usable_size) ? tw_real.malloc_usable_size(p) : 0;
}

/* ---- death ---- */

struct dying {
    struct tw_thread *t;
    uintptr_t block, pc, cfa;
    bool readable; /* the memory is still the block's: what the locks say of themselves counts */
};

/* What glibc's fields say: false is certain, true may be left over from other use of the memory. */
static bool looks_locked(const struct twatch_object *o) {
    const void *p = (const void *)(uintptr_t)o->address;
    switch ((enum twatch_object_kind)o->kind) {
    case TWATCH_OBJ_MUTEX:
        return __atomic_load_n(&((const pthread_mutex_t *)p)->__data.__lock, __ATOMIC_RELAXED) != 0;
    case TWATCH_OBJ_RWLOCK: {
        const pthread_rwlock_t *l = p;
        return __atomic_load_n(&l->__data.__readers, __ATOMIC_RELAXED) >> 1 != 0 || l->__data.__cur_writer != 0;
    }
    case TWATCH_OBJ_SPIN:
        return __atomic_load_n((const volatile int *)p, __ATOMIC_RELAXED) <= 0;
    case TWATCH_OBJ_SEM:
        return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED) >> 32 !=
               0; /* waiters; a taken permit is no lock */
    case TWATCH_OBJ_COND:
    case TWATCH_OBJ_BARRIER:
        return true;
    case TWATCH_OBJ_NONE:
    case TWATCH_OBJ_ONCE:
    case TWATCH_OBJ_FUTEX:
    case TWATCH_OBJ_GUARD:
    case TWATCH_OBJ_THREAD:
    case TWATCH_OBJ_KEY:
    case TWATCH_OBJ_EVENTS:
        return false;
    }
    return false;
}

/* A woken waiter of a condition variable still stands as waiting until it has run; only one that no signal was for
 * counts. */
static bool only_woken(const struct twatch_object *o, uint32_t id) {
    const struct tw_cond_side *side = o->kind == TWATCH_OBJ_COND ? tw_use_side(id) : NULL;
    return side && side->waiters <= side->woken;
}

/* Runs under the object table's lock. Properly destroyed objects may lie in freed memory. */
static void object_dies(struct twatch_object *o, uint32_t id, void *arg) {
    const struct dying *d = arg;
    if (tw_race) tw_race->forget(o->address);
    if (!(o->flags & (TWATCH_OBJF_DESTROYED | TWATCH_OBJF_PSHARED)) && (!d->readable || looks_locked(o)) &&
            !only_woken(o, id)) {
        struct twatch_held entry = {0};
        uint32_t stack = 0, who = o->kind == TWATCH_OBJ_SEM ? 0 : tw_thread_holder(o->address, &entry);
        if (who)
            stack = tw_ops_held_stack(&entry);
        else
            who = tw_thread_waiter(o->address, &stack);
        if (who)
            tw_incident(d->t, &(struct tw_incident){.kind = TWATCH_INCIDENT_FREE_LOCKED,
                                      .object = id,
                                      .stack = tw_stack_here(d->t, d->pc, d->cfa),
                                      .other_thread = who,
                                      .other_stack = stack,
                                      .aux = d->block});
    }
    tw_use_object_dead(id);
}

static TW_NOINLINE void objects_die(uintptr_t lo, size_t n, bool readable, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct dying d = {t, lo, pc, cfa, readable};
    tw_object_range_dead(lo, lo + n, object_dies, &d);
    tw_leave(t);
}

/* For the race engine (pc 0: no block of malloc's, nothing may be said of it after); before the real call, since the
 * memory may be another thread's right after it. */
static TW_NOINLINE void shadow_dies(uintptr_t lo, size_t n, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    tw_race->dead_at(lo, n, pc, cfa);
    tw_leave(t);
}

TW_EXPORT void free(void *p) {
    if (p == NULL || TW_UNLIKELY(in_boot(p)) || !READY(free)) return;
    size_t n = usable(p);
    /* before the real one: the memory may be another thread's at once */
    if (TW_UNLIKELY(tw_object_near((uintptr_t)p, (uintptr_t)p + n)))
        objects_die((uintptr_t)p, n, true, TW_CALLER, TW_CFA);
    if (TW_UNLIKELY(tw_race != NULL)) shadow_dies((uintptr_t)p, n, TW_CALLER, TW_CFA);
    tw_real.free(p);
}

static void *boot_realloc(void *p, size_t n) {
    void *q = malloc(n);
    if (q) tw_sys_copy(q, p, boot_size(p) < n ? boot_size(p) : n);
    return q;
}

/* Whether a block moves is known only afterwards, when its old memory may already be another's: the locks that were in
   it die then, and one that stayed keeps them. To the race engine the whole block dies before and comes anew, moved or
   not. */
static TW_NOINLINE void *realloc_watched(void *p, size_t old, size_t n, uintptr_t pc, uintptr_t cfa) {
    if (tw_race) shadow_dies((uintptr_t)p, old, pc, cfa);
    void *q = tw_real.realloc(p, n);
    bool failed = q == NULL && n != 0;
    size_t stays = failed ? old : q != p ? 0 : usable(q) < old ? usable(q) : old;
    if (stays < old && tw_object_near((uintptr_t)p + stays, (uintptr_t)p + old))
        objects_die((uintptr_t)p + stays, old - stays, false, pc, cfa);
    if (tw_race) born(failed ? p : q, failed ? old : n, pc, cfa);
    return q;
}

static inline void *any_realloc(void *p, size_t n, uintptr_t pc, uintptr_t cfa) {
    if (TW_UNLIKELY(p == NULL)) return malloc(n);
    if (TW_UNLIKELY(in_boot(p))) return boot_realloc(p, n);
    if (!READY(realloc)) return NULL;
    size_t old = usable(p);
    if (TW_UNLIKELY(tw_object_near((uintptr_t)p, (uintptr_t)p + old) || tw_race != NULL))
        return realloc_watched(p, old, n, pc, cfa);
    return tw_real.realloc(p, n);
}

TW_EXPORT void *realloc(void *p, size_t n) {
    return any_realloc(p, n, TW_CALLER, TW_CFA);
}

TW_EXPORT void *reallocarray(void *p, size_t count, size_t size) {
    size_t n;
    if (TW_UNLIKELY(__builtin_mul_overflow(count, size, &n)))
        return TW_REAL(reallocarray)(p, count, size); /* it says ENOMEM */
    return any_realloc(p, n, TW_CALLER, TW_CFA);
}

/* ---- mappings ---- */

TW_EXPORT int munmap(void *p, size_t n) {
    if (TW_UNLIKELY(tw_object_near((uintptr_t)p, (uintptr_t)p + n)))
        objects_die((uintptr_t)p, n, false, TW_CALLER, TW_CFA);
    if (TW_UNLIKELY(tw_race != NULL)) shadow_dies((uintptr_t)p, n, 0, 0);
    return TW_REAL(munmap)(p, n);
}

/* The kernel, as long as the real function is not known. */
static TW_NOINLINE void *raw_mmap(void *want, size_t n, int protection, int flags, int fd, off_t offset) {
    long rc = tw_sys(SYS_mmap, want, n, protection, flags, fd, offset);
    if (rc >= 0 || rc <= -4096) return (void *)rc;
    errno = (int)-rc;
    return MAP_FAILED;
}

/* What was there before (MAP_FIXED) is gone. */
static inline void *mapped(void *p, size_t n, int flags, uintptr_t pc, uintptr_t cfa) {
    if (TW_UNLIKELY(p == MAP_FAILED)) return p;
    if (flags & MAP_FIXED && TW_UNLIKELY(tw_object_near((uintptr_t)p, (uintptr_t)p + n)))
        objects_die((uintptr_t)p, n, false, pc, cfa);
    if (TW_UNLIKELY(tw_race != NULL)) born(p, n, 0, 0);
    return p;
}

/* Large reservations go where the race engine can watch their beginning. */
static inline void *placed(void *want, size_t n, int flags) {
    if (TW_UNLIKELY(tw_race != NULL) && !want && n > HUGE_RESERVATION && !(flags & MAP_FIXED)) return (void *)tw_race->place(n);
    return want;
}

TW_EXPORT void *mmap(void *want, size_t n, int protection, int flags, int fd, off_t offset) {
    if (!READY(mmap)) return raw_mmap(want, n, protection, flags, fd, offset);
    return mapped(tw_real.mmap(placed(want, n, flags), n, protection, flags, fd, offset), n, flags, TW_CALLER, TW_CFA);
}

TW_EXPORT void *mmap64(void *want, size_t n, int protection, int flags, int fd, off64_t offset) {
    if (!READY(mmap64)) return raw_mmap(want, n, protection, flags, fd, offset);
    return mapped(tw_real.mmap64(placed(want, n, flags), n, protection, flags, fd, offset), n, flags, TW_CALLER, TW_CFA);
}

TW_EXPORT void *mremap(void *old, size_t old_size, size_t new_size, int flags, ...) {
    void *target = NULL;
    if (flags & MREMAP_FIXED) {
        va_list more;
        va_start(more, flags);
        target = va_arg(more, void *);
        va_end(more);
    }
    void *p = TW_REAL(mremap)(old, old_size, new_size, flags, target);
    if (p != MAP_FAILED && p != old && TW_UNLIKELY(tw_object_near((uintptr_t)old, (uintptr_t)old + old_size)))
        objects_die((uintptr_t)old, old_size, false, TW_CALLER, TW_CFA);
    if (TW_UNLIKELY(tw_race != NULL) && p != MAP_FAILED && p != old) born(p, new_size, 0, 0);
    return p;
}
