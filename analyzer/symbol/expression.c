/* symbol_expression(): what a piece of C or C++ source touches, by the column that the compiler gave an instruction. */
#include "symbol/cache.h"
#include "symbol/symbol.h"

#include <ctype.h>
#include <string.h>

static bool expression_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* The start of the bracket that closes at `at`; SIZE_MAX when it opens on another line. */
static size_t expression_open(const char *line, size_t at) {
    int depth = 0;
    for (size_t i = at + 1; i-- > 0;) {
        if (line[i] == ']' || line[i] == ')')
            depth++;
        else if ((line[i] == '[' || line[i] == '(') && --depth == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Where the postfix expression that ends before `end` starts: names, brackets, and the dots and arrows between them. */
static size_t expression_start(const char *line, size_t end) {
    size_t at = end;
    for (;;) {
        size_t before = at;
        while (at && (line[at - 1] == ']' || line[at - 1] == ')')) {
            size_t open = expression_open(line, at - 1);
            if (open == SIZE_MAX) return end;
            at = open;
        }
        while (at && expression_word(line[at - 1]))
            at--;
        if (at == before) return end;
        if (at >= 1 && line[at - 1] == '.')
            at -= 1;
        else if (at >= 2 && line[at - 1] == '>' && line[at - 2] == '-')
            at -= 2;
        else
            return at;
    }
}

/* The end of the member or element that begins at `at`, a dot, an arrow or a bracket. */
static size_t expression_end(const char *line, size_t at) {
    if (line[at] == '[') {
        int depth = 0;
        for (; line[at]; at++) {
            if (line[at] == '[') depth++;
            if (line[at] == ']' && --depth == 0) return at + 1;
        }
        return 0;
    }
    at += line[at] == '.' ? 1 : 2;
    size_t word = at;
    while (expression_word(line[at]))
        at++;
    return at > word ? at : 0;
}

static size_t expression_skip_back(const char *line, size_t at) {
    while (at && isspace((unsigned char)line[at - 1]))
        at--;
    return at;
}

const char *symbol_expression(struct symbols *s, const struct symbol_frame *f) {
    const char *line = f && f->column && !f->python ? symbol_source_line(s, f->path, f->line) : NULL;
    size_t at = f ? f->column - 1 : 0, from, to;
    if (!line || at >= strlen(line)) return NULL;
    if (line[at] == '.' || line[at] == '[' ||
            (line[at] == '-' && line[at + 1] == '>')) { /* GCC points at the operator of an access */
        to = expression_end(line, at);
        from = expression_start(line, at);
    } else if (strchr("=+-*/%&|^<>", line[at])) { /* of an assignment: what stands left of it */
        to = expression_skip_back(line, at);
        from = expression_start(line, to);
    } else if (expression_word(line[at]) &&
               (at == 0 || !expression_word(line[at - 1]))) { /* Clang points at the member's name */
        to = at;
        while (expression_word(line[to]))
            to++;
        from = expression_start(line, to);
    } else
        return NULL;
    if (to <= from || to - from > 60 || !isalpha((unsigned char)line[from])) return NULL;
    const char *text = arena_strn(&s->arena, line + from, to - from);
    /* A plain word may be a local pointer, a function or a type: only a member or an element says what is touched. */
    return strstr(text, "->") || strchr(text, '.') || strchr(text, '[') ? text : NULL;
}
