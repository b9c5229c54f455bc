/*
 * Leaders: the instructions that control may reach other than from the one before. Sources: function starts, direct
 * targets (of code without unwind tables too), return points, landing pads, addresses of code taken by lea or as an
 * immediate, words of data and relocations that point into the code, symbols, and jump tables.
 *
 * A table of 32-bit offsets is any read-only place whose address a function forms: its words are taken as entries while
 * base + word is an instruction. Reading too far only adds leaders. A jump through such a table in a function where
 * none was found leaves the function alone, and so does a block that nothing seems to reach in a function with indirect
 * jumps.
 */
#define _GNU_SOURCE
#include "code.h"

#include <string.h>
#include <sys/mman.h>

enum { TABLE_MAX = 8192, LOOK_BACK = 32, EXTENT = 128, ROUNDS = 16 };

static const char *const creators[] = {
        "pthread_create", "thrd_create", "_ZNSt6thread15_M_start_thread*", "GOMP_parallel*", "__kmpc_fork_call"};

struct reference {
    uint64_t to; /* address */
    uint32_t function;
    uint32_t code; /* 1: of code in the function, else of read-only data */
};

struct edge { /* a direct call, or a jump to another function */
    uint32_t to;
    uint32_t from; /* function */
};

struct scan {
    struct x86_vec targets; /* struct edge */
    struct x86_vec taken;   /* uint32_t: offsets whose address is taken */
    struct x86_vec tables;  /* struct reference, in order of function */
    struct x86_vec odd;     /* uint32_t: functions that return something in the flags */
};

/* Marks a leader; an offset in the middle of an instruction makes its function doubtful. */
static void lead(struct x86_code *code, uint32_t off, uint8_t how) {
    if (off >= code->image->text_size) return;
    if (code->mark[off] & X86_LENGTH) {
        code->mark[off] |= how;
        return;
    }
    struct x86_function *f = x86_function_at(code, off);
    if (f && f->state == X86_GOOD) f->state = X86_BAD_TABLE;
}

/* An address that may or may not be meant as code: no doubt when it is not an instruction. */
static void lead_if_insn(struct x86_code *code, uint64_t addr) {
    if (!x86_image_in_text(code->image, addr)) return;
    uint32_t off = (uint32_t)(addr - code->image->text_addr);
    if (code->mark[off] & X86_LENGTH) code->mark[off] |= X86_LEAD;
}

int x86_code_decode(struct x86_code *code, const struct x86_function *f) {
    code->insns.used = 0;
    code->index.used = 0;
    uint32_t *index = x86_vec_grow(&code->index, (f->hi - f->lo) * sizeof *index);
    if (!index) return -1;
    memset(index, 0, (f->hi - f->lo) * sizeof *index);
    for (uint32_t off = f->lo; off < f->hi;) {
        struct x86_insn *x = x86_vec_grow(&code->insns, sizeof *x);
        if (!x || x86_decode(code->decoder, off, f->hi, x) != 0) return -1;
        index[off - f->lo] = x86_code_count(code);
        off += x->len;
    }
    return 0;
}

/* rbp is a frame pointer when every function prologue of the kind "push rbp; mov rbp, rsp" is the only thing that sets
 * it. */
static uint8_t has_frame(const struct x86_code *code) {
    const struct x86_insn *x = x86_code_insns(code);
    uint32_t n = x86_code_count(code);
    const uint8_t *text = code->image->text;
    uint8_t found = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!(x[i].writes & X86_BIT(X86_RBP)) || x86_insn_is_call(&x[i])) continue;
        const uint8_t *b = text + x[i].off;
        int sets = x[i].len == 3 && b[0] == 0x48 && ((b[1] == 0x89 && b[2] == 0xe5) || (b[1] == 0x8b && b[2] == 0xec));
        if (sets && i > 0 && text[x[i - 1].off] == 0x55) {
            found = 1;
        } else if (!(x[i].traits & X86_T_PUSH)) { /* pop rbp and leave give it back */
            return 0;
        }
    }
    return found;
}

