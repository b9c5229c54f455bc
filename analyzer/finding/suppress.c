/* Reading suppression files. */
#include "finding/suppress_rule.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUPPRESS_LARGEST = 4 << 20, SUPPRESS_LONGEST = 8192, SUPPRESS_MOST_LINES = 64 };

struct suppress_input {
    struct suppress *s;
    const char *name;
    const char *at, *end;
    unsigned line;
    char text[SUPPRESS_LONGEST]; /* the current line, trimmed */
    struct err *err;
};

static bool suppress_bad(struct suppress_input *in, const char *what, const char *word) {
    return err_set(in->err, "%s:%u: %s%s%.80s%s", in->name, in->line, what, word ? " \"" : "", word ? word : "",
            word ? "\"" : "");
}

struct suppress *suppress_new(const struct rule *const *rules, size_t nrules, unsigned today) {
    struct suppress *s = mem_new(1, sizeof *s);
    s->rules = rules;
    s->nrules = nrules;
    s->today = today;
    return s;
}

void suppress_free(struct suppress *s) {
    if (!s) return;
    vec_free(&s->all);
    arena_free(&s->arena);
    free(s);
}

size_t suppress_count(const struct suppress *s) {
    return s->all.n;
}

struct suppress_entry suppress_at(const struct suppress *s, size_t i) {
    return s->all.at[i].entry;
}

/* The next line without blanks around it: 1, 0 at the end, -1 when it is too long or holds a NUL. */
static int suppress_next(struct suppress_input *in) {
    if (in->at >= in->end) return 0;
    const char *stop = memchr(in->at, '\n', (size_t)(in->end - in->at));
    const char *from = in->at, *to = stop ? stop : in->end;
    in->at = stop ? stop + 1 : in->end;
    in->line++;
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    size_t length = (size_t)(to - from);
    if (length >= sizeof in->text || memchr(from, 0, length)) {
        suppress_bad(in,
                length >= sizeof in->text ? "the line is too long" : "the line holds a NUL byte: is this a text file?",
                NULL);
        return -1;
    }
    memcpy(in->text, from, length);
    in->text[length] = 0;
    return 1;
}

static struct suppress_rule *suppress_add(
        struct suppress_input *in, enum suppress_form form, const char *text, unsigned line) {
    struct arena *a = &in->s->arena;
    vec_push(&in->s->all, (struct suppress_rule){.form = form});
    struct suppress_rule *r = &in->s->all.at[in->s->all.n - 1];
    r->entry.text = arena_str(a, text);
    r->entry.place = arena_printf(a, "%s:%u", in->name, line);
    return r;
}

/* ---- TSan ----------------------------------------------------------------------------------------------------------
 */

static bool suppress_tsan(struct suppress_input *in, char *colon) {
    char type[32];
    size_t length = (size_t)(colon - in->text);
    if (length >= sizeof type) length = sizeof type - 1;
    memcpy(type, in->text, length);
    type[length] = 0;
    const char *const *kinds = suppress_tsan_kinds(type);
    if (!kinds)
        return suppress_bad(
                in, "unknown type (known: race, race_top, mutex, thread, signal, deadlock, called_from_lib)", type);
    const char *pattern = colon + 1;
    while (isspace((unsigned char)*pattern))
        pattern++;
    if (!*pattern) return suppress_bad(in, "nothing behind the colon of", type);
    struct suppress_rule *r = suppress_add(in, SUPPRESS_TSAN, in->text, in->line);
    r->kinds = kinds;
    r->pattern = arena_str(&in->s->arena, pattern);
    r->modules_only = strcmp(type, "called_from_lib") == 0;
    r->top_only = r->modules_only || strcmp(type, "race_top") == 0;
    r->entry.inert = !kinds[0];
    return true;
}

/* ---- Valgrind ------------------------------------------------------------------------------------------------------
 */

