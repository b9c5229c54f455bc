/* Which findings a suppression covers, and the writing of new ones. */
#define _GNU_SOURCE /* asprintf */
#include "base/progress.h"
#include "finding/suppress_rule.h"

#include <stdlib.h>
#include <string.h>

/* ---- patterns ------------------------------------------------------------------------------------------------------
 */

/* * any text; ? any character when `question`. Linear in pattern times text: on a mismatch only the last * is tried
 * again. */
static bool suppress_wild(const char *p, const char *t, bool question, bool open_end) {
    const char *star = NULL, *retry = NULL;
    while (*t) {
        if (*p == '*')
            star = ++p, retry = t;
        else if (!*p && open_end)
            return true;
        else if (*p && (*p == *t || (question && *p == '?')))
            p++, t++;
        else if (star)
            p = star, t = ++retry;
        else
            return false;
    }
    while (*p == '*')
        p++;
    return !*p;
}

bool suppress_glob(const char *pattern, const char *text, bool anchored) {
    if (!text) return false;
    if (anchored) return suppress_wild(pattern, text, true, false);
    char copy[8192];
    size_t length = strlen(pattern);
    bool start = *pattern == '^', end = length && pattern[length - 1] == '$';
    if (length + 2 > sizeof copy) return false;
    size_t n = 0;
    if (!start) copy[n++] = '*';
    for (size_t i = start; i < length - end; i++)
        copy[n++] = pattern[i];
    copy[n] = 0;
    return suppress_wild(copy, text, false, !end);
}

/* ---- raw frames: modules and addresses, no symbols -----------------------------------------------------------------
 */

static const struct twatch_module *suppress_module_at(const struct model *m, uint64_t pc) {
    for (uint32_t id = 1; m && id < m->modules.n; id++) {
        const struct twatch_module *x = model_module(m, id);
        if (x && pc >= x->start && pc < x->end) return x;
    }
    return NULL;
}

/* The pcs of a place: a stack's, or the single site. */
static size_t suppress_pcs(const struct model *m, uint32_t stack, const uint64_t *site, const uint64_t **pcs) {
    const struct twatch_stack *s = m && stack ? model_stack(m, stack) : NULL;
    *pcs = s ? s->pc : site;
    return s ? s->nframes : *site ? 1 : 0;
}

static bool suppress_raw_module(const struct suppress_rule *r, const struct model *m, uint64_t pc) {
    const struct twatch_module *x = suppress_module_at(m, pc);
    if (!x) return false;
    if (r->build_id && (x->build_id_len < r->build_id_len || r->build_id_len > TWATCH_BUILD_ID_MAX ||
                               memcmp(x->build_id, r->build_id, r->build_id_len) != 0))
        return false;
    if (r->has_offset && pc - x->bias != r->offset) return false;
    return !r->mod || suppress_glob(r->mod, model_string(m, x->path, NULL), false);
}

/* ---- one finding ---------------------------------------------------------------------------------------------------
 */

/* Files of other tools hold mangled names (Valgrind manual 2.5: "C++ function names must be mangled"), people write
 * readable ones. */
static bool suppress_function(const char *pattern, const struct suppress_frame *frame, bool anchored) {
    return suppress_glob(pattern, frame->function, anchored) || suppress_glob(pattern, frame->linkage, anchored);
}

struct suppress_case {
    const struct finding *f;
    const struct model *m;
    const struct suppress_names *names; /* NULL in the first pass: no symbols */
};

static bool suppress_kind(const struct suppress_rule *r, const char *kind) {
    for (size_t i = 0; r->kinds[i]; i++)
        if (strcmp(r->kinds[i], "*") == 0 || strcmp(r->kinds[i], kind) == 0) return true;
    return false;
}

static bool suppress_tsan_place(
        const struct suppress_rule *r, const struct suppress_case *c, uint32_t stack, uint64_t site) {
    const uint64_t *pcs;
    size_t n = suppress_pcs(c->m, stack, &site, &pcs);
    for (size_t i = 0; i < n && !(r->top_only && i); i++) {
        const struct twatch_module *x = suppress_module_at(c->m, pcs[i]);
        if (x && suppress_glob(r->pattern, model_string(c->m, x->path, NULL), false)) return true;
    }
    struct suppress_frame frame;
    for (size_t i = 0;
            c->names && !r->modules_only && c->names->frame(c->names->ctx, c->f->run, stack, site, i, &frame); i++) {
        if (suppress_function(r->pattern, &frame, false) || suppress_glob(r->pattern, frame.file, false) ||
                suppress_glob(r->pattern, frame.module, false))
            return true;
        if (r->top_only) break;
    }
    return false;
}

