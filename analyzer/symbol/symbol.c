#include "base/progress.h"
#include "symbol/symbol.h"

#include "record.h"
#include "symbol/cache.h"
#include "symbol/code.h"
#include "symbol/own.h"
#include "symbol/source.h"

#include <string.h>

struct symbol_cache *symbol_cache_new(const struct symbol_options *options) {
    struct symbol_cache *c = mem_new(1, sizeof *c);
    if (options) c->options = *options;
    c->source = source_new();
    return c;
}

void symbol_cache_free(struct symbol_cache *c) {
    struct cache_file *f, *next;
    if (!c) return;
    HASH_ITER(hh, c->files, f, next) {
        HASH_DEL(c->files, f);
        symfile_close(f->file);
        free(f->key);
        free(f);
    }
    source_free(c->source);
    arena_free(&c->arena);
    free(c);
}

struct symfile *cache_file(struct symbol_cache *c, const struct symbol_module *m) {
    size_t path_len = strlen(m->path) + 1, length = path_len + m->build_id_len;
    char *key = mem_new(length, 1);
    memcpy(key, m->path, path_len);
    if (m->build_id_len) memcpy(key + path_len, m->build_id, m->build_id_len);
    struct cache_file *f;
    HASH_FIND(hh, c->files, key, length, f);
    if (f) {
        free(key);
        return f->file;
    }
    f = mem_new(1, sizeof *f);
    f->key = key;
    f->file = symfile_open(&c->arena, arena_str(&c->arena, m->path), m->build_id, m->build_id_len, &c->options);
    HASH_ADD_KEYPTR(hh, c->files, f->key, length, f);
    return f->file;
}

struct symbols *symbol_new(struct symbol_cache *cache, const struct symbol_source *source) {
    struct symbols *s = mem_new(1, sizeof *s);
    s->cache = cache;
    s->source = *source;
    s->modules = arena_array(&s->arena, source->nmodules + 1, sizeof *s->modules);
    s->files = arena_array(&s->arena, source->nmodules + 1, sizeof *s->files);
    for (size_t i = 0; i < source->nmodules; i++) {
        s->modules[i] = source->modules[i];
        if (!s->modules[i].path) s->modules[i].path = "";
    }
    s->source.modules = s->modules;
    return s;
}

void symbol_free(struct symbols *s) {
    if (!s) return;
    HASH_CLEAR(hh, s->pcs); /* the entries lie in the arena */
    HASH_CLEAR(hh, s->stacks);
    HASH_CLEAR(hh, s->data);
    arena_free(&s->arena);
    free(s);
}

int symbol_module_of(struct symbols *s, uint64_t address, uint32_t seq) {
    int best = -1;
    for (size_t i = 0; i < s->source.nmodules; i++) {
        const struct symbol_module *m = &s->modules[i];
        if (address < m->start || address >= m->end) continue;
        if (seq && (m->loaded_seq > seq || (m->unloaded_seq && m->unloaded_seq <= seq))) continue;
        if (best < 0 || m->loaded_seq >= s->modules[best].loaded_seq) best = (int)i;
    }
    return best;
}

static struct symfile *symbol_file(struct symbols *s, int module) {
    struct symfile **f = &s->files[module];
    if (!*f) *f = cache_file(s->cache, &s->modules[module]);
    return *f;
}

static const char *symbol_strip(const struct symbols *s, const char *path) {
    const char *prefix = s->cache->options.strip_path_prefix;
    size_t n = prefix ? strlen(prefix) : 0;
    if (!path || !n || strncmp(path, prefix, n) != 0 || !path[n]) return path;
    path += n;
    return *path == '/' && path[1] && prefix[n - 1] != '/' ? path + 1 : path;
}

