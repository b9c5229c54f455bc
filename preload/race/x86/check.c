/*
 * Checks: where they stand, and their code.
 *
 * A check needs one register (two for vectors) and the flags. It stands at its instruction or earlier in the run, where
 * a register and the flags are dead, but never before a check of an earlier access, over a branch, a barrier, or
 * something that writes a register of its address. Registers are spilled to thread-local slots and not to the stack,
 * whose red zone may be in use.
 *
 *     lea r, [operand]; btc r, bit (write) or xor r, fs:[read_key] (read); and r, -4; mov r, [r]; cmp r, fs:[epoch];
 * jne detour
 */
#define _GNU_SOURCE
#include "emit.h"

enum { REACH = 60, VECTOR = 16 };

static struct x86_planned *plan_of(const struct x86_emitter *e) {
    return (struct x86_planned *)(void *)e->plan.data;
}

static int is_special(const struct x86_insn *x) {
    return x->cls == X86_LOCKED || x->cls == X86_STRING || x->cls == X86_FENCED;
}
static int is_checkable(const struct x86_insn *x) {
    return x->cls == X86_GLOBAL || x->cls == X86_HEAP;
}

static int64_t place_of(const struct x86_insn *x) {
    return x->base == X86_RIP ? (int64_t)x->off + x->len + x->disp : x->disp;
}

/* Does the access of `outer` include all bytes of `inner`'s, as far as the operands show? */
static int includes(const struct x86_insn *outer, const struct x86_insn *inner) {
    if (outer->base != inner->base || outer->index != inner->index) return 0;
    if (outer->index < 16 && outer->scale != inner->scale) return 0;
    int64_t a = place_of(outer), b = place_of(inner);
    return a <= b && b + inner->size <= a + outer->size;
}

/* An earlier access of the run whose check says all that this one's would. */
static int covered_before(const struct x86_insn *x, const struct x86_planned *p, uint32_t k) {
    uint16_t regs = x86_insn_address_regs(&x[k]);
    for (uint32_t j = k; j-- > 0 && k - j < REACH;) {
        if ((x[j].writes & regs) || (x[j].traits & X86_T_BARRIER)) return 0;
        if (p[j].at >= 0 && is_checkable(&x[j]) && (p[j].access & 2 || !(x[k].access & 2)) && includes(&x[j], &x[k]))
            return 1;
    }
    return 0;
}

/* A read that a write of the same location follows at once: the write's check stands for both. Its index, or -1. */
static int32_t write_after(const struct x86_insn *x, uint32_t n, uint32_t k) {
    uint16_t regs = x86_insn_address_regs(&x[k]);
    if ((x[k].access & 2) || (x[k].writes & regs)) return -1;
    for (uint32_t j = k + 1; j < n && j - k < 8; j++) {
        if (x[j - 1].kind == X86_JCC || (x[j].traits & X86_T_BARRIER)) return -1;
        if (is_checkable(&x[j]))
            return (x[j].access & 2) && x[j].size == x[k].size && includes(&x[j], &x[k]) ? (int32_t)j : -1;
        if (x[j].writes & regs) return -1;
    }
    return -1;
}

static int has_scratch(const struct x86_insn *at, uint16_t regs) {
    return (uint16_t) ~(at->live | regs | X86_BIT(X86_RSP)) != 0;
}

/* The best place for the check of x[k], not before `floor`. */
static uint32_t best_place(const struct x86_insn *x, uint32_t k, uint32_t floor) {
    uint16_t regs = x86_insn_address_regs(&x[k]);
    uint32_t best = k;
    int best_score = -1;
    for (uint32_t p = k;; p--) {
        int score = (x[p].flags_live == 0 ? 2 : 0) + has_scratch(&x[p], regs);
        if (score > best_score) {
            best_score = score;
            best = p;
        }
        if (best_score == 3 || p <= floor || k - p >= REACH) break;
        const struct x86_insn *before = &x[p - 1];
        if (before->kind == X86_JCC || (before->traits & X86_T_BARRIER) || (before->writes & regs)) break;
    }
    return best;
}