static bool suppress_block_kind(struct suppress_input *in, struct suppress_rule *r) {
    char *colon = strchr(in->text, ':');
    if (!colon) return suppress_bad(in, "expected Tool:Kind, found", in->text);
    *colon = 0;
    const char *kind = colon + 1;
    /* Several tools may share a block: "Helgrind,DRD:...". The first that is known here counts. */
    for (char *tool = in->text, *next; tool; tool = next) {
        next = strchr(tool, ',');
        if (next) *next++ = 0;
        const char *const *kinds = suppress_valgrind_kinds(tool, kind);
        if (!kinds) return suppress_bad(in, "unknown kind", kind);
        if (!r->kinds || !r->kinds[0]) r->kinds = kinds;
    }
    r->entry.inert = !r->kinds[0];
    return true;
}

static bool suppress_block_line(struct suppress_input *in, struct suppress_line *line) {
    char *text = in->text;
    *line = (struct suppress_line){.kind = SUPPRESS_ANY};
    if (strcmp(text, "...") == 0) return true;
    if (strncmp(text, "fun:", 4) == 0)
        line->kind = SUPPRESS_FUN;
    else if (strncmp(text, "obj:", 4) == 0)
        line->kind = SUPPRESS_OBJ;
    else if (strncmp(text, "src:", 4) == 0)
        line->kind = SUPPRESS_SRC;
    else
        return suppress_bad(in, "expected fun:, obj:, src:, ... or }, found", text);
    char *colon = line->kind == SUPPRESS_SRC ? strrchr(text + 4, ':') : NULL;
    if (colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
        line->line = (uint32_t)strtoul(colon + 1, NULL, 10);
        *colon = 0;
    }
    if (!text[4]) return suppress_bad(in, "nothing behind", text);
    line->pattern = arena_str(&in->s->arena, text + 4);
    return true;
}

/* Valgrind's own frame on top (its wrapper of the pthread function) has no counterpart in stacks that start at the
 * caller. */
static bool suppress_is_wrapper(const struct suppress_line *l) {
    if (l->kind == SUPPRESS_OBJ) return strstr(l->pattern, "vgpreload") != NULL;
    size_t n = l->kind == SUPPRESS_FUN ? strlen(l->pattern) : 0;
    return n &&
           (strncmp(l->pattern, "pthread_", 8) == 0 || strncmp(l->pattern, "sem_", 4) == 0 ||
                   (n > 4 && (strcmp(l->pattern + n - 4, "_WRK") == 0 || strcmp(l->pattern + n - 4, "_wrk") == 0)));
}

/* How a thread begins under Valgrind; recorded stacks end at the thread's own first function. */
static bool suppress_is_start(const struct suppress_line *l) {
    if (l->kind == SUPPRESS_OBJ) return strstr(l->pattern, "vgpreload") != NULL;
    return l->kind == SUPPRESS_FUN &&
           (strcmp(l->pattern, "start_thread") == 0 || strcmp(l->pattern, "mythread_wrapper") == 0 ||
                   strncmp(l->pattern, "clone", 5) == 0);
}

static bool suppress_block(struct suppress_input *in) {
    unsigned start = in->line;
    int got;
    VEC(struct suppress_line) lines = {0};
    while ((got = suppress_next(in)) > 0 && (!*in->text || *in->text == '#')) {
    }
    if (got <= 0 || strcmp(in->text, "}") == 0)
        return got < 0 ? false : suppress_bad(in, "the block has no name and no kind", NULL);
    char *name = arena_str(&in->s->arena, in->text);
    while ((got = suppress_next(in)) > 0 && (!*in->text || *in->text == '#')) {
    }
    if (got <= 0) return got < 0 ? false : suppress_bad(in, "the file ends inside a block", NULL);
    struct suppress_rule rule = {.form = SUPPRESS_VALGRIND};
    bool good = suppress_block_kind(in, &rule);
    while (good && (got = suppress_next(in)) > 0 && strcmp(in->text, "}") != 0) {
        struct suppress_line line;
        if (!*in->text || *in->text == '#') continue;
        if (lines.n >= SUPPRESS_MOST_LINES) good = suppress_bad(in, "too many lines in one block", NULL);
        /* Other tools' blocks have lines of their own (match-leak-kinds): they are passed over as they are. */
        else if (!rule.entry.inert && (good = suppress_block_line(in, &line)) &&
                 !(lines.n == 0 && suppress_is_wrapper(&line)))
            vec_push(&lines, line);
    }
    if (good && got == 0) good = suppress_bad(in, "the file ends inside a block", NULL);
    while (lines.n > 1 && suppress_is_start(&lines.at[lines.n - 1]))
        lines.n--;
    if (good && got > 0 && !lines.n && !rule.entry.inert) good = suppress_bad(in, "the block names no frame", NULL);
    if (good && got > 0) {
        struct suppress_rule *r = suppress_add(in, SUPPRESS_VALGRIND, name, start);
        r->kinds = rule.kinds;
        r->entry.inert = rule.entry.inert;
        r->nlines = lines.n;
        r->lines = arena_array(&in->s->arena, lines.n, sizeof *lines.at);
        if (lines.n) memcpy((void *)(uintptr_t)r->lines, lines.at, lines.n * sizeof *lines.at);
    }
    vec_free(&lines);
    return good && got > 0;
}