/* Is x the formation of a stack address as a value: lea reg, [rsp + disp], or mov reg, rsp? */
static int forms_stack_address(const struct x86_code *code, const struct x86_insn *x, const struct x86_function *f) {
    const uint8_t *b = code->image->text + x->off;
    if (x->writes & (X86_BIT(X86_RSP) | X86_BIT(X86_RBP))) return 0;
    if (x->lea) return x->index == X86_NOREG && (x->base == X86_RSP || (x->base == X86_RBP && f->frame));
    return x->len == 3 && (b[0] & 0xfe) == 0x48 && b[1] == 0x89 && (b[2] & 0xf8) == 0xe0; /* mov reg, rsp */
}

/* Accesses to a variable whose address the function forms, as far as its extent can be guessed, are not private. */
static void share_stack(struct x86_code *code, const struct x86_function *f) {
    struct x86_insn *x = x86_code_insns(code);
    uint32_t n = x86_code_count(code);
    for (uint32_t i = 0; i < n; i++) {
        if (!forms_stack_address(code, &x[i], f)) continue;
        int32_t from = x[i].lea ? x[i].disp : 0;
        uint8_t base = x[i].lea ? x[i].base : X86_RSP;
        for (uint32_t k = 0; k < n; k++)
            if (x[k].cls == X86_STACK && x[k].base == base && x[k].disp >= from && x[k].disp - from < EXTENT)
                x[k].cls = X86_HEAP;
    }
}

void x86_code_settle(struct x86_code *code, const struct x86_function *f) {
    struct x86_insn *x = x86_code_insns(code);
    for (uint32_t i = 0; f->frame && i < x86_code_count(code); i++)
        if (x[i].base == X86_RBP && x[i].cls == X86_HEAP) x[i].cls = X86_STACK;
    if (f->shares) share_stack(code, f);
}

/* The address that a "lea" or, at fixed addresses, an immediate forms; 0 none. */
static uint64_t formed_address(const struct x86_code *code, const struct x86_insn *x) {
    if (x->lea && x->base == X86_RIP) return x86_insn_rip_target(code->image, x);
    if (code->image->movable || x->imm_size != 4 || x->kind != X86_NORMAL) return 0;
    uint32_t v;
    memcpy(&v, code->image->text + x->off + x->imm_at, 4);
    return v;
}

static void note_address(
        struct x86_code *code, struct scan *s, const struct x86_insn *x, uint32_t fi, const struct x86_function *f) {
    struct x86_image *image = code->image;
    uint64_t to = formed_address(code, x);
    if (!to) return;
    if (x86_image_in_text(image, to)) {
        uint32_t off = (uint32_t)(to - image->text_addr);
        X86_VEC_PUSH(&s->taken, uint32_t, off);
        if (off > f->lo && off < f->hi) X86_VEC_PUSH(&s->tables, struct reference, (struct reference){to, fi, 1});
    } else if (!(to & 3) && !x86_image_writable(image, to)) {
        const Elf64_Shdr *section = x86_image_section_at(image, to);
        if (section && section->sh_type == SHT_PROGBITS)
            X86_VEC_PUSH(&s->tables, struct reference, (struct reference){to, fi, 0});
    }
}

/* Looks back from an indirect jump for the load of a 32-bit table entry that feeds it. */
static int through_offsets(const struct x86_code *code, uint32_t at) {
    const struct x86_insn *x = x86_code_insns(code);
    for (uint32_t back = 1; back <= LOOK_BACK && back <= at; back++) {
        const struct x86_insn *y = &x[at - back];
        const uint8_t *b = code->image->text + y->off;
        if (y->len >= 3 && (b[0] & 0xf8) == 0x48 && b[1] == 0x63 && y->index < 16 && y->scale == 4) return 1;
        if (x86_insn_is_call(y)) return 0;
    }
    return 0;
}

