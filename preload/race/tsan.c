/*
 * The engine's side of the second front: accesses and atomics as the compiler tells them, with their orders.
 *
 * Fences: after a release fence, relaxed stores release; an acquire fence acquires from what relaxed loads read before
 * it (the last FENCED of them). Both say a little more than the standard, which can hide a race and not invent one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tsan.h"
#include "ops.h"
#include "shadow.h"
#include <dlfcn.h>

enum { FENCED = 8 };
static __thread struct { uint32_t loads[FENCED], n, released; } fences __attribute__((tls_model("initial-exec")));

/* The compiler's call stands before the access; what is behind it may be of another line. */
static void place(struct rt_place *p, uintptr_t returns, uintptr_t cfa, uint32_t flags, size_t bytes) {
    uintptr_t pc = returns ? returns - 1 : 0;
    *p = (struct rt_place){.key = pc | 1ull << 63 | 1ull << 60,
            .pc = pc,
            .sp = cfa,
            .flags = flags | RT_EXACT_ATOMICS,
            .size = bytes < 1u << 20 ? (uint32_t)bytes : 1u << 20};
    if (flags & RT_WRITE) p->key |= 1ull << 59;
}

static void tsan_access(uintptr_t addr, size_t bytes, uint32_t flags, uintptr_t pc, uintptr_t cfa) {
    struct rt_tls *t = &rt_tls;
    struct rt_place p;
    if (!bytes || !rt_enter(t)) return;
    place(&p, pc, cfa, flags, bytes);
    rt_access(t, addr, bytes, &p);
    rt_leave(t);
}

static bool releases(uint32_t order) {
    return order >= TW_TSAN_RELEASE;
}
static bool acquires(uint32_t order) {
    return order != TW_TSAN_RELAXED && order != TW_TSAN_RELEASE;
}

static void tsan_before(uintptr_t addr, uint32_t bytes, uint32_t kind, uint32_t order, uintptr_t pc, uintptr_t cfa) {
    struct rt_tls *t = &rt_tls;
    struct rt_place p;
    if (!rt_enter(t)) return;
    place(&p, pc, cfa, RT_ATOMIC | kind, bytes);
    uint32_t n = rt_atomic_at(t, addr, bytes, &p);
    if (n && kind & TW_TSAN_STORE) {
        rt_atomic_note(t, n, &p);
        if (releases(order) || fences.released) rt_atomic_release(t, n);
    }
    rt_leave(t);
}

static void tsan_after(uintptr_t addr, uint32_t bytes, uint32_t kind, uint32_t order) {
    struct rt_tls *t = &rt_tls;
    struct rt_place p;
    if (!(kind & TW_TSAN_LOAD) || !rt_enter(t)) return;
    place(&p, 0, 0, RT_ATOMIC | kind, bytes);
    uint32_t n = rt_atomic_at(t, addr, bytes, &p);
    if (n && acquires(order))
        rt_atomic_acquire(t, n);
    else if (n)
        fences.loads[fences.n++ % FENCED] = n;
    rt_leave(t);
}

static void tsan_fence(uint32_t order) {
    struct rt_tls *t = &rt_tls;
    if (!rt_enter(t)) return;
    if (acquires(order))
        for (uint32_t i = 0; i < FENCED; i++) {
            if (fences.loads[i]) rt_atomic_acquire(t, fences.loads[i]);
            fences.loads[i] = 0;
        }
    if (releases(order)) fences.released = 1;
    rt_leave(t);
}

static void tsan_sync(uint32_t op, uintptr_t obj) {
    struct rt_tls *t = &rt_tls;
    if (!rt_enter(t)) return;
    rt_sync_do(t, op, obj);
    rt_leave(t);
}

static void tsan_acquire(uintptr_t obj) {
    tsan_sync(RT_ACQUIRE, obj);
}
static void tsan_release(uintptr_t obj) {
    tsan_sync(RT_RELEASE, obj);
}

bool rt_tsan_start(void) {
    void (*attach)(const struct tw_tsan_table *);
    *(void **)&attach = dlsym(RTLD_DEFAULT, "twatch_tsan_attach");
    if (!attach) return false;
    uintptr_t fs;
    __asm__("mov %%fs:0, %0" : "=r"(fs));
    static struct tw_tsan_table table;
    table = (struct tw_tsan_table){.abi = TW_TSAN_ABI,
            .write_bit = RT_WRITE_BIT,
            .epoch = (int64_t)((uintptr_t)&rt_tls.epoch - fs),
            .read_key = (int64_t)((uintptr_t)&rt_tls.read_key - fs),
            .access = tsan_access,
            .before = tsan_before,
            .after = tsan_after,
            .fence = tsan_fence,
            .acquire = tsan_acquire,
            .release = tsan_release};
    attach(&table);
    return true;
}