/* ---- own form ------------------------------------------------------------------------------------------------------
 */

static bool suppress_kind_known(const struct suppress *s, const char *kind) {
    if (strcmp(kind, "*") == 0) return true;
    for (size_t i = 0; i < s->nrules; i++)
        if (strcmp(s->rules[i]->name, kind) == 0) return true;
    return s->nrules == 0;
}

/* Splits "key=value" or key="quoted value" off *at; the value is unquoted in place. */
static bool suppress_pair(char **at, char **key, char **value) {
    char *p = *at;
    while (isspace((unsigned char)*p))
        p++;
    *key = p;
    p += strcspn(p, "= \t");
    if (*p != '=' || p == *key) return false;
    *p++ = 0;
    *value = p;
    if (*p != '"') {
        p += strcspn(p, " \t");
        *at = *p ? p + 1 : p;
        *p = 0;
        return true;
    }
    char *out = p++;
    while (*p && *p != '"') {
        if (*p == '\\' && p[1]) p++;
        *out++ = *p++;
    }
    if (*p != '"' || (p[1] && !isspace((unsigned char)p[1]))) return false;
    *at = p + 1;
    *out = 0;
    return true;
}

static bool suppress_date(const char *text, unsigned *out) {
    unsigned year, month, day;
    int length = 0;
    if (sscanf(text, "%4u-%2u-%2u%n", &year, &month, &day, &length) != 3 || text[length] || length != 10) return false;
    *out = year * 10000 + month * 100 + day;
    return year >= 2000 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool suppress_hex(struct arena *a, const char *text, const uint8_t **out, size_t *n) {
    size_t length = strlen(text);
    if (!length || length % 2 || length > 2 * TWATCH_BUILD_ID_MAX || strspn(text, "0123456789abcdefABCDEF") != length)
        return false;
    uint8_t *bytes = arena_alloc(a, length / 2);
    for (size_t i = 0; i < length / 2; i++)
        bytes[i] = (uint8_t)strtoul((char[]){text[2 * i], text[2 * i + 1], 0}, NULL, 16);
    *out = bytes;
    *n = length / 2;
    return true;
}

static bool suppress_module(struct suppress_rule *r, char *value) {
    char *plus = strstr(value, "+0x"), *end;
    if (!plus) return true;
    errno = 0;
    r->offset = strtoull(plus + 3, &end, 16);
    if (errno || *end || end == plus + 3) return false;
    r->has_offset = true;
    *plus = 0;
    return true;
}

static bool suppress_key(struct suppress_input *in, struct suppress_rule *r, const char *key, char *value) {
    struct arena *a = &in->s->arena;
    const struct {
        const char *key;
        const char **to;
    } texts[] = {{"fun", &r->fun}, {"src", &r->src}, {"mod", &r->mod}, {"top", &r->mod}, {"obj", &r->obj},
            {"thread", &r->thread}, {"fingerprint", &r->fingerprint}, {"severity", &r->severity}};
    if (!*value && strcmp(key, "reason") != 0) return suppress_bad(in, "no value for", key);
    if (strcmp(key, "reason") == 0) return true;
    if (strcmp(key, "expires") == 0)
        return suppress_date(value, &r->expires) || suppress_bad(in, "expected a date YYYY-MM-DD, found", value);
    if (strcmp(key, "build-id") == 0)
        return suppress_hex(a, value, &r->build_id, &r->build_id_len) ||
               suppress_bad(in, "expected pairs of hexadecimal digits, found", value);
    if (strcmp(key, "severity") == 0 && strcmp(value, "note") != 0 && strcmp(value, "warning") != 0 &&
            strcmp(value, "error") != 0)
        return suppress_bad(in, "expected note, warning or error, found", value);
    r->mod_top |= strcmp(key, "top") == 0;
    if ((strcmp(key, "mod") == 0 || strcmp(key, "top") == 0) && !suppress_module(r, value))
        return suppress_bad(in, "expected a number in hexadecimal behind +0x, found", value);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(key, texts[i].key) == 0) {
            *texts[i].to = arena_str(a, value);
            return true;
        }
    return suppress_bad(in,
            "unknown key (known: fun, src, mod, top, build-id, obj, thread, severity, fingerprint, reason, expires)",
            key);
}