static void note_flow(struct x86_code *code, struct scan *s, uint32_t fi, uint32_t i) {
    struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, fi);
    const struct x86_insn *x = &x86_code_insns(code)[i];
    uint8_t *mark = code->mark;
    if (x->kind == X86_ODD) f->state = X86_BAD_ODD;
    if (x86_imports_called(code, &code->creators, x)) f->shares = 1;
    if (x86_insn_is_call(x) && i + 1 < x86_code_count(code)) mark[x->off + x->len] |= X86_LEAD_RETURN;
    if (x->kind == X86_LOOP && i + 1 < x86_code_count(code)) mark[x->off + x->len] |= X86_LEAD;
    if (x->kind == X86_IJMP && x->base != X86_RIP) {
        f->register_jump = 1;
        if (through_offsets(code, i)) f->table_jump = 1;
    }
    if (x->target < 0) return;
    uint32_t to = (uint32_t)x->target;
    if (to < f->lo || to >= f->hi || x->kind == X86_CALL) {
        X86_VEC_PUSH(&s->targets, struct edge, (struct edge){to, fi});
    } else {
        lead(code, to, x->kind == X86_LOOP ? X86_LEAD : X86_LEAD_JUMP);
    }
}

/* Does straight-line code look at the flags before it sets them? */
static int reads_flags(const struct x86_insn *x, const struct x86_insn *end) {
    for (uint8_t unset = X86_ALL_FLAGS; x < end && unset; x++) {
        if (x->flags_read & unset) return 1;
        if (x86_insn_ends_run(x)) return 0;
        unset = (uint8_t)(unset & ~x->flags_killed);
    }
    return 0;
}

static void scan_function(struct x86_code *code, struct scan *s, uint32_t fi) {
    struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, fi);
    if (x86_code_decode(code, f) != 0) {
        f->state = X86_BAD_DECODE;
        return;
    }
    f->frame = has_frame(code);
    x86_code_settle(code, f);
    const struct x86_insn *x = x86_code_insns(code);
    uint32_t n = x86_code_count(code);
    for (uint32_t i = 0; i < n; i++)
        code->mark[x[i].off] |= x[i].len;
    for (uint32_t i = 0; i < n; i++) {
        note_flow(code, s, fi, i);
        note_address(code, s, &x[i], fi, f);
        f->wanted += (uint32_t)x86_insn_wanted(&x[i]);
        if (x[i].kind == X86_CALL && x[i].target >= 0 && i + 1 < n && reads_flags(&x[i + 1], x + n))
            X86_VEC_PUSH(&s->odd, uint32_t, (uint32_t)x[i].target);
    }
    code->mark[f->lo] |= X86_LEAD;
}

/* Counts again what the function's accesses to shared memory are, now that its stack is. */
static void mark_shares(struct x86_code *code, struct x86_function *f) {
    f->shares = 1;
    for (uint32_t off = f->lo; off < f->hi; off++)
        if (code->mark[off] & X86_LEAD) code->mark[off] |= X86_CREATES;
    if (f->state != X86_GOOD || x86_code_decode(code, f) != 0) return;
    x86_code_settle(code, f);
    f->wanted = 0;
    for (uint32_t i = 0; i < x86_code_count(code); i++)
        f->wanted += (uint32_t)x86_insn_wanted(&x86_code_insns(code)[i]);
}

/*
 * A function that creates a thread, or calls one that does, may hand it the address of a variable on its stack.
 * Elsewhere the stack counts as private, since watching all of it would cost more than it finds.
 */
static void find_sharing(struct x86_code *code, const struct scan *s) {
    size_t n = X86_VEC_COUNT(&code->functions, struct x86_function), edges = X86_VEC_COUNT(&s->targets, struct edge);
    int changed = 0;
    for (size_t i = 0; i < n; i++) {
        struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, i);
        if (f->shares) mark_shares(code, f), changed = 1;
    }
    for (int round = 0; changed && round < ROUNDS; round++) {
        changed = 0;
        for (size_t i = 0; i < edges; i++) {
            struct edge e = X86_VEC_AT(&s->targets, struct edge, i);
            struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, e.from);
            if (!(code->mark[e.to] & X86_CREATES) || f->shares) continue;
            mark_shares(code, f);
            changed = 1;
        }
    }
}

/* Code that no unwind information covers is not instrumented, but may jump into code that is. */
static void scan_gap(struct x86_code *code, struct scan *s, uint32_t lo, uint32_t hi) {
    while (lo < hi) {
        struct x86_insn x;
        if (x86_decode(code->decoder, lo, hi, &x) != 0) {
            lo++;
            continue;
        }
        if (x.target >= 0) X86_VEC_PUSH(&s->taken, uint32_t, (uint32_t)x.target);
        uint64_t to = formed_address(code, &x);
        if (x86_image_in_text(code->image, to))
            X86_VEC_PUSH(&s->taken, uint32_t, (uint32_t)(to - code->image->text_addr));
        lo += x.len;
    }
}

