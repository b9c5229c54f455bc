#define _GNU_SOURCE /* mkostemp */
#include "finding/baseline.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char baseline_head[] = "twatch-baseline 1";
enum { BASELINE_LARGEST = 64 << 20, BASELINE_FINGERPRINT = 32 };

struct baseline_entry {
    char fingerprint[BASELINE_FINGERPRINT + 1];
    const char *kind, *message;
    bool seen;
    UT_hash_handle hh;
};

struct baseline {
    struct arena arena;
    struct baseline_entry *table;
    VEC(const char *) fixed;
};

void baseline_free(struct baseline *b) {
    if (!b) return;
    HASH_CLEAR(hh, b->table);
    vec_free(&b->fixed);
    arena_free(&b->arena);
    free(b);
}

static bool baseline_line(
        struct baseline *b, const char *name, unsigned number, const char *line, size_t length, struct err *err) {
    if (!length || *line == '#') return true;
    if (memchr(line, 0, length))
        return err_set(err, "%s:%u: the line holds a NUL byte: is this a text file?", name, number);
    char *text = arena_strn(&b->arena, line, length);
    if (strspn(text, "0123456789abcdef") != BASELINE_FINGERPRINT || text[BASELINE_FINGERPRINT] != ' ')
        return err_set(err, "%s:%u: expected a fingerprint of %d hexadecimal digits and a blank, found \"%.40s\"", name,
                number, BASELINE_FINGERPRINT, text);
    char *kind = text + BASELINE_FINGERPRINT + 1, *blank = strchr(kind, ' ');
    if (!*kind || *kind == ' ') return err_set(err, "%s:%u: no kind of finding behind the fingerprint", name, number);
    if (blank) *blank = 0;
    struct baseline_entry *e;
    HASH_FIND(hh, b->table, text, BASELINE_FINGERPRINT, e);
    if (e) return true;
    e = arena_alloc(&b->arena, sizeof *e);
    memcpy(e->fingerprint, text, BASELINE_FINGERPRINT);
    e->kind = kind;
    e->message = blank ? blank + 1 : "";
    HASH_ADD(hh, b->table, fingerprint[0], BASELINE_FINGERPRINT, e);
    return true;
}

struct baseline *baseline_read_text(const char *name, const char *text, size_t length, struct err *err) {
    struct baseline *b = mem_new(1, sizeof *b);
    unsigned number = 0;
    bool good = true;
    for (const char *at = text, *end = text + length; good && (at < end || !number);) {
        const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        size_t n = (size_t)((stop ? stop : end) - at);
        if (n && at[n - 1] == '\r') n--;
        number++;
        if (number > 1)
            good = baseline_line(b, name, number, at, n, err);
        else if (n != sizeof baseline_head - 1 || memcmp(at, baseline_head, n) != 0)
            good = err_set(err, "%s:1: not a baseline: the first line must be \"%s\"", name, baseline_head);
        at = stop ? stop + 1 : end;
    }
    if (good) return b;
    baseline_free(b);
    return NULL;
}

struct baseline *baseline_read(const char *path, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    struct baseline *b = NULL;
    if (fd < 0) {
        err_set(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > BASELINE_LARGEST)
        err_set(err, "%s: not a regular file of at most 64 MiB", path);
    else {
        char *text = mem_new((size_t)st.st_size + 1, 1);
        ssize_t n = read(fd, text, (size_t)st.st_size);
        if (n < 0)
            err_set(err, "%s: %s", path, strerror(errno));
        else
            b = baseline_read_text(path, text, (size_t)n, err);
        free(text);
    }
    close(fd);
    return b;
}

void baseline_apply(struct baseline *b, struct finding *const *findings, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct baseline_entry *e;
        HASH_FIND(hh, b->table, findings[i]->fingerprint, BASELINE_FINGERPRINT, e);
        findings[i]->baseline = e ? BASELINE_KNOWN : BASELINE_NEW;
        if (e) e->seen = true;
    }
}

size_t baseline_fixed(struct baseline *b, const char *const **lines) {
    b->fixed.n = 0;
    for (struct baseline_entry *e = b->table; e; e = e->hh.next) /* in the order of the file */
        if (!e->seen) vec_push(&b->fixed, arena_printf(&b->arena, "%s: %s (%s)", e->kind, e->message, e->fingerprint));
    *lines = b->fixed.at;
    return b->fixed.n;
}

static int baseline_order(const void *a, const void *b) {
    const struct finding *const *x = a, *const *y = b;
    int kinds = strcmp((*x)->rule->name, (*y)->rule->name);
    return kinds ? kinds : strcmp((*x)->fingerprint, (*y)->fingerprint);
}

static void baseline_print(FILE *out, const struct finding *const *findings, size_t n) {
    const struct finding **sorted = mem_new(n + 1, sizeof *sorted);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!findings[i]->suppressed) sorted[kept++] = findings[i];
    qsort(sorted, kept, sizeof *sorted, baseline_order);
    fprintf(out, "%s\n# Findings that are known: twatch report --baseline=THIS does not fail because of them.\n",
            baseline_head);
    for (size_t i = 0; i < kept; i++) {
        if (i && strcmp(sorted[i]->fingerprint, sorted[i - 1]->fingerprint) == 0) continue;
        fprintf(out, "%s %s ", sorted[i]->fingerprint, sorted[i]->rule->name);
        for (const char *p = sorted[i]->message; *p; p++)
            putc((unsigned char)*p < ' ' || *p == 127 ? '?' : *p, out);
        putc('\n', out);
    }
    free(sorted);
}

bool baseline_write(const char *path, const struct finding *const *findings, size_t n, struct err *err) {
    struct strbuf temporary = {0};
    strbuf_printf(&temporary, "%s.XXXXXX", path);
    int fd = mkostemp(temporary.at, O_CLOEXEC);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good = out != NULL;
    if (out) {
        baseline_print(out, findings, n);
        good = fchmod(fd, 0644) == 0 && fflush(out) == 0 && !ferror(out);
        good = fclose(out) == 0 && good && rename(temporary.at, path) == 0;
    } else if (fd >= 0)
        close(fd);
    if (!good) {
        err_set(err, "%s: %s", path, strerror(errno));
        if (fd >= 0) unlink(temporary.at);
    }
    strbuf_free(&temporary);
    return good;
}