static bool suppress_own(struct suppress_input *in) {
    struct suppress_rule rule = {.form = SUPPRESS_OWN};
    char *whole = arena_str(&in->s->arena, in->text), *at = in->text + strcspn(in->text, " \t"), *key, *value;
    if (*at) *at++ = 0;
    if (!suppress_kind_known(in->s, in->text))
        return suppress_bad(in, "unknown kind of finding (twatch checks lists them)", in->text);
    const char **kinds = arena_array(&in->s->arena, 2, sizeof *kinds);
    kinds[0] = arena_str(&in->s->arena, in->text);
    while (*(at += strspn(at, " \t"))) {
        char *from = at;
        if (!suppress_pair(&at, &key, &value)) return suppress_bad(in, "expected key=value or key=\"value\" at", from);
        if (!suppress_key(in, &rule, key, value)) return false;
    }
    bool any = rule.fun || rule.src || rule.mod || rule.obj || rule.thread || rule.fingerprint || rule.build_id;
    if (!any)
        return suppress_bad(
                in, "a suppression needs at least one of fun, src, mod, top, build-id, obj, thread, fingerprint", NULL);
    rule.kinds = kinds;
    struct suppress_rule *r = suppress_add(in, SUPPRESS_OWN, whole, in->line);
    rule.entry = r->entry;
    rule.entry.expired = rule.expires && rule.expires < in->s->today;
    *r = rule;
    return true;
}

/* ---- a file --------------------------------------------------------------------------------------------------------
 */

static bool suppress_one(struct suppress_input *in) {
    if (!*in->text || *in->text == '#') return true;
    if (strcmp(in->text, "{") == 0) return suppress_block(in);
    if (*in->text == '{' || *in->text == '}')
        return suppress_bad(in, "a brace of a block stands alone on its line; found", in->text);
    /* A word up to a colon is TSan's; our kinds are followed by a blank. */
    size_t word = strcspn(in->text, ": \t");
    return in->text[word] == ':' ? suppress_tsan(in, in->text + word) : suppress_own(in);
}

bool suppress_read_text(struct suppress *s, const char *name, const char *text, size_t length, struct err *err) {
    struct suppress_input *in = mem_new(1, sizeof *in);
    *in = (struct suppress_input){
            .s = s, .name = arena_str(&s->arena, name), .at = text, .end = text + length, .err = err};
    size_t before = s->all.n;
    bool good = true;
    int got;
    while (good && (got = suppress_next(in)) != 0)
        good = got > 0 && suppress_one(in);
    if (!good) s->all.n = before;
    free(in);
    return good;
}

bool suppress_read(struct suppress *s, const char *path, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0) return err_set(err, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > SUPPRESS_LARGEST) {
        close(fd);
        return err_set(err, "%s: not a regular file of at most 4 MiB", path);
    }
    char *text = mem_new((size_t)st.st_size + 1, 1);
    ssize_t n = read(fd, text, (size_t)st.st_size);
    close(fd);
    bool good =
            n >= 0 ? suppress_read_text(s, path, text, (size_t)n, err) : err_set(err, "%s: %s", path, strerror(errno));
    free(text);
    return good;
}
