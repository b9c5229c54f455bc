/* What the checks in the program's code call: any context, vector registers untouched. */
#include "slow.h"
#include "shadow.h"

static void place_of_site(struct rt_place *p, uint32_t site, const struct x86_site *s, const struct x86_regs *regs) {
    *p = (struct rt_place){.key = (uint64_t)site | 1ull << 40,
            .pc = s->pc,
            .sp = regs->rsp,
            .regs = regs,
            .size = s->size,
            .flags = s->flags &
                     (X86_SITE_READ | X86_SITE_WRITE | X86_SITE_RMW | X86_SITE_MOV | X86_SITE_SPIN | X86_SITE_ATOMIC)};
}

void rt_slow(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    struct rt_tls *t = &rt_tls;
    struct x86_site s;
    if (!rt_enter(t)) return;
    if (x86_site(site, &s) == 0) {
        struct rt_place p;
        place_of_site(&p, site, &s, regs);
        rt_access(t, addr, s.size, &p);
    }
    rt_leave(t);
}

void rt_slow_range(uintptr_t addr, size_t bytes, int is_write, uint32_t site, const struct x86_regs *regs) {
    struct rt_tls *t = &rt_tls;
    struct x86_site s;
    if (!bytes || !rt_enter(t)) return;
    if (x86_site(site, &s) == 0) {
        struct rt_place p;
        place_of_site(&p, site, &s, regs);
        p.key |= is_write ? 1ull << 41 : 1ull << 42;
        p.flags = (is_write ? RT_WRITE : RT_READ) | RT_RANGE;
        p.size = bytes < 1u << 20 ? (uint32_t)bytes : 1u << 20;
        rt_access(t, addr, bytes, &p);
    }
    rt_leave(t);
}

static void atomic(uintptr_t addr, uint32_t site, const struct x86_regs *regs, bool before) {
    struct rt_tls *t = &rt_tls;
    struct x86_site s;
    if (!rt_enter(t)) return;
    if (x86_site(site, &s) == 0) {
        struct rt_place p;
        place_of_site(&p, site, &s, regs);
        uint32_t n = rt_atomic_at(t, addr, s.size, &p);
        if (n && before) {
            rt_atomic_note(t, n, &p);
            rt_atomic_release(t, n);
        } else if (n) {
            rt_atomic_acquire(t, n);
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