void x86_checks_plan(struct x86_emitter *e, const struct x86_run *r) {
    const struct x86_insn *x = x86_code_insns(e->code) + r->first;
    e->plan.used = 0;
    struct x86_planned *p = x86_vec_grow(&e->plan, r->count * sizeof *p);
    if (!p) return;
    uint32_t floor = 0;
    for (uint32_t k = 0; k < r->count; k++)
        p[k] = (struct x86_planned){.at = -1};
    for (uint32_t k = 0; k < r->count; k++) {
        if (x[k].traits & X86_T_BARRIER) floor = k;
        if (!is_checkable(&x[k])) continue;
        int32_t later = -1;
        if (covered_before(x, p, k) || (later = write_after(x, r->count, k)) >= 0) {
            if (later >= 0) p[later].covers = 1;
            e->stats->dropped++;
            continue;
        }
        p[k].access = x[k].access;
        p[k].at = (int32_t)best_place(x, k, floor);
        floor = (uint32_t)p[k].at;
        if (floor != k) e->stats->hoisted++;
    }
}

/* Does the program look at what the update gives? A load and a store apart have it in a register. */
static int result_used(const struct x86_emitter *e, const struct x86_insn *x, unsigned covers) {
    if (x->cls == X86_STRING || x->cls == X86_FENCED) return 0;
    const struct x86_insn *end = x86_code_insns(e->code) + x86_code_count(e->code);
    return covers || x->update || x + 1 >= end || x[1].flags_live;
}

static uint32_t new_site(struct x86_emitter *e, const struct x86_insn *x, unsigned covers) {
    uint32_t n = (uint32_t)X86_VEC_COUNT(&e->sites, struct x86_site_entry);
    if (n >> X86_SITE_BITS) e->failed = 1;
    unsigned flags = x->access | (covers ? X86_SITE_READ : 0u);
    if (x->cls == X86_LOCKED) flags |= X86_SITE_ATOMIC;
    if (x->cls == X86_FENCED) flags = X86_SITE_FENCE;
    if (x->cls == X86_STRING) flags |= X86_SITE_STRING;
    if (x->access == 3 && x->cls != X86_STRING) flags |= X86_SITE_RMW;
    if (x->traits & (X86_T_MOV | X86_T_EXTEND) && !covers) flags |= X86_SITE_MOV;
    if (x->update) flags = (flags & ~(unsigned)X86_SITE_MOV) | X86_SITE_RMW;
    if (x->spin) flags |= X86_SITE_SPIN;
    X86_VEC_PUSH(&e->sites, struct x86_site_entry,
            (struct x86_site_entry){.off = x->off,
                    .size = x->cls == X86_FENCED ? 0 : x->size,
                    .flags = (uint8_t)flags,
                    .traits = (uint8_t)(x->traits | (result_used(e, x, covers) ? X86_T_RESULT : 0))});
    return n;
}

/* In the order of preference: not the callee-saved ones, which an unwinder may need, and never rsp. */
static const uint8_t preference[] = {
        X86_RAX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, 8, 9, 10, 11, X86_RBX, 12, 13, 14, 15, X86_RBP};

static unsigned pick(uint16_t allowed) {
    for (unsigned i = 0; i < sizeof preference; i++)
        if (allowed & X86_BIT(preference[i])) return preference[i];
    return X86_NOREG;
}

/* op reg, [reg2 + disp8], and jcc rel32 that leads to the detour. */
static void op_memory(struct x86_emitter *e, uint8_t opcode, unsigned reg, unsigned base, int wide, unsigned disp) {
    unsigned rex = (wide ? 0x48u : 0x40u) | (reg >> 3) << 2 | base >> 3;
    if (rex != 0x40) x86_put8(e, rex);
    x86_put8(e, opcode);
    int short_form = disp != 0 || (base & 7) == 5;
    x86_put8(e, (short_form ? 0x40u : 0u) | (reg & 7) << 3 | (base & 7));
    if ((base & 7) == 4) x86_put8(e, 0x24);
    if (short_form) x86_put8(e, disp);
}

static void jump_to_detour(struct x86_emitter *e, struct x86_detour *detour) {
    x86_put8(e, 0x0f);
    x86_put8(e, 0x85);
    detour->from[detour->nfrom++] = e->at;
    x86_put32(e, 0);
}

/* reg becomes the address of the cell. Clobbers flags. */
static void to_cell(struct x86_emitter *e, unsigned reg, const struct x86_insn *x, int is_write) {
    if (is_write) {
        const uint8_t btc[] = {(uint8_t)(0x48 | reg >> 3), 0x0f, 0xba, (uint8_t)(0xf8 | (reg & 7)),
                (uint8_t)e->config->layout.write_bit};
        x86_put_bytes(e, btc, sizeof btc);
    } else {
        x86_emit_fs(e, 0x33, reg, e->config->layout.read_key, 1);
    }
    if (x->base != X86_RIP) {
        const uint8_t and4[] = {(uint8_t)(0x48 | reg >> 3), 0x83, (uint8_t)(0xe0 | (reg & 7)), 0xfc};
        x86_put_bytes(e, and4, sizeof and4);
    }
}

