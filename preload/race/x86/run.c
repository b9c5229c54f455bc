/* Splitting a function into runs, and placing the jumps to their copies. */
#define _GNU_SOURCE
#include "run.h"

/* Does the call or loop at the end of a run stay where it is? */
static int last_stays(const struct x86_insn *last) {
    return x86_insn_is_call(last) || last->kind == X86_LOOP;
}

/* The first byte after an endbr64 that begins the run: indirect branches must find it there (CET). */
static uint32_t after_endbr(const struct x86_code *code, const struct x86_insn *x) {
    const uint8_t *b = code->image->text + x->off;
    int endbr = x->len == 4 && b[0] == 0xf3 && b[1] == 0x0f && b[2] == 0x1e && b[3] == 0xfa;
    return x->off + (endbr ? 4u : 0u);
}

/* A call pushes its return address before the copy runs: nothing in the run may look at the stack pointer. */
static int tail_fits(const struct x86_insn *x, uint32_t n) {
    for (uint32_t i = 0; i + 1 < n; i++)
        if ((x[i].traits & (X86_T_SP | X86_T_PUSH)) || x[i].kind == X86_JCC) return 0;
    return !(x[n - 1].traits & X86_T_SP);
}

/* May the bytes [from, to) be overwritten: padding that nothing reaches? */
static int is_padding(struct x86_code *code, uint32_t from, uint32_t to) {
    while (from < to) {
        struct x86_insn x;
        if (from >= code->image->text_size || (code->mark[from] & X86_LEAD_ANY)) return 0;
        if (x86_decode(code->decoder, from, code->image->text_size, &x) != 0) return 0;
        int filler = x.kind == X86_NOP || code->image->text[from] == 0xcc;
        if (!filler) return 0;
        for (uint32_t i = 1; i < x.len; i++)
            if (code->mark[from + i]) return 0;
        from += x.len;
    }
    return 1;
}

static void place(struct x86_code *code, struct x86_run *r) {
    const struct x86_insn *x = x86_code_insns(code) + r->first, *last = x + r->count - 1;
    r->end = last_stays(last) ? last->off : last->off + last->len;
    r->patch = after_endbr(code, x);
    if (r->end >= r->patch + X86_JUMP_BYTES) {
        r->placement = X86_HEAD;
        return;
    }
    uint32_t end = last->off + last->len;
    if (x86_insn_is_call(last)) {
        if (r->count > 1 && end >= r->patch + X86_JUMP_BYTES && tail_fits(x, r->count)) {
            r->placement = X86_TAIL;
            r->patch = end - X86_JUMP_BYTES;
            r->end = end;
        }
    } else if (x86_insn_leaves(last) && is_padding(code, end, r->patch + X86_JUMP_BYTES)) {
        r->placement = X86_PAD;
    }
}

int x86_runs_split(struct x86_code *code, const struct x86_function *f, struct x86_vec *runs) {
    const struct x86_insn *x = x86_code_insns(code);
    uint32_t n = x86_code_count(code);
    (void)f;
    runs->used = 0;
    for (uint32_t i = 0; i < n;) {
        struct x86_run r = {.first = i, .off = x[i].off};
        do {
            r.wanted += (uint32_t)x86_insn_wanted(&x[i]);
            i++;
        } while (!x86_insn_ends_run(&x[i - 1]) && i < n && !(code->mark[x[i].off] & X86_LEAD_ANY));
        r.count = i - r.first;
        place(code, &r);
        X86_VEC_PUSH(runs, struct x86_run, r);
    }
    return runs->failed ? -1 : 0;
}
