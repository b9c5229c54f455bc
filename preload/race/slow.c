/* What the checks in the program's code call: any context, vector registers untouched. */
#include "slow.h"
#include "shadow.h"

/* The pc is looked up when it is asked for (rt_history_id). */
static inline bool place_of_access(struct rt_place *p, uint32_t access, uint32_t site, const struct x86_regs *regs) {
    *p = (struct rt_place){.key = (uint64_t)site | RT_SITE_KEY,
            .sp = regs->rsp,
            .regs = regs,
            .size = access & 255u,
            .flags = access >> 8 &
                     (X86_SITE_READ | X86_SITE_WRITE | X86_SITE_RMW | X86_SITE_MOV | X86_SITE_SPIN | X86_SITE_ATOMIC)};
    return access != 0;
}

static bool place_of_site(struct rt_place *p, uint32_t site, const struct x86_regs *regs) {
    return place_of_access(p, x86_site_access(site), site, regs);
}

void rt_slow(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    struct rt_tls *t = &rt_tls;
    uint32_t access = x86_site_access(site);
    rt_access_soon(t, addr, access >> 8);
    if (!rt_enter(t)) return;
    struct rt_place p;
    if (place_of_access(&p, access, site, regs)) {
        rt_history_soon(t, &p);
        rt_access(t, addr, p.size, &p);
    }
    rt_leave(t);
}

void rt_slow_range(uintptr_t addr, size_t bytes, int is_write, uint32_t site, const struct x86_regs *regs) {
    struct rt_tls *t = &rt_tls;
    if (!bytes || !rt_enter(t)) return;
    struct rt_place p;
    if (place_of_site(&p, site, regs)) {
        p.key |= is_write ? 1ull << 56 : 1ull << 57;
        p.flags = (is_write ? RT_WRITE : RT_READ) | RT_RANGE;
        p.size = bytes < 1u << 20 ? (uint32_t)bytes : 1u << 20;
        rt_access(t, addr, bytes, &p);
    }
    rt_leave(t);
}

static void atomic(uintptr_t addr, uint32_t site, const struct x86_regs *regs, bool before) {
    struct rt_tls *t = &rt_tls;
    if (!rt_enter(t)) return;
    struct rt_place p;
    if (place_of_site(&p, site, regs)) {
        uint32_t n = rt_atomic_at(t, addr, p.size, &p);
        if (n && before) {
            rt_atomic_note(t, n, &p);
            rt_atomic_release(t, n);
        } else if (n) {
            rt_atomic_acquire(t, n);
        } else {
            rt_sync_unwatched(t, addr & ~3ull, true, before, !before);
        }
    }
    rt_leave(t);
}

void rt_slow_atomic_before(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    atomic(addr, site, regs, true);
}
void rt_slow_atomic_after(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    atomic(addr, site, regs, false);
}

/* A fence orders the thread's own accesses; between threads the edges come from the locations that are read (access.c).
 */
void rt_slow_fence(uint32_t site, const struct x86_regs *regs) {
    (void)site;
    (void)regs;
}