static void save_flags(struct x86_emitter *e, int keep_rax) {
    static const uint8_t lahf_seto[] = {0x9f, 0x0f, 0x90, 0xc0};
    if (keep_rax) x86_emit_slot(e, 0, X86_RAX, X86_SLOT_RAX);
    x86_put_bytes(e, lahf_seto, sizeof lahf_seto);
}

static void restore_flags(struct x86_emitter *e, int keep_rax) {
    static const uint8_t add_sahf[] = {0x04, 0x7f, 0x9e};
    x86_put_bytes(e, add_sahf, sizeof add_sahf);
    if (keep_rax) x86_emit_slot(e, 1, X86_RAX, X86_SLOT_RAX);
}

/* One cell or two at once, or, for vectors, pairs against an epoch in a second register. */
static void compare(struct x86_emitter *e, struct x86_detour *detour, unsigned reg, unsigned second, unsigned size) {
    int32_t epoch = e->config->layout.epoch;
    if (size < VECTOR) {
        int wide = size >= 8;
        op_memory(e, 0x8b, reg, reg, wide, 0);
        x86_emit_fs(e, 0x3b, reg, epoch, wide);
        jump_to_detour(e, detour);
        return;
    }
    x86_emit_fs(e, 0x8b, second, epoch, 1);
    for (unsigned at = 0; at + 8 <= size; at += 8) {
        op_memory(e, 0x39, second, reg, 1, at);
        jump_to_detour(e, detour);
    }
}

struct scratch {
    unsigned reg, second;
    int spill, spill_second;
};

/* Registers for a check at `at`; with the flags live, rax is taken. */
static struct scratch choose(const struct x86_insn *at, uint16_t regs, int flags, int vector) {
    uint16_t never = (uint16_t)(regs | X86_BIT(X86_RSP) | (flags ? X86_BIT(X86_RAX) : 0));
    struct scratch s = {.second = X86_NOREG};
    s.reg = pick((uint16_t) ~(at->live | never));
    if (s.reg == X86_NOREG) {
        s.spill = 1;
        s.reg = pick((uint16_t)~never);
    }
    if (!vector) return s;
    never |= X86_BIT(s.reg);
    s.second = pick((uint16_t) ~(at->live | never));
    if (s.second == X86_NOREG) {
        s.spill_second = 1;
        s.second = pick((uint16_t)~never);
    }
    return s;
}

static void emit_check(struct x86_emitter *e, const struct x86_run *r, const struct x86_insn *x,
        const struct x86_planned *p, const struct x86_insn *at) {
    uint16_t regs = x86_insn_address_regs(x);
    int flags = at->flags_live != 0, vector = x->size >= VECTOR;
    int keep_rax = flags && ((at->live | regs) & X86_BIT(X86_RAX)) != 0;
    struct scratch s = choose(at, regs, flags, vector);
    struct x86_detour detour = {.insn = *x, .site = new_site(e, x, p->covers), .rax_saved = (uint8_t)keep_rax};
    if (r->placement == X86_TAIL) detour.site |= X86_SITE_PUSHED;
    e->stats->checks++;
    e->stats->spilled += (uint64_t)s.spill + (uint64_t)s.spill_second;
    e->stats->flags_saved += (uint64_t)flags;
    if (s.spill) x86_emit_slot(e, 0, s.reg, X86_SLOT_REG);
    if (s.spill_second) x86_emit_slot(e, 0, s.second, X86_SLOT_TEMP);
    x86_emit_lea(e, s.reg, x, 0, 1);
    if (flags) save_flags(e, keep_rax);
    to_cell(e, s.reg, x, p->access & 2);
    compare(e, &detour, s.reg, s.second, x->size);
    detour.back = e->at;
    if (flags) restore_flags(e, keep_rax);
    if (s.spill) x86_emit_slot(e, 1, s.reg, X86_SLOT_REG);
    if (s.spill_second) x86_emit_slot(e, 1, s.second, X86_SLOT_TEMP);
    X86_VEC_PUSH(&e->detours, struct x86_detour, detour);
}