static bool suppress_own_place(
        const struct suppress_rule *r, const struct suppress_case *c, uint32_t stack, uint64_t site) {
    bool symbols = r->fun || r->src;
    if (!symbols) {
        const uint64_t *pcs;
        size_t n = suppress_pcs(c->m, stack, &site, &pcs);
        for (size_t i = 0; i < n && !(r->mod_top && i); i++)
            if (suppress_raw_module(r, c->m, pcs[i])) return true;
        return false;
    }
    struct suppress_frame frame;
    for (size_t i = 0;
            c->names && !(r->mod_top && i) && c->names->frame(c->names->ctx, c->f->run, stack, site, i, &frame); i++) {
        if (r->fun && !suppress_function(r->fun, &frame, false)) continue;
        if (r->src && !suppress_glob(r->src, frame.file, false)) continue;
        if (r->mod && !suppress_glob(r->mod, frame.module, false)) continue;
        if (r->has_offset && frame.offset != r->offset) continue;
        return true;
    }
    return false;
}

static bool suppress_line_fits(const struct suppress_line *l, const struct suppress_frame *frame) {
    switch (l->kind) {
    case SUPPRESS_FUN:
        return frame->function ? suppress_function(l->pattern, frame, true) : suppress_glob(l->pattern, "???", true);
    case SUPPRESS_OBJ:
        return suppress_glob(l->pattern, frame->module ? frame->module : "???", true);
    case SUPPRESS_SRC: {
        const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;
        return frame->file && (suppress_glob(l->pattern, frame->file, true) ||
                                      suppress_glob(l->pattern, slash ? slash + 1 : frame->file, true));
    }
    case SUPPRESS_ANY:
        break;
    }
    return true;
}

/* The lines from the innermost frame on, "..." for any number of frames; like suppress_wild over frames. */
static bool suppress_block_place(
        const struct suppress_rule *r, const struct suppress_case *c, uint32_t stack, uint64_t site) {
    size_t line = 0, i = 0, star = SIZE_MAX, retry = 0;
    struct suppress_frame frame;
    if (!c->names) return false;
    for (;;) {
        if (line == r->nlines) return true; /* deeper frames do not matter */
        if (r->lines[line].kind == SUPPRESS_ANY) {
            star = ++line;
            retry = i;
            continue;
        }
        bool there = c->names->frame(c->names->ctx, c->f->run, stack, site, i, &frame);
        if (there && suppress_line_fits(&r->lines[line], &frame))
            line++, i++;
        else if (there && star != SIZE_MAX)
            line = star, i = ++retry;
        else
            return false;
    }
}

static bool suppress_place(
        const struct suppress_rule *r, const struct suppress_case *c, uint32_t stack, uint64_t site) {
    switch (r->form) {
    case SUPPRESS_TSAN:
        return suppress_tsan_place(r, c, stack, site);
    case SUPPRESS_VALGRIND:
        return suppress_block_place(r, c, stack, site);
    case SUPPRESS_OWN:
        break;
    }
    return suppress_own_place(r, c, stack, site);
}

/* What an own rule says about the finding as a whole. */
static bool suppress_whole(const struct suppress_rule *r, const struct finding *f) {
    bool object = !r->obj, thread = !r->thread;
    for (size_t i = 0; i < f->nobjects && !object; i++)
        object = suppress_glob(r->obj, f->objects[i].name, false);
    for (size_t i = 0; i < f->nthreads && !thread; i++)
        thread = suppress_glob(r->thread, f->threads[i].name, false);
    static const char *const severities[] = {
            [SEVERITY_NOTE] = "note", [SEVERITY_WARNING] = "warning", [SEVERITY_ERROR] = "error"};
    if (r->severity && strcmp(r->severity, severities[f->severity]) != 0) return false;
    return object && thread && (!r->fingerprint || strcmp(r->fingerprint, f->fingerprint) == 0);
}

/* ThreadSanitizer matches the names of global variables too; what was allocated is named by its place. */
static bool suppress_variable(const struct suppress_rule *r, const struct finding *f) {
    for (size_t i = 0; i < f->nobjects && r->form == SUPPRESS_TSAN && !r->modules_only; i++)
        if (strcmp(f->objects[i].kind, "variable") == 0 && !strchr(f->objects[i].name, ' ') &&
                suppress_glob(r->pattern, f->objects[i].name, false))
            return true;
    return false;
}

