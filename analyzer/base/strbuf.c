#include "base/strbuf.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void strbuf_reserve(struct strbuf *b, size_t more) {
    if (more > SIZE_MAX / 4) mem_out();
    if (b->n + more + 1 <= b->cap) return;
    size_t cap = b->cap ? b->cap * 2 : 128;
    if (cap < b->n + more + 1) cap = b->n + more + 1;
    b->at = mem_grow(b->at, cap, 1);
    b->cap = cap;
}

void strbuf_add(struct strbuf *b, const char *text, size_t length) {
    strbuf_reserve(b, length);
    if (length) memcpy(b->at + b->n, text, length);
    b->n += length;
    b->at[b->n] = '\0';
}

void strbuf_puts(struct strbuf *b, const char *text) {
    strbuf_add(b, text, strlen(text));
}

void strbuf_putc(struct strbuf *b, char c) {
    strbuf_add(b, &c, 1);
}

void strbuf_vprintf(struct strbuf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n > 0) {
        strbuf_reserve(b, (size_t)n);
        vsnprintf(b->at + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void strbuf_printf(struct strbuf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    strbuf_vprintf(b, format, args);
    va_end(args);
}

const char *strbuf_text(const struct strbuf *b) {
    return b->at ? b->at : "";
}

void strbuf_free(struct strbuf *b) {
    free(b->at);
    *b = (struct strbuf){0};
}