void x86_checks_emit(struct x86_emitter *e, const struct x86_run *r, uint32_t at) {
    const struct x86_insn *x = x86_code_insns(e->code) + r->first;
    const struct x86_planned *p = plan_of(e);
    for (uint32_t k = at; k < r->count && k <= at + REACH; k++)
        if (p[k].at == (int32_t)at) emit_check(e, r, &x[k], &p[k], &x[at]);
}

static int is_prefetch(const struct x86_emitter *e, const struct x86_insn *x) {
    const uint8_t *b = e->code->image->text + x->off;
    while (*b == 0x66 || *b == 0x2e || *b == 0x3e || (*b & 0xf0) == 0x40)
        b++;
    return x->cls == X86_NONE && b[0] == 0x0f && ((b[1] == 0x18 && (b[2] >> 3 & 7) < 4) || b[1] == 0x0d) && b[2] < 0xc0;
}

static void put_prefetch(struct x86_emitter *e, unsigned reg) { /* prefetcht0 [reg] */
    op_memory(e, 0x0f, 1, reg, 0, 0);
    uint32_t n = (reg & 7) == 4 ? 2 : (reg & 7) == 5 ? 2 : 1; /* behind the opcode: modrm, and a SIB or displacement */
    memmove(e->out + e->at - n + 1, e->out + e->at - n, n);
    e->out[e->at - n] = 0x18;
    e->at++;
}

void x86_prefetch_emit(struct x86_emitter *e, const struct x86_insn *x) {
    uint16_t regs = x86_insn_address_regs(x);
    if (!regs || x->base == X86_RSP || x->flags_live || !is_prefetch(e, x)) return;
    struct scratch s = choose(x, regs, 0, 0);
    if (s.spill) x86_emit_slot(e, 0, s.reg, X86_SLOT_REG);
    for (int write = 0; write < 2; write++) {
        x86_emit_lea(e, s.reg, x, 0, 0);
        to_cell(e, s.reg, x, write);
        put_prefetch(e, s.reg);
    }
    if (s.spill) x86_emit_slot(e, 1, s.reg, X86_SLOT_REG);
}

/*
 * A call of a hook: rsp goes below the red zone, then rdi, the argument in rdi, the site number. The thunk gives rdi
 * back and takes both words off. 136: what has been pushed when the operand's address is formed.
 */
static void call_hook(
        struct x86_emitter *e, enum x86_thunk thunk, uint32_t site, const struct x86_insn *operand, int slot) {
    static const uint8_t down[] = {0x48, 0x8d, 0x64, 0x24, 0x80, 0x57};           /* lea rsp, [rsp-128]; push rdi */
    static const uint8_t up[] = {0x48, 0x8d, 0xa4, 0x24, 0x80, 0x00, 0x00, 0x00}; /* lea rsp, [rsp+128] */
    x86_put_bytes(e, down, sizeof down);
    if (operand) x86_emit_lea(e, X86_RDI, operand, 136, 0);
    if (operand && thunk == X86_TO_BEFORE) x86_emit_slot(e, 0, X86_RDI, X86_SLOT_ATOMIC);
    if (slot >= 0) x86_emit_slot(e, 1, X86_RDI, (unsigned)slot);
    x86_put8(e, 0x68);
    x86_put32(e, site);
    x86_put8(e, 0xe8);
    x86_put_local(e, (uint32_t)thunk * X86_HEADER_STEP);
    x86_put_bytes(e, up, sizeof up);
}

static void bracketed(struct x86_emitter *e, const struct x86_insn *x, uint32_t site) {
    call_hook(e, X86_TO_BEFORE, site, x, -1);
    x86_emit_copy(e, x);
    call_hook(e, X86_TO_AFTER, site, NULL, X86_SLOT_ATOMIC);
}

/* An atomic of a variable that only this thread has used costs a compare; else the detour runs the instruction between
 * the hooks. */
static void emit_atomic(struct x86_emitter *e, const struct x86_insn *x, uint32_t site) {
    uint16_t regs = x86_insn_address_regs(x);
    e->stats->atomics++;
    if (x->flags_live || (regs & X86_BIT(X86_RSP))) {
        bracketed(e, x, site);
        return;
    }
    struct scratch s = choose(x, regs, 0, 0);
    struct x86_detour detour = {.insn = *x, .site = site, .restore = (uint8_t)(s.spill ? s.reg : X86_NOREG)};
    if (s.spill) x86_emit_slot(e, 0, s.reg, X86_SLOT_REG);
    x86_emit_lea(e, s.reg, x, 0, 1);
    to_cell(e, s.reg, x, 1);
    op_memory(e, 0x8b, s.reg, s.reg, 0, 0);
    x86_emit_fs(e, 0x3b, s.reg, e->config->layout.bias, 0);
    jump_to_detour(e, &detour);
    if (s.spill) x86_emit_slot(e, 1, s.reg, X86_SLOT_REG);
    x86_emit_copy(e, x);
    detour.back = e->at;
    X86_VEC_PUSH(&e->detours, struct x86_detour, detour);
}

