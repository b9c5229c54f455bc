/*
 * The text of a Python frame: qualified name and file from str objects, and the line from the code object's table.
 * Strings are made UTF-8 here, control characters and lone surrogates replaced, so that a line break always ends a
 * field.
 */

#include <dlfcn.h>
#include <sys/uio.h>

#include "sys.h"
#include "python_layout.h"
#include "python_text.h"

enum { NAME_MAX_BYTES = 240, FILE_MAX_BYTES = 400 };
enum { OB_TYPE = 8, OB_SIZE = 16, BYTES_DATA = 32, U_LENGTH = 16, U_STATE = 32 }; /* the same in 3.11 to 3.13 */

static const struct tw_python_layout *at;
static uintptr_t code_type, unicode_type;

bool tw_python_text_init(const struct tw_python_layout *layout) {
    at = layout;
    code_type = (uintptr_t)dlsym(RTLD_DEFAULT, "PyCode_Type");
    unicode_type = (uintptr_t)dlsym(RTLD_DEFAULT, "PyUnicode_Type");
    return code_type && unicode_type;
}

bool tw_python_read(const struct tw_python_reader *r, uintptr_t addr, void *to, size_t n) {
    if (r->direct) {
        tw_sys_copy(to, (const void *)addr, n);
        return true;
    }
    struct iovec local = {to, n}, remote = {(void *)addr, n};
    return tw_sys(SYS_process_vm_readv, r->pid, &local, 1, &remote, 1, 0) == (long)n;
}

static bool get64(const struct tw_python_reader *r, uintptr_t addr, uint64_t *v) {
    return tw_python_read(r, addr, v, sizeof *v);
}

/* ---- strings ---- */

static size_t put_utf8(char *out, uint32_t c) {
    if (c < 0x20 || c == 0x7f || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) c = '?';
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63));
    return 4;
}

