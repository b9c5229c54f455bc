#include "cfi.h"

#include "modules.h"

enum { REG_BP = 6, REG_SP = 7, REG_RA = 16, NESTED_STATES = 8 };

/* ---- rules, one word each ---- */

struct rule {
    uint8_t kind;    /* enum tw_cfi */
    bool from_bp;    /* the canonical frame address is rbp + cfa, else rsp + cfa */
    int32_t cfa;
    int32_t bp;      /* distance of the saved rbp from the canonical frame address; 0: rbp is unchanged */
};

enum { FIELD = 28 };
static const int32_t FIELD_MAX = (1 << (FIELD - 1)) - 1;

static uint64_t pack(struct rule r) {
    if (r.cfa > FIELD_MAX || r.cfa < -FIELD_MAX || r.bp > FIELD_MAX || r.bp < -FIELD_MAX) r = (struct rule){TW_CFI_OTHER, false, 0, 0};
    const uint64_t mask = (1u << FIELD) - 1;
    return (uint64_t)r.kind | (uint64_t)r.from_bp << 2 | ((uint64_t)(uint32_t)r.cfa & mask) << 4 | ((uint64_t)(uint32_t)r.bp & mask) << (4 + FIELD) | 1ull << 3;
}

static int32_t field(uint64_t word, unsigned shift) { return (int32_t)((uint32_t)(word >> shift) << (32 - FIELD)) >> (32 - FIELD); }

static struct rule unpack(uint64_t word) { return (struct rule){word & 3, word >> 2 & 1, field(word, 4), field(word, 4 + FIELD)}; }

/* Direct-mapped and shared without a lock: an entry is good when key and rule belong together (Hyatt's lockless hashing). */
enum { KEPT = 4096 };
static struct { uint64_t key, rule; } kept[KEPT];

static uint64_t *place(uintptr_t pc, uint64_t **rule) {
    uint32_t i = (uint32_t)(pc * 0x9e3779b97f4a7c15ull >> 52);
    *rule = &kept[i].rule;
    return &kept[i].key;
}

void tw_cfi_forget(void) { tw_sys_zero(kept, sizeof kept); }

/* ---- reading .eh_frame ---- */

struct cursor { const uint8_t *at, *end; };

static uint64_t take_uleb(struct cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0; c->at < c->end; shift += 7) {
        uint8_t b = *c->at++;
        if (shift < 64) value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) break;
    }
    return value;
}

static int64_t take_sleb(struct cursor *c) {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t b = 0;
    while (c->at < c->end) {
        b = *c->at++;
        if (shift < 64) value |= (uint64_t)(b & 0x7f) << shift;
        shift += 7;
        if (!(b & 0x80)) break;
    }
    if (shift < 64 && b & 0x40) value |= ~0ull << shift;
    return (int64_t)value;
}

static uint32_t take_fixed(struct cursor *c, unsigned bytes) {
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes && c->at < c->end; i++) value |= (uint32_t)*c->at++ << (8 * i);
    return value;
}

static int32_t word_at(const uint8_t *p) { return *(const int32_t *)(const void *)p; }

struct description {
    uintptr_t start, end;
    struct cursor cie, fde; /* their instructions */
    uint64_t code_align;
    int64_t data_align;
};

/* The table that ld writes: version 1, pc-relative frame pointer, udata4 count, table of sdata4 relative to its own start (encodings 0x1b, 0x03, 0x3b). */
static const uint8_t *search_table(const uint8_t *header, uintptr_t pc) {
    if (!header || header[0] != 1 || header[1] != 0x1b || header[2] != 0x03 || header[3] != 0x3b) return NULL;
    uint32_t n = (uint32_t)word_at(header + 8), lo = 0, hi = n;
    const uint8_t *table = header + 12;
    while (lo < hi) { /* the last entry that starts at or before pc */
        uint32_t mid = lo + (hi - lo) / 2;
        if ((uintptr_t)header + (uintptr_t)(int64_t)word_at(table + 8ull * mid) <= pc) lo = mid + 1;
        else hi = mid;
    }
    return lo == 0 ? NULL : header + word_at(table + 8ull * (lo - 1) + 4);
}