static void emit_string(struct x86_emitter *e, const struct x86_insn *x, uint32_t site) {
    e->stats->strings++;
    if (!(x->traits & X86_T_COMPARE)) {
        call_hook(e, X86_TO_STRING, site, NULL, -1);
        x86_emit_copy(e, x);
        return;
    }
    /* How far a comparison goes is known only afterwards. */
    x86_emit_slot(e, 0, X86_RCX, X86_SLOT_ATOMIC);
    x86_emit_copy(e, x);
    call_hook(e, X86_TO_COMPARED, site, NULL, X86_SLOT_ATOMIC);
}

int x86_special_emit(struct x86_emitter *e, const struct x86_run *r, const struct x86_insn *x) {
    if (!is_special(x) || e->config->mode != X86_CHECKS) return 0;
    uint32_t site = new_site(e, x, 0) | (r->placement == X86_TAIL ? X86_SITE_PUSHED : 0);
    if (x->cls == X86_LOCKED) emit_atomic(e, x, site);
    if (x->cls == X86_STRING) emit_string(e, x, site);
    if (x->cls == X86_FENCED) {
        e->stats->fences++;
        x86_emit_copy(e, x);
        call_hook(e, X86_TO_FENCE, site, NULL, -1);
    }
    return 1;
}

/* What the quick hook is told of the access, above the site number. */
static uint32_t quick_of(const struct x86_insn *x) {
    if (!x->size || (x->size & (x->size - 1))) return (uint32_t)X86_NOT_QUICK << X86_SITE_BITS;
    unsigned access = (unsigned)__builtin_ctz(x->size);
    if (x->access & 2) access |= X86_QUICK_WRITE;
    if (x->traits & (X86_T_MOV | X86_T_EXTEND) && x->access == 1 && !x->update) access |= X86_QUICK_LOAD;
    return (uint32_t)access << X86_SITE_BITS;
}

/* As call_hook, in fewer bytes: here the flags are free. */
static void slow_detour(struct x86_emitter *e, const struct x86_detour *s) {
    static const uint8_t down[] = {0x48, 0x83, 0xc4, 0x80, 0x57}; /* add rsp, -128; push rdi */
    static const uint8_t up[] = {0x48, 0x83, 0xec, 0x80};         /* sub rsp, -128 */
    int reload = s->rax_saved && (x86_insn_address_regs(&s->insn) & X86_BIT(X86_RAX));
    x86_put_bytes(e, down, sizeof down);
    if (reload) {
        x86_emit_slot(e, 0, X86_RAX, X86_SLOT_ATOMIC);
        x86_emit_slot(e, 1, X86_RAX, X86_SLOT_RAX);
    }
    x86_emit_lea(e, X86_RDI, &s->insn, 136, 0);
    if (reload) x86_emit_slot(e, 1, X86_RAX, X86_SLOT_ATOMIC);
    x86_put8(e, 0x68);
    x86_put32(e, s->site | quick_of(&s->insn));
    x86_put8(e, 0xe8);
    x86_put_local(e, X86_TO_SLOW * X86_HEADER_STEP);
    x86_put_bytes(e, up, sizeof up);
}

void x86_detours_emit(struct x86_emitter *e) {
    for (size_t i = 0; i < X86_VEC_COUNT(&e->detours, struct x86_detour); i++) {
        const struct x86_detour *s = &X86_VEC_AT(&e->detours, struct x86_detour, i);
        x86_pcmap_add(&e->outlines, e->at, s->insn.off);
        for (unsigned k = 0; k < s->nfrom; k++)
            x86_set_local(e, s->from[k], e->at);
        if (s->insn.cls == X86_LOCKED) {
            if (s->restore != X86_NOREG) x86_emit_slot(e, 1, s->restore, X86_SLOT_REG);
            bracketed(e, &s->insn, s->site);
        } else {
            slow_detour(e, s);
        }
        x86_put8(e, 0xe9);
        x86_put_local(e, s->back);
    }
    e->detours.used = 0;
}