static void scan_code(struct x86_code *code, struct scan *s) {
    uint32_t n = (uint32_t)X86_VEC_COUNT(&code->functions, struct x86_function), end = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, i);
        if (f->lo > end) scan_gap(code, s, end, f->lo);
        end = f->hi;
        scan_function(code, s, i);
    }
    if (end < code->image->text_size) scan_gap(code, s, end, code->image->text_size);
}

/* Restartable sequences: the kernel knows them by their addresses, so that a copy would not be restarted. */
static int is_rseq(const struct x86_image *image, uint64_t addr) {
    const Elf64_Shdr *section = x86_image_section(image, "__rseq_cs");
    return section && addr - section->sh_addr < section->sh_size;
}

static void leave_alone(struct x86_code *code, uint64_t addr) {
    if (!x86_image_in_text(code->image, addr)) return;
    struct x86_function *f = x86_function_at(code, (uint32_t)(addr - code->image->text_addr));
    if (f && f->state == X86_GOOD) f->state = X86_BAD_ODD;
}

static void scan_relocations(struct x86_code *code, const Elf64_Shdr *section, const uint8_t *contents) {
    const Elf64_Rela *r = (const void *)contents;
    int rseq = x86_image_section(code->image, "__rseq_cs") != NULL;
    for (size_t i = 0; i < section->sh_size / sizeof *r; i++) {
        uint64_t type = ELF64_R_TYPE(r[i].r_info);
        if (type != R_X86_64_RELATIVE && type != R_X86_64_IRELATIVE) continue;
        lead_if_insn(code, (uint64_t)r[i].r_addend);
        if (rseq && is_rseq(code->image, r[i].r_offset)) leave_alone(code, (uint64_t)r[i].r_addend);
    }
}

static void scan_symbols(struct x86_code *code, const Elf64_Shdr *section, const uint8_t *contents) {
    const Elf64_Sym *sym = (const void *)contents;
    for (size_t i = 0; i < section->sh_size / sizeof *sym; i++) {
        unsigned type = ELF64_ST_TYPE(sym[i].st_info);
        if (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) lead_if_insn(code, sym[i].st_value);
    }
}

/* Words of data. In a movable module only writable data can hold an address (before relocation: its addend). */
static void scan_words(struct x86_code *code, const Elf64_Shdr *section, const uint8_t *contents) {
    if (code->image->movable && !(section->sh_flags & SHF_WRITE)) return;
    int rseq = is_rseq(code->image, section->sh_addr);
    for (size_t i = 0; i + 8 <= section->sh_size; i += 8) {
        uint64_t word;
        memcpy(&word, contents + i, 8);
        lead_if_insn(code, word);
        if (rseq) leave_alone(code, word);
    }
}

static void scan_data(struct x86_code *code) {
    for (unsigned i = 0; i < code->image->nsections; i++) {
        const Elf64_Shdr *section = &code->image->section[i];
        const uint8_t *contents = x86_image_contents(code->image, section);
        if (!contents) continue;
        if (section->sh_type == SHT_RELA) scan_relocations(code, section, contents);
        if (section->sh_type == SHT_DYNSYM || section->sh_type == SHT_SYMTAB) scan_symbols(code, section, contents);
        int data = section->sh_type == SHT_PROGBITS || section->sh_type == SHT_INIT_ARRAY ||
                   section->sh_type == SHT_FINI_ARRAY;
        if (data && (section->sh_flags & SHF_ALLOC) && !(section->sh_flags & SHF_EXECINSTR))
            scan_words(code, section, contents);
    }
    lead_if_insn(code, code->image->header->e_entry);
}

/* Reads offsets at `table` relative to base while they lead to instructions of f or of other functions. */
static uint32_t read_table(struct x86_code *code, uint64_t table, uint64_t base) {
    uint32_t entries = 0;
    for (; entries < TABLE_MAX; entries++, table += 4) {
        const uint8_t *p = x86_image_bytes(code->image, table, 4);
        if (!p) break;
        int32_t offset;
        memcpy(&offset, p, 4);
        uint64_t to = base + (uint64_t)(int64_t)offset;
        if (!x86_image_in_text(code->image, to)) break;
        uint32_t off = (uint32_t)(to - code->image->text_addr);
        if (!(code->mark[off] & X86_LENGTH)) break;
        code->mark[off] |= X86_LEAD;
    }
    return entries;
}

