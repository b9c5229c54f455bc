/* A growing text buffer, always NUL-terminated once something was added. */
#ifndef TWATCH_STRBUF_H
#define TWATCH_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf { /* zero-initialise; free with strbuf_free */
    char *at;
    size_t n, cap;
};

void strbuf_add(struct strbuf *b, const char *text, size_t length);
void strbuf_puts(struct strbuf *b, const char *text);
void strbuf_putc(struct strbuf *b, char c);
void strbuf_printf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* The text so far; "" when nothing was added. Good until the next call. */
const char *strbuf_text(const struct strbuf *b);

void strbuf_free(struct strbuf *b);

#endif
