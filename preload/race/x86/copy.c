/*
 * The copies of runs. Within a function they follow one another as the originals do, its detours behind them. Branches
 * lead from copy to copy; calls, and loops with 8-bit reach, are done at their original place.
 */
#define _GNU_SOURCE
#include "emit.h"
#include "live.h"

/* More than any instruction with its checks takes (a 64-byte vector access: 8 compares), and the detour with it. */
enum { MOST_PER_INSN = 400 };

static uint64_t address_of(const struct x86_emitter *e, uint32_t off) {
    return e->code->image->text_addr + off;
}

/* A displacement that leads to the copy of an instruction once that is known. */
static void put_branch(struct x86_emitter *e, const struct x86_insn *x) {
    if (x->target >= 0) {
        X86_VEC_PUSH(&e->fixes, struct x86_fix, (struct x86_fix){e->at, (uint32_t)x->target});
        x86_put32(e, 0);
    } else {
        x86_put_rel(e, address_of(e, x->off) + x->len + (uint64_t)(int64_t)x->rel, 0);
    }
}

static void put_jump_to_original(struct x86_emitter *e, uint32_t off) {
    x86_put8(e, 0xe9);
    x86_put_rel(e, address_of(e, off), 0);
}

/* The condition of a short or near conditional jump, behind any branch hint or bnd prefix. */
static unsigned condition(const uint8_t *b) {
    while (*b == 0x2e || *b == 0x3e || *b == 0xf2)
        b++;
    return (*b == 0x0f ? b[1] : b[0]) & 15u;
}

/* call becomes jmp: the return address is on the stack already. */
static void put_tail_call(struct x86_emitter *e, const struct x86_insn *x) {
    if (x->kind == X86_CALL) {
        x86_put8(e, 0xe9);
        put_branch(e, x);
        return;
    }
    uint32_t start = e->at;
    x86_emit_copy(e, x);
    uint8_t *b = e->out + start;
    while (*b != 0xff) /* prefixes */
        b++;
    b[1] = (uint8_t)((b[1] & ~0x38) | 0x20); /* ff /2 call, ff /4 jmp */
}

static void copy_insn(struct x86_emitter *e, const struct x86_run *r, const struct x86_insn *x) {
    if (x86_special_emit(e, r, x)) return;
    switch (x->kind) {
    case X86_NOP:
        break;
    case X86_JCC:
        x86_put8(e, 0x0f);
        x86_put8(e, 0x80 | condition(e->code->image->text + x->off));
        put_branch(e, x);
        break;
    case X86_JMP:
        x86_put8(e, 0xe9);
        put_branch(e, x);
        break;
    case X86_LOOP:
        put_jump_to_original(e, x->off);
        break;
    case X86_CALL:
    case X86_ICALL:
        if (r->placement == X86_TAIL) {
            put_tail_call(e, x);
        } else {
            put_jump_to_original(e, x->off);
        }
        break;
    default:
        x86_emit_copy(e, x);
        break;
    }
}

static void count_left(struct x86_emitter *e, const struct x86_insn *x) {
    if (x->cls == X86_VECTOR) e->stats->left[X86_LEFT_VECTOR]++;
    if (x->cls == X86_STATE) e->stats->left[X86_LEFT_STATE]++;
}

static void copy_run(struct x86_emitter *e, struct x86_run *r, int next_follows) {
    const struct x86_insn *x = x86_code_insns(e->code) + r->first;
    int checks = r->wanted && e->config->mode == X86_CHECKS;
    if (checks) {
        x86_updates_find(x86_code_insns(e->code) + r->first, r->count);
        x86_checks_plan(e, r);
    }
    if (e->plan.failed) return;
    r->copy = e->at;
    for (uint32_t i = 0; i < r->count; i++) {
        x86_pcmap_add(&e->copies, e->at, x[i].off);
        if (checks) x86_checks_emit(e, r, i);
        copy_insn(e, r, &x[i]);
        if (checks) x86_prefetch_emit(e, &x[i]);
        count_left(e, &x[i]);
    }
    const struct x86_insn *last = &x[r->count - 1];
    if (x86_insn_ends_run(last) || next_follows) return;
    x86_put8(e, 0xe9);
    X86_VEC_PUSH(&e->fixes, struct x86_fix, (struct x86_fix){e->at, last->off + last->len});
    x86_put32(e, 0);
}

/* A call that stays may as well lead straight to the copy of what it calls. */
static void retarget_call(struct x86_emitter *e, const struct x86_insn *call) {
    if (call->kind != X86_CALL || call->target < 0 || call->len != 5 || !(e->code->mark[call->target] & X86_LENGTH))
        return;
    X86_VEC_PUSH(&e->patches, struct x86_patch,
            (struct x86_patch){.off = call->off, .to = (uint32_t)call->target, .opcode = 0xe8, .dead = 0xffff});
}

