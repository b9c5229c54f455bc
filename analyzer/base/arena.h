/* An arena: many small allocations, given back together. */
#ifndef TWATCH_ARENA_H
#define TWATCH_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena { /* zero-initialise; free with arena_free */
    struct arena_block *blocks;
    char *at, *end;
};

/* `size` zeroed bytes, aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));

/* n elements of `size` bytes, zeroed; never NULL (an overflowing product counts as out of memory). */
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((returns_nonnull));

/* Copies of text. NULL stays NULL. */
char *arena_str(struct arena *a, const char *text);
char *arena_strn(struct arena *a, const char *text, size_t length) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3), returns_nonnull));
char *arena_vprintf(struct arena *a, const char *format, va_list args)
        __attribute__((format(printf, 2, 0), returns_nonnull));

void arena_free(struct arena *a);

#endif