/* Augmentations zR, zPLR and their like with pc-relative sdata4 addresses; no signal frames. */
static bool read_cie(const uint8_t *p, struct description *d) {
    uint32_t length = (uint32_t)word_at(p);
    if (length == 0xffffffffu || word_at(p + 4) != 0) return false;
    struct cursor c = {p + 8, p + 4 + length};
    uint8_t version = (uint8_t)take_fixed(&c, 1);
    const char *augmentation = (const char *)c.at;
    while (c.at < c.end && *c.at++) {}
    d->code_align = take_uleb(&c);
    d->data_align = take_sleb(&c);
    uint64_t ra = version == 1 ? take_fixed(&c, 1) : take_uleb(&c);
    if ((version != 1 && version != 3) || ra != REG_RA || augmentation[0] != 'z') return false;
    uint64_t size = take_uleb(&c);
    struct cursor a = {c.at, c.at + size};
    c.at += size;
    for (const char *s = augmentation + 1; *s; s++) {
        uint32_t encoding = take_fixed(&a, 1);
        if (*s == 'R' && encoding != 0x1b) return false;
        if (*s == 'P') a.at += (encoding & 7) == 3 ? 4 : (encoding & 7) == 2 ? 2 : 8;
        if (*s != 'R' && *s != 'P' && *s != 'L') return false;
    }
    d->cie = c;
    return c.at <= c.end;
}

static bool describe(uintptr_t pc, struct description *d) {
    const uint8_t *p = search_table(tw_modules_unwind_header(pc), pc);
    if (!p) return false;
    uint32_t length = (uint32_t)word_at(p);
    if (length == 0xffffffffu || word_at(p + 4) == 0 || !read_cie(p + 4 - word_at(p + 4), d)) return false;
    d->start = (uintptr_t)(p + 8) + (uintptr_t)(int64_t)word_at(p + 8);
    d->end = d->start + (uint32_t)word_at(p + 12);
    struct cursor c = {p + 16, p + 4 + length};
    uint64_t size = take_uleb(&c);
    c.at += size;
    d->fde = c;
    return pc >= d->start && pc < d->end;
}

/* ---- the rows ---- */

struct row {
    uint64_t cfa_reg;
    int64_t cfa, bp;      /* bp as in struct rule */
    bool expression, end; /* unusual; the return address is undefined: the outermost frame */
};

struct machine {
    const struct description *d;
    uintptr_t pc, at;     /* the row of pc is wanted; instructions up to `at` have been seen */
    struct row now, initial, saved[NESTED_STATES];
    unsigned nsaved;
};

static void set_register(struct machine *m, uint64_t reg, int64_t offset) {
    if (reg == REG_BP) m->now.bp = offset;
    if (reg == REG_RA && offset != -8) m->now.expression = true;
}

static void restore_register(struct machine *m, uint64_t reg) {
    if (reg == REG_BP) m->now.bp = m->initial.bp;
    if (reg == REG_RA) m->now.end = m->initial.end;
}

static void lose_register(struct machine *m, uint64_t reg) {
    if (reg == REG_BP || reg == REG_RA) m->now.expression = true;
}

static void skip_block(struct cursor *c) {
    uint64_t size = take_uleb(c);
    c->at = size > (uint64_t)(c->end - c->at) ? c->end : c->at + size;
}

static void extended(struct machine *m, struct cursor *c, uint8_t op) {
    const int64_t factor = m->d->data_align;
    uint64_t reg;
    switch (op) {
    case 0x00: break;                                                             /* nop */
    case 0x02: m->at += take_fixed(c, 1) * m->d->code_align; break;               /* advance_loc1 */
    case 0x03: m->at += take_fixed(c, 2) * m->d->code_align; break;               /* advance_loc2 */
    case 0x04: m->at += take_fixed(c, 4) * m->d->code_align; break;               /* advance_loc4 */
    case 0x05: reg = take_uleb(c); set_register(m, reg, (int64_t)take_uleb(c) * factor); break; /* offset_extended */
    case 0x06: restore_register(m, take_uleb(c)); break;                          /* restore_extended */
    case 0x07: reg = take_uleb(c); if (reg == REG_RA) m->now.end = true; break;   /* undefined */
    case 0x08: reg = take_uleb(c); if (reg == REG_BP) m->now.bp = 0; break;       /* same_value */
    case 0x09: lose_register(m, take_uleb(c)); take_uleb(c); break;               /* register */
    case 0x0a: if (m->nsaved < NESTED_STATES) m->saved[m->nsaved++] = m->now; else m->now.expression = true; break; /* remember_state */
    case 0x0b: if (m->nsaved > 0) m->now = m->saved[--m->nsaved]; else m->now.expression = true; break;             /* restore_state */
    case 0x0c: m->now.cfa_reg = take_uleb(c); m->now.cfa = (int64_t)take_uleb(c); m->now.expression = false; break; /* def_cfa */
    case 0x0d: m->now.cfa_reg = take_uleb(c); break;                              /* def_cfa_register */
    case 0x0e: m->now.cfa = (int64_t)take_uleb(c); break;                         /* def_cfa_offset */
    case 0x10: case 0x16: lose_register(m, take_uleb(c)); skip_block(c); break;   /* expression, val_expression */
    case 0x11: reg = take_uleb(c); set_register(m, reg, take_sleb(c) * factor); break; /* offset_extended_sf */
    case 0x12: m->now.cfa_reg = take_uleb(c); m->now.cfa = take_sleb(c) * factor; break; /* def_cfa_sf */
    case 0x13: m->now.cfa = take_sleb(c) * factor; break;                         /* def_cfa_offset_sf */
    case 0x2e: take_uleb(c); break;                                               /* GNU_args_size */
    default: m->now.expression = true; c->at = c->end; break;                     /* def_cfa_expression and what we do not know */
    }
}