static void note_patch(struct x86_emitter *e, const struct x86_run *r) {
    const struct x86_insn *last = x86_code_insns(e->code) + r->first + r->count - 1;
    if (r->wanted && r->placement != X86_CHAIN) {
        uint32_t after = r->patch + X86_JUMP_BYTES;
        uint32_t dead = r->end > after ? r->end - after : 0;
        struct x86_patch p = {
                .off = r->patch, .to = r->copy, .opcode = 0xe9, .dead = (uint16_t)(dead < 0xfff0 ? dead : 0xfff0)};
        if (r->placement == X86_TAIL) {
            p.opcode = 0xe8;
            p.nops = (uint8_t)(r->patch - r->off);
            p.dead = 0;
            /* An endbr64 in front stays. */
            const uint8_t *b = e->code->image->text + r->off;
            if (p.nops >= 4 && b[0] == 0xf3 && b[1] == 0x0f && b[2] == 0x1e && b[3] == 0xfa)
                p.nops = (uint8_t)(p.nops - 4);
        }
        X86_VEC_PUSH(&e->patches, struct x86_patch, p);
        e->stats->runs_patched++;
    } else if (r->wanted && (e->code->mark[r->off] & (X86_LEAD | X86_LEAD_RETURN))) {
        e->stats->left[X86_LEFT_SHORT] += r->wanted;
    }
    if (r->placement != X86_TAIL) retarget_call(e, last);
    if (r->placement == X86_TAIL) return;
    x86_code_insns(e->code)[r->first].copy = r->copy;
    X86_VEC_PUSH(&e->entries, struct x86_entry, (struct x86_entry){r->off, r->copy});
}

/* Branches within the function go to copies that are known now; the others wait for all functions. */
static void fix_branches(struct x86_emitter *e, const struct x86_function *f) {
    for (size_t i = 0; i < X86_VEC_COUNT(&e->fixes, struct x86_fix); i++) {
        struct x86_fix fix = X86_VEC_AT(&e->fixes, struct x86_fix, i);
        const struct x86_insn *to = x86_code_insn(e->code, f, fix.target);
        if (to && to->copy) {
            x86_set_local(e, fix.at, to->copy);
        } else {
            X86_VEC_PUSH(&e->far, struct x86_fix, fix);
        }
    }
    e->fixes.used = 0;
}

static int copy_function(struct x86_emitter *e, const struct x86_function *f) {
    if (x86_code_decode(e->code, f) != 0) return -1;
    x86_code_settle(e->code, f);
    if (e->config->mode == X86_CHECKS) x86_live_compute(e->code, f);
    if (x86_runs_split(e->code, f, &e->runs) != 0) return -1;
    x86_spin_find(e->code, f);
    size_t n = X86_VEC_COUNT(&e->runs, struct x86_run);
    struct x86_run *r = (void *)e->runs.data;
    for (size_t i = 0; i < n; i++) {
        if (e->capacity - e->at < (r[i].count + 4) * MOST_PER_INSN) return -1;
        int follows = i + 1 < n && r[i].placement != X86_TAIL && r[i + 1].placement != X86_TAIL;
        copy_run(e, &r[i], follows);
        note_patch(e, &r[i]);
    }
    if (e->capacity - e->at < X86_VEC_COUNT(&e->detours, struct x86_detour) * MOST_PER_INSN) return -1;
    x86_detours_emit(e);
    fix_branches(e, f);
    e->stats->runs += n;
    return 0;
}

/* The copy that begins for an instruction, 0 none. */
static uint32_t entry_of(const struct x86_emitter *e, uint32_t off) {
    const struct x86_entry *t = (const void *)e->entries.data;
    size_t lo = 0, hi = X86_VEC_COUNT(&e->entries, struct x86_entry);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t[mid].off < off) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < X86_VEC_COUNT(&e->entries, struct x86_entry) && t[lo].off == off ? t[lo].copy : 0;
}

static void resolve(struct x86_emitter *e) {
    uint32_t end = e->at;
    for (size_t i = 0; i < X86_VEC_COUNT(&e->far, struct x86_fix); i++) {
        struct x86_fix fix = X86_VEC_AT(&e->far, struct x86_fix, i);
        uint32_t copy = entry_of(e, fix.target);
        if (copy) {
            x86_set_local(e, fix.at, copy);
        } else {
            e->at = fix.at;
            x86_put_rel(e, address_of(e, fix.target), 0);
        }
    }
    e->at = end;
    struct x86_patch *p = (void *)e->patches.data;
    size_t kept = 0;
    for (size_t i = 0; i < X86_VEC_COUNT(&e->patches, struct x86_patch); i++) {
        if (p[i].dead == 0xffff) { /* a call to lead to a copy, if there is one */
            p[i].to = entry_of(e, p[i].to);
            p[i].dead = 0;
            if (!p[i].to) continue;
        }
        p[kept++] = p[i];
    }
    e->patches.used = kept * sizeof *p;
}

int x86_copy_all(struct x86_emitter *e) {
    size_t n = X86_VEC_COUNT(&e->code->functions, struct x86_function);
    e->at = X86_HEADER_SIZE;
    x86_spin_prepare(e->code);
    for (size_t i = 0; i < n; i++) {
        const struct x86_function *f = &X86_VEC_AT(&e->code->functions, struct x86_function, i);
        e->stats->accesses += f->wanted;
        if (f->state != X86_GOOD || !f->wanted) continue;
        if (copy_function(e, f) != 0) return -1;
    }
    resolve(e);
    int failed = e->failed || e->relocs.failed || e->fixes.failed || e->far.failed || e->sites.failed ||
                 e->patches.failed || e->entries.failed || e->detours.failed || e->plan.failed || e->runs.failed ||
                 e->copies.points.failed || e->copies.bytes.failed || e->outlines.points.failed ||
                 e->outlines.bytes.failed;
    return failed ? -1 : 0;
}