static const struct symbol_trace *symbol_trace_make(
        struct symbols *s, struct symbol_trace *t, struct symbol_frame *frames, size_t n) {
    const struct symbol_frame **list = arena_array(&s->arena, n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = &frames[i];
    t->frames = list;
    t->nframes = n;
    return t;
}

bool symbol_module_own(const struct symbols *s, size_t index) {
    if (index >= s->source.nmodules) return false;
    /* The executable is the project's even when it was installed into a system directory. */
    const char *path = s->modules[index].path;
    return index == 0 ? !own_is_runtime_module(path) : !own_is_system_module(path);
}

/* "function\nfile\nline", as the shim wrote it. */
static void symbol_python(struct symbols *s, uint64_t pc, struct symbol_trace *t) {
    const char *text = s->source.string ? s->source.string(s->source.context, (uint32_t)pc) : NULL;
    struct symbol_frame *f = arena_alloc(&s->arena, sizeof *f);
    f->python = true;
    f->module = "python";
    f->pc = pc;
    if (text && *text) {
        char *function = arena_str(&s->arena, text), *file = strchr(function, '\n'), *line = NULL;
        if (file) *file++ = 0, line = strchr(file, '\n');
        if (line) *line++ = 0;
        f->function = function;
        f->path = file && *file ? file : NULL;
        f->file = symbol_strip(s, f->path);
        f->line = line ? (uint32_t)strtoul(line, NULL, 10) : 0;
        f->own = f->path && !own_is_system_file(f->path);
    }
    symbol_trace_make(s, t, f, 1);
}

static void symbol_native(struct symbols *s, uint64_t pc, bool precise, int module, struct symbol_trace *t) {
    uint64_t at = precise || !pc ? pc : pc - 1;
    const struct symbol_module *m = &s->modules[module];
    code_places places = {0};
    progress_alive();
    code_lookup(symbol_file(s, module), at - m->bias, &places);
    if (!places.n) vec_push(&places, (struct code_place){0});
    struct symbol_frame *frames = arena_array(&s->arena, places.n, sizeof *frames);
    bool own = symbol_module_own(s, (size_t)module);
    for (size_t i = 0; i < places.n; i++) {
        const struct code_place *p = &places.at[i];
        frames[i] = (struct symbol_frame){.function = p->function,
                .linkage = p->linkage,
                .path = p->file,
                .file = symbol_strip(s, p->file),
                .line = p->line,
                .column = p->column,
                .module = m->path,
                .offset = pc - m->bias,
                .pc = pc,
                .inlined = p->inlined,
                .own = own && !(p->file && own_is_system_file(p->file))};
    }
    /* Code without lines in the project's own program is its start-up code. */
    for (size_t i = 0; i < places.n; i++) {
        const char *name = frames[i].function;
        if (name && !frames[i].path && (strcmp(name, "_start") == 0 || strncmp(name, "__libc_", 7) == 0))
            frames[i].own = false;
    }
    symbol_trace_make(s, t, frames, places.n);
    vec_free(&places);
}

const struct symbol_trace *symbol_pc(struct symbols *s, uint64_t pc, bool precise, uint32_t seq) {
    bool python = (pc & TWATCH_FRAME_PYTHON_MASK) == TWATCH_FRAME_PYTHON;
    int module = python ? -1 : symbol_module_of(s, precise || !pc ? pc : pc - 1, seq);
    struct symbols_pc_key key;
    memset(&key, 0, sizeof key);
    key = (struct symbols_pc_key){.pc = pc, .seq = (uint32_t)(module + 1), .precise = precise};
    struct symbols_pc *e;
    HASH_FIND(hh, s->pcs, &key, sizeof key, e);
    if (e) return &e->trace;
    e = arena_alloc(&s->arena, sizeof *e);
    e->key = key;
    if (python)
        symbol_python(s, pc, &e->trace);
    else if (module >= 0)
        symbol_native(s, pc, precise, module, &e->trace);
    else {
        struct symbol_frame *f = arena_alloc(&s->arena, sizeof *f);
        f->pc = f->offset = pc;
        symbol_trace_make(s, &e->trace, f, 1);
    }
    HASH_ADD(hh, s->pcs, key, sizeof key, e);
    return &e->trace;
}

static void symbol_expand(struct symbols *s, const struct symbol_raw_stack *raw, struct symbol_trace *out) {
    const struct symbol_trace *parts[TWATCH_MAX_FRAMES + 6];
    size_t n = 0, total = 0;
    for (uint32_t i = 0; i < raw->npc && n < sizeof parts / sizeof *parts; i++, n++) {
        parts[n] = symbol_pc(s, raw->pc[i], i == 0 && (raw->flags & TWATCH_STACK_PRECISE0), raw->module_seq);
        total += parts[n]->nframes;
    }
    const struct symbol_frame **frames = arena_array(&s->arena, total + 1, sizeof *frames);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < parts[i]->nframes; j++)
            frames[at++] = parts[i]->frames[j];
    out->frames = frames;
    out->nframes = at;
    out->cut = (raw->flags & TWATCH_STACK_CUT) != 0;
}

static struct symbols_stack *symbol_stack_entry(struct symbols *s, uint32_t id) {
    struct symbols_stack *e;
    HASH_FIND(hh, s->stacks, &id, sizeof id, e);
    if (e) return e;
    e = arena_alloc(&s->arena, sizeof *e);
    e->id = id;
    struct symbol_raw_stack raw = {0};
    if (id && s->source.stack && s->source.stack(s->source.context, id, &raw)) symbol_expand(s, &raw, &e->trace);
    HASH_ADD(hh, s->stacks, id, sizeof id, e);
    return e;
}

const struct symbol_trace *symbol_stack(struct symbols *s, uint32_t id) {
    return &symbol_stack_entry(s, id)->trace;
}

const struct symbol_trace *symbol_place(struct symbols *s, uint32_t stack, uint64_t site) {
    static const struct symbol_trace empty;
    if (stack) {
        const struct symbol_trace *t = symbol_stack(s, stack);
        if (t->nframes || !site) return t;
    }
    return site ? symbol_pc(s, site, false, 0) : &empty;
}

enum symbol_state symbol_module_state(struct symbols *s, size_t index, const char **why) {
    const struct symfile *f = index < s->source.nmodules ? symbol_file(s, (int)index) : NULL;
    if (why) *why = f ? f->why : NULL;
    return f ? f->state : SYMBOL_UNTRIED;
}

size_t symbol_module_count(const struct symbols *s) {
    return s->source.nmodules;
}

const struct symbol_module *symbol_module_get(const struct symbols *s, size_t index) {
    return index < s->source.nmodules ? &s->modules[index] : NULL;
}