static void run(struct machine *m, struct cursor c) {
    while (c.at < c.end && m->at <= m->pc) {
        uint8_t op = *c.at++;
        switch (op >> 6) {
        case 1: m->at += (op & 0x3fu) * m->d->code_align; break;
        case 2: set_register(m, op & 0x3f, (int64_t)take_uleb(&c) * m->d->data_align); break;
        case 3: restore_register(m, op & 0x3f); break;
        default: extended(m, &c, op); break;
        }
    }
}

static struct rule read_rule(uintptr_t pc) {
    struct description d;
    struct rule r = {TW_CFI_OTHER, false, 0, 0};
    if (!describe(pc, &d)) return r;
    struct machine m = {.d = &d, .pc = pc, .at = d.start};
    run(&m, d.cie);
    m.initial = m.now;
    run(&m, d.fde);
    if (m.now.end && !m.now.expression) r.kind = TW_CFI_END;
    if (m.now.end || m.now.expression || (m.now.cfa_reg != REG_SP && m.now.cfa_reg != REG_BP)) return r;
    if (m.now.cfa > FIELD_MAX || m.now.cfa < -FIELD_MAX || m.now.bp > FIELD_MAX || m.now.bp < -FIELD_MAX) return r;
    return (struct rule){TW_CFI_FRAME, m.now.cfa_reg == REG_BP, (int32_t)m.now.cfa, (int32_t)m.now.bp};
}

static struct rule rule_of(uintptr_t pc) {
    uint64_t *word, *key = place(pc, &word);
    uint64_t r = __atomic_load_n(word, __ATOMIC_RELAXED);
    if (r && (__atomic_load_n(key, __ATOMIC_RELAXED) ^ r) == pc) return unpack(r);
    struct rule rule = read_rule(pc);
    r = pack(rule);
    __atomic_store_n(word, r, __ATOMIC_RELAXED);
    __atomic_store_n(key, pc ^ r, __ATOMIC_RELAXED);
    return unpack(r);
}

enum tw_cfi tw_cfi_step(struct tw_cfi_frame *f, uintptr_t limit, bool exact) {
    struct rule r = rule_of(exact ? f->pc : f->pc - 1); /* a call may be the last instruction of its row */
    if (r.kind != TW_CFI_FRAME) return (enum tw_cfi)r.kind;
    uintptr_t cfa = (r.from_bp ? f->bp : f->sp) + (uintptr_t)(int64_t)r.cfa, bp = cfa + (uintptr_t)(int64_t)r.bp;
    if (cfa & 7 || cfa < f->sp + 8 || cfa > limit) return TW_CFI_OTHER;
    if (r.bp && (bp & 7 || bp < f->sp - 128 || bp + 8 > limit)) return TW_CFI_OTHER;
    f->bp = r.bp ? *(const uintptr_t *)bp : f->bp;
    f->pc = *(const uintptr_t *)(cfa - 8);
    f->sp = cfa;
    return f->pc ? TW_CFI_FRAME : TW_CFI_END;
}

bool tw_cfi_same_function(uintptr_t pc, uintptr_t other) {
    struct description d;
    return describe(pc - 1, &d) && other - 1 >= d.start && other - 1 < d.end;
}
