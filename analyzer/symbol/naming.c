/* The part of symbol.h that makes words of frames and addresses. */
#include "symbol/symbol.h"

#include "symbol/cache.h"
#include "symbol/data.h"
#include "symbol/local.h"
#include "symbol/own.h"
#include "symbol/source.h"

#include <ctype.h>
#include <string.h>

const struct symbol_frame *symbol_first_own(const struct symbol_trace *t) {
    const struct symbol_frame *middle = NULL;
    for (size_t i = 0; i < t->nframes; i++) {
        const struct symbol_frame *f = t->frames[i];
        if (f->own) return f;
        if (!middle && f->module && !own_is_runtime_module(f->module)) middle = f;
    }
    return middle ? middle : t->nframes ? t->frames[0] : NULL;
}

static const char *naming_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* GCC and LLVM put these behind a function that they split or cloned; the reader and the next build know only the stem.
 */
static size_t naming_stem(const char *function) {
    static const char *const suffixes[] = {
            ".isra.", ".part.", ".constprop.", ".cold", ".lto_priv.", ".llvm.", " [clone "};
    size_t length = strlen(function);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const char *at = strstr(function, suffixes[i]);
        if (at && at > function && (size_t)(at - function) < length) length = (size_t)(at - function);
    }
    return length;
}

const char *symbol_key(struct symbols *s, uint32_t stack, uint64_t site) {
    const struct symbol_frame *f = symbol_first_own(symbol_place(s, stack, site));
    if (!f) return "?";
    const char *module = f->module && *f->module ? naming_base(f->module) : NULL;
    if (f->function && *f->function)
        return arena_printf(&s->arena, "%.*s@%s", (int)naming_stem(f->function), f->function,
                f->path  ? naming_base(f->path)
                : module ? module
                         : "?");
    return module ? arena_printf(&s->arena, "%s+0x%llx", module, (unsigned long long)f->offset) : "?";
}

const char *symbol_brief(struct symbols *s, const struct symbol_frame *f) {
    if (f->function && *f->function && f->file && f->line)
        return arena_printf(
                &s->arena, "%.*s (%s:%u)", (int)naming_stem(f->function), f->function, naming_base(f->file), f->line);
    const char *module = f->module && *f->module ? naming_base(f->module) : NULL;
    if (f->function && *f->function)
        return module ? arena_printf(&s->arena, "%.*s (%s)", (int)naming_stem(f->function), f->function, module)
                      : f->function;
    return module ? arena_printf(&s->arena, "%s+0x%llx", module, (unsigned long long)f->offset)
                  : arena_printf(&s->arena, "0x%llx", (unsigned long long)f->pc);
}

const char *symbol_function(struct symbols *s, uint64_t address) {
    const struct symbol_trace *t = symbol_pc(s, address, true, 0);
    return t->nframes ? t->frames[t->nframes - 1]->function : NULL;
}

static const struct symbol_data *naming_copy(struct symbols *s, int module, const struct symbol_data *found) {
    struct symbol_data *d = arena_alloc(&s->arena, sizeof *d);
    *d = *found;
    d->module = s->modules[module].path;
    return d;
}

static struct symfile *naming_file(struct symbols *s, int module) {
    if (!s->files[module]) s->files[module] = cache_file(s->cache, &s->modules[module]);
    return s->files[module];
}

const struct symbol_data *symbol_data(struct symbols *s, uint64_t address, uint32_t seq) {
    int module = symbol_module_of(s, address, seq);
    if (module < 0) return NULL;
    struct symbols_data *e;
    HASH_FIND(hh, s->data, &address, sizeof address, e);
    if (e && e->module == module) return e->data;
    if (e) HASH_DEL(s->data, e);
    struct symbol_data found;
    e = arena_alloc(&s->arena, sizeof *e);
    e->address = address;
    e->module = module;
    if (data_lookup(naming_file(s, module), address - s->modules[module].bias, &found))
        e->data = naming_copy(s, module, &found);
    HASH_ADD(hh, s->data, address, sizeof address, e);
    return e->data;
}

const struct symbol_data *symbol_tls(struct symbols *s, uint64_t address, uint64_t thread_pointer) {
    if (!s->source.nmodules) return NULL;
    struct symfile *f = naming_file(s, 0);
    uint64_t start = thread_pointer - f->tls_offset;
    struct symbol_data found;
    if (!f->tls_offset || address < start || address >= thread_pointer) return NULL;
    return data_lookup_tls(f, address - start, &found) ? naming_copy(s, 0, &found) : NULL;
}

const struct symbol_data *symbol_local(struct symbols *s, uint64_t pc, uint64_t below) {
    int module = symbol_module_of(s, pc, 0);
    struct symbol_data found;
    if (module < 0 || !local_lookup(naming_file(s, module), pc - 1 - s->modules[module].bias, below, &found)) return NULL;
    return naming_copy(s, module, &found);
}

const char *symbol_source_line(struct symbols *s, const char *path, uint32_t line) {
    return s->cache->options.no_source ? NULL : source_line(s->cache->source, path, line);
}

/* The end of the first argument: a comma or the closing parenthesis at this depth of brackets. */
static size_t naming_argument_end(const char *text) {
    int depth = 0;
    size_t i = 0;
    for (; text[i]; i++) {
        char c = text[i];
        if (c == '(' || c == '[')
            depth++;
        else if ((c == ')' || c == ']') && depth-- == 0)
            break;
        else if (c == ',' && depth == 0)
            break;
        else if (c == '"' || c == '\'' || c == ';')
            return 0;
    }
    return text[i] && i < 80 ? i : 0;
}

const char *symbol_argument(struct symbols *s, const struct symbol_frame *frame, const char *callee) {
    const char *line = frame ? symbol_source_line(s, frame->path, frame->line) : NULL;
    const char *at = line ? strstr(line, callee) : NULL;
    if (!at) return NULL;
    at += strlen(callee);
    while (isspace((unsigned char)*at))
        at++;
    if (*at++ != '(') return NULL;
    while (isspace((unsigned char)*at) || *at == '&')
        at++;
    size_t n = naming_argument_end(at);
    while (n && isspace((unsigned char)at[n - 1]))
        n--;
    return n ? arena_strn(&s->arena, at, n) : NULL;
}
