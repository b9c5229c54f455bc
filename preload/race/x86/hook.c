/* The hooks whose arguments depend on the instruction: string operations and fences. Called from thunks.S in any
 * context. */
#define _GNU_SOURCE
#include "module.h"

void x86_enter_string(uintptr_t unused, uint32_t site, const struct x86_regs *regs)
        __attribute__((visibility("hidden")));
void x86_enter_compared(uintptr_t count, uint32_t site, const struct x86_regs *regs)
        __attribute__((visibility("hidden")));
void x86_enter_fence(uintptr_t unused, uint32_t site, const struct x86_regs *regs)
        __attribute__((visibility("hidden")));

static const struct x86_site_entry *entry(uint32_t site) {
    const struct x86_module *m = x86_module_of_site(site);
    return m ? &x86_module_sites(m)[site - m->first_site] : NULL;
}

/* movs, stos, lods: before the instruction, registers as the program set them. */
void x86_enter_string(uintptr_t unused, uint32_t site, const struct x86_regs *regs) {
    const struct x86_site_entry *s = entry(site);
    (void)unused;
    if (!s) return;
    uint64_t bytes = (s->traits & X86_T_REP ? regs->rcx : 1) * s->size;
    if (!bytes) return;
    void (*range)(uintptr_t, size_t, int, uint32_t, const struct x86_regs *) = x86_engine.config.hooks.range;
    if (s->traits & X86_T_SOURCE) range(regs->rsi, bytes, 0, site, regs);
    if (s->traits & X86_T_DEST) range(regs->rdi, bytes, 1, site, regs);
}

/* cmps, scas: after the instruction; count is rcx as it was before. */
void x86_enter_compared(uintptr_t count, uint32_t site, const struct x86_regs *regs) {
    const struct x86_site_entry *s = entry(site);
    if (!s) return;
    uint64_t bytes = (s->traits & X86_T_REP ? count - regs->rcx : 1) * s->size;
    if (!bytes) return;
    void (*range)(uintptr_t, size_t, int, uint32_t, const struct x86_regs *) = x86_engine.config.hooks.range;
    if (s->traits & X86_T_SOURCE) range(regs->rsi - bytes, bytes, 0, site, regs);
    if (s->traits & X86_T_DEST) range(regs->rdi - bytes, bytes, 0, site, regs);
}

void x86_enter_fence(uintptr_t unused, uint32_t site, const struct x86_regs *regs) {
    (void)unused;
    x86_engine.config.hooks.fence(site, regs);
}