/*
 * Tables relative to themselves (gcc and clang switches), and, where a function forms the address of code of its own,
 * relative to that (label differences of computed goto).
 */
static void scan_tables(struct x86_code *code, const struct scan *s) {
    const struct reference *r = (const void *)s->tables.data;
    size_t n = X86_VEC_COUNT(&s->tables, struct reference);
    for (size_t i = 0; i < n; i++) {
        struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, r[i].function);
        if (r[i].code || f->state == X86_BAD_DECODE) continue;
        if (read_table(code, r[i].to, r[i].to)) f->tables = 1;
        for (size_t k = i; k < n && r[k].function == r[i].function; k++)
            if (r[k].code && read_table(code, r[i].to, r[k].to)) f->tables = 1;
        for (size_t k = i; k-- > 0 && r[k].function == r[i].function;)
            if (r[k].code && read_table(code, r[i].to, r[k].to)) f->tables = 1;
    }
}

/* A block after an unconditional jump that nothing leads to: in a function with indirect jumps, a sign of a table that
 * was missed. */
static int has_orphan(struct x86_code *code, const struct x86_function *f) {
    int dead = 0;
    for (uint32_t off = f->lo; off < f->hi;) {
        struct x86_insn x;
        if (x86_decode(code->decoder, off, f->hi, &x) != 0) return 1;
        if (code->mark[off] & X86_LEAD_ANY) dead = 0;
        if (dead && x.kind != X86_NOP && x.kind != X86_TRAP) return 1;
        if (x86_insn_leaves(&x)) dead = 1;
        off += x.len;
    }
    return 0;
}

static void judge(struct x86_code *code) {
    size_t n = X86_VEC_COUNT(&code->functions, struct x86_function);
    for (size_t i = 0; i < n; i++) {
        struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, i);
        if (f->state != X86_GOOD) continue;
        if (f->table_jump && !f->tables) f->state = X86_BAD_TABLE;
        if (f->register_jump && has_orphan(code, f)) f->state = X86_BAD_TABLE;
    }
}

static void visit_pad(struct x86_code *code, uint32_t off) {
    lead(code, off, X86_LEAD);
}

int x86_leaders_find(struct x86_code *code) {
    struct scan s = {0};
    code->mark = mmap(NULL, code->image->text_size + 64u, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code->mark == MAP_FAILED) return -1;
    x86_imports_find(code, &code->creators, creators, sizeof creators / sizeof *creators);
    scan_code(code, &s);
    for (size_t i = 0; i < X86_VEC_COUNT(&s.targets, struct edge); i++)
        lead(code, X86_VEC_AT(&s.targets, struct edge, i).to, X86_LEAD);
    find_sharing(code, &s);
    for (size_t i = 0; i < X86_VEC_COUNT(&s.taken, uint32_t); i++)
        lead_if_insn(code, code->image->text_addr + X86_VEC_AT(&s.taken, uint32_t, i));
    for (size_t i = 0; i < X86_VEC_COUNT(&s.odd, uint32_t); i++) {
        struct x86_function *f = x86_function_at(code, X86_VEC_AT(&s.odd, uint32_t, i));
        if (f && f->state == X86_GOOD) f->state = X86_BAD_ODD;
    }
    scan_data(code);
    scan_tables(code, &s);
    for (size_t i = 0; i < X86_VEC_COUNT(&code->functions, struct x86_function); i++) {
        struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, i);
        if (f->state == X86_GOOD) x86_functions_pads(code, f, visit_pad);
    }
    judge(code);
    int failed = s.targets.failed || s.taken.failed || s.tables.failed || s.odd.failed || code->insns.failed ||
                 code->index.failed;
    x86_vec_free(&s.targets);
    x86_vec_free(&s.taken);
    x86_vec_free(&s.tables);
    x86_vec_free(&s.odd);
    return failed ? -1 : 0;
}