static uint32_t unit(const unsigned char *p, unsigned width) {
    if (width == 1) return p[0];
    if (width == 2) return (uint32_t)p[0] | (uint32_t)p[1] << 8;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A str object as UTF-8 of at most `most` bytes, the rest cut. Returns the bytes written, 0 when it is no compact
 * string. */
static size_t put_string(const struct tw_python_reader *r, uintptr_t object, char *out, size_t most) {
    char head[40];
    unsigned char units[128];
    uint64_t type, length;
    uint32_t state;
    if (!object || !tw_python_read(r, object, head, sizeof head)) return 0;
    __builtin_memcpy(&type, head + OB_TYPE, 8);
    __builtin_memcpy(&length, head + U_LENGTH, 8);
    __builtin_memcpy(&state, head + U_STATE, 4);
    unsigned width = state >> 2 & 7, compact = state & 0x20, ascii = state & 0x40;
    if (type != unicode_type || !compact || (width != 1 && width != 2 && width != 4)) return 0;
    uintptr_t data = object + (ascii ? at->u_ascii : at->u_compact);
    size_t n = 0;
    for (uint64_t i = 0; i < length && n + 4 <= most;) {
        uint64_t now = length - i < sizeof units / width ? length - i : sizeof units / width;
        if (!tw_python_read(r, data + i * width, units, now * width)) return 0;
        for (uint64_t k = 0; k < now && n + 4 <= most; k++)
            n += put_utf8(out + n, unit(units + k * width, width));
        i += now;
    }
    return n;
}

static size_t put_number(char *out, uint64_t v) {
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

/* ---- lines ---- */

struct cursor { /* a window that moves over a bytes object */
    const struct tw_python_reader *reader;
    uintptr_t next, end;
    unsigned at, have;
    bool broken;
    unsigned char window[256];
};

static unsigned next_byte(struct cursor *c) {
    if (c->at == c->have) {
        size_t n = c->end - c->next < sizeof c->window ? c->end - c->next : sizeof c->window;
        if (!n || !tw_python_read(c->reader, c->next, c->window, n)) return c->broken = true, 0;
        c->next += n;
        c->at = 0;
        c->have = (unsigned)n;
    }
    return c->window[c->at++];
}

static uint64_t next_varint(struct cursor *c) {
    uint64_t v = 0;
    unsigned shift = 0, byte;
    do {
        byte = next_byte(c);
        v |= (uint64_t)(byte & 63) << shift;
        shift += 6;
    } while (byte & 64 && shift < 36);
    return v;
}

static int64_t next_signed(struct cursor *c) {
    uint64_t v = next_varint(c);
    return v & 1 ? -(int64_t)(v >> 1) : (int64_t)(v >> 1);
}

enum { LOC_LONG = 14, LOC_NONE = 15, LOC_NO_COLUMNS = 13, LOC_ONE_LINE = 10 };

/* One entry of the location table (Objects/locations.md): how many bytes of code it covers, and the line's change. */
static unsigned next_entry(struct cursor *c, int64_t *delta, bool *none) {
    unsigned first = next_byte(c), form = first >> 3 & 15, skip = 0;
    *delta = 0;
    *none = form == LOC_NONE;
    if (form == LOC_LONG) {
        *delta = next_signed(c);
        for (int i = 0; i < 3; i++)
            next_varint(c);
    } else if (form == LOC_NO_COLUMNS) {
        *delta = next_signed(c);
    } else if (form >= LOC_ONE_LINE && form < LOC_NO_COLUMNS) {
        *delta = form - LOC_ONE_LINE;
        skip = 2;
    } else if (form < LOC_ONE_LINE) {
        skip = 1;
    }
    while (skip--)
        next_byte(c);
    return ((first & 7) + 1) * 2;
}

/* Line of the instruction at byte `offset` of the code; the function's first line when the table does not say. */
static int64_t line_of(const struct tw_python_reader *r, uintptr_t table, int64_t first, int64_t offset) {
    struct cursor c = {.reader = r};
    uint64_t size;
    if (offset < 0 || !table || !get64(r, table + OB_SIZE, &size) || size > 1u << 24) return first;
    c.next = table + BYTES_DATA;
    c.end = c.next + size;
    int64_t line = first, covered = 0;
    while (!c.broken && (c.next < c.end || c.at < c.have)) {
        int64_t delta;
        bool none;
        covered += next_entry(&c, &delta, &none);
        line += delta;
        if (offset < covered) return none || c.broken ? first : line;
    }
    return first;
}

/* ---- the frame ---- */

static uint64_t field(const char *object, uint16_t offset) {
    uint64_t v;
    __builtin_memcpy(&v, object + offset, sizeof v);
    return v;
}

static bool equal(const char *text, size_t n, const char *word) {
    return tw_sys_length(word) == n && tw_sys_equal(text, word, n);
}

static bool ends(const char *text, size_t n, const char *with) {
    size_t m = tw_sys_length(with);
    return n >= m && tw_sys_equal(text + n - m, with, m);
}

/* Functions of the standard library, the same in 3.11 to 3.13. */
static enum tw_python_role role_of(const char *name, size_t n, const char *file, size_t m) {
    static const struct {
        const char *name, *file;
        enum tw_python_role role;
    } known[] = {
            {"active_count", "/threading.py", TW_PYTHON_ASKS},
            {"enumerate", "/threading.py", TW_PYTHON_ASKS},
            {"Thread.join", "/threading.py", TW_PYTHON_JOINS},
            {"Thread._wait_for_tstate_lock", "/threading.py", TW_PYTHON_HELPS},
            {"_shutdown", "/threading.py", TW_PYTHON_JOINS},
            {"Condition.__enter__", "/threading.py", TW_PYTHON_HELPS},
            {"Queue.empty", "/queue.py", TW_PYTHON_ASKS},
            {"Queue.full", "/queue.py", TW_PYTHON_ASKS},
            {"Queue.qsize", "/queue.py", TW_PYTHON_ASKS},
            {"Future.done", "/concurrent/futures/_base.py", TW_PYTHON_ASKS},
            {"Future.running", "/concurrent/futures/_base.py", TW_PYTHON_ASKS},
            {"Future.cancelled", "/concurrent/futures/_base.py", TW_PYTHON_ASKS},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (equal(name, n, known[i].name) && ends(file, m, known[i].file)) return known[i].role;
    return TW_PYTHON_WORKS;
}

/* Texts made before, by the address of the instruction. The code object must name the same strings and the same table as it did. */
enum { TEXTS = 1024 };
static struct text {
    uint64_t instr, name, file, table;
    uint32_t id;
    enum tw_python_role role;
} texts[TEXTS];
static struct tw_lock texts_lock;

static struct text text_key(const char *object, uint64_t instr) {
    return (struct text){.instr = instr,
            .name = field(object, at->co_qualname),
            .file = field(object, at->co_filename),
            .table = field(object, at->co_linetable)};
}

static struct text *text_place(uint64_t instr) {
    return &texts[tw_sys_mix(instr) % TEXTS];
}

static bool text_known(struct text *t) {
    const struct text *k = text_place(t->instr);
    tw_lock_take(&texts_lock);
    bool known = k->id && k->instr == t->instr && k->name == t->name && k->file == t->file && k->table == t->table;
    if (known) *t = *k;
    tw_lock_give(&texts_lock);
    return known;
}

static void text_keep(const struct text *t) {
    tw_lock_take(&texts_lock);
    *text_place(t->instr) = *t;
    tw_lock_give(&texts_lock);
}

void tw_python_text_forked(void) {
    texts_lock = (struct tw_lock){0};
    tw_sys_zero(texts, sizeof texts);
}

uint32_t tw_python_text(const struct tw_python_reader *r, uintptr_t code, uintptr_t instr, uint32_t (*string_id)(const char *, size_t),
        enum tw_python_role *role) {
    char object[208], text[NAME_MAX_BYTES + FILE_MAX_BYTES + 32];
    int32_t first;
    if (!code || !tw_python_read(r, code, object, at->co_size) || field(object, OB_TYPE) != code_type) return 0;
    struct text made = text_key(object, instr);
    if (text_known(&made)) {
        *role = made.role;
        return made.id;
    }
    __builtin_memcpy(&first, object + at->co_firstlineno, sizeof first);
    size_t n = put_string(r, field(object, at->co_qualname), text, NAME_MAX_BYTES);
    if (!n) text[n++] = '?';
    size_t name = n;
    text[n++] = '\n';
    size_t file = put_string(r, field(object, at->co_filename), text + n, FILE_MAX_BYTES);
    if (!file) text[n + file++] = '?';
    *role = role_of(text, name, text + n, file);
    n += file;
    text[n++] = '\n';
    int64_t line = line_of(r, field(object, at->co_linetable), first, (int64_t)(instr - code) - at->co_code);
    n += put_number(text + n, line > 0 ? (uint64_t)line : 0);
    made.role = *role;
    made.id = string_id(text, n);
    if (made.id) text_keep(&made);
    return made.id;
}