static bool suppress_matches(const struct suppress_rule *r, const struct suppress_case *c) {
    if (r->entry.inert || r->entry.expired || !suppress_kind(r, c->f->rule->name)) return false;
    if (r->form == SUPPRESS_OWN && !suppress_whole(r, c->f)) return false;
    bool places = r->form != SUPPRESS_OWN || r->fun || r->src || r->mod || r->build_id;
    if (!places || suppress_variable(r, c->f)) return true;
    for (size_t i = 0; i < c->f->nsteps; i++)
        if (suppress_place(r, c, c->f->steps[i].stack, c->f->steps[i].site)) return true;
    /* A thread that was never joined is blamed on its creation. */
    for (size_t i = 0; i < c->f->nthreads && strcmp(c->f->rule->name, "thread-leak") == 0; i++)
        if (suppress_place(r, c, c->f->threads[i].created_stack, 0)) return true;
    return false;
}

void suppress_apply(struct suppress *s, struct finding *const *findings, size_t n, const struct model *const *models,
        size_t nmodels, const struct suppress_names *names) {
    progress_start("matching suppressions", n);
    for (size_t i = 0; i < n; i++) {
        progress_step(i);
        struct finding *f = findings[i];
        struct suppress_case c = {.f = f, .m = f->run < nmodels ? models[f->run] : NULL};
        struct suppress_rule *by = NULL;
        for (int pass = 0; pass < 2 && !by; pass++) {
            c.names = pass ? names : NULL;
            for (size_t k = 0; k < s->all.n && !by; k++)
                if (suppress_matches(&s->all.at[k], &c)) by = &s->all.at[k];
        }
        if (!by) continue;
        f->suppressed = true;
        f->suppressed_by = by->entry.place;
        by->entry.matched += f->count ? f->count : 1;
    }
    progress_end();
}

/* ---- --gen-suppressions --------------------------------------------------------------------------------------------
 */

/* A value in quotes; what cannot stand in one line becomes a wildcard. */
static void suppress_quote(FILE *out, const char *text) {
    putc('"', out);
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 127)
            putc('*', out);
        else {
            if (*p == '"' || *p == '\\') putc('\\', out);
            putc(*p, out);
        }
    }
    putc('"', out);
}

static const char *suppress_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static bool suppress_system(const char *module) {
    return !module || strncmp(module, "/usr/lib", 8) == 0 || strncmp(module, "/lib", 4) == 0;
}

/* The frame to name: the innermost with a function outside the system's libraries, otherwise the innermost. */
static bool suppress_choose(const struct finding *f, const struct suppress_names *names, struct suppress_frame *out) {
    bool any = false;
    struct suppress_frame frame;
    for (size_t s = 0; names && s < f->nsteps; s++)
        for (size_t i = 0; names->frame(names->ctx, f->run, f->steps[s].stack, f->steps[s].site, i, &frame); i++) {
            if (!any) *out = frame, any = true;
            if (suppress_system(frame.module) || !frame.function) continue;
            *out = frame;
            return true;
        }
    return any;
}

void suppress_generate(FILE *out, const struct finding *f, const struct model *m, const struct suppress_names *names) {
    struct suppress_frame frame = {0};
    fputs("# ", out);
    for (const char *p = f->message; *p; p++)
        putc((unsigned char)*p < ' ' || *p == 127 ? '?' : *p, out);
    fprintf(out, "\n%s", f->rule->name);
    if (!suppress_choose(f, names, &frame) || (!frame.function && !frame.module))
        fprintf(out, " fingerprint=%s", f->fingerprint);
    else if (frame.function) {
        fputs(" fun=", out);
        char *anchored = NULL;
        if (asprintf(&anchored, "^%s$", frame.function) > 0) suppress_quote(out, anchored);
        free(anchored);
        if (frame.file) fputs(" src=", out), suppress_quote(out, suppress_base(frame.file));
    } else {
        char *place = NULL;
        if (asprintf(&place, "%s+0x%llx", suppress_base(frame.module), (unsigned long long)frame.offset) > 0) {
            fputs(" mod=", out);
            suppress_quote(out, place);
        }
        free(place);
        for (uint32_t id = 1; m && id < m->modules.n; id++) {
            const struct twatch_module *x = model_module(m, id);
            if (!x || strcmp(model_string(m, x->path, NULL), frame.module) != 0 || !x->build_id_len) continue;
            fputs(" build-id=", out);
            for (size_t i = 0; i < x->build_id_len && i < TWATCH_BUILD_ID_MAX; i++)
                fprintf(out, "%02x", x->build_id[i]);
            break;
        }
    }
    fputs(" reason=\"\"\n", out);
}
