#include "base/arena.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 64 * 1024, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size;
} __attribute__((aligned(ARENA_ALIGN)));

static void *arena_large(struct arena *a, size_t size) {
    struct arena_block *b = mem_new(1, sizeof *b + size);
    /* Behind the current block, which keeps serving small requests. */
    if (a->blocks) {
        b->next = a->blocks->next;
        a->blocks->next = b;
    } else {
        a->blocks = b;
    }
    b->size = size;
    return b + 1;
}

void *arena_alloc(struct arena *a, size_t size) {
    if (size > SIZE_MAX / 2) mem_out();
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (size == 0) size = ARENA_ALIGN;
    if (size > (size_t)(a->end - a->at)) {
        if (size > ARENA_BLOCK / 4) return arena_large(a, size);
        struct arena_block *b = mem_new(1, sizeof *b + ARENA_BLOCK);
        b->next = a->blocks;
        b->size = ARENA_BLOCK;
        a->blocks = b;
        a->at = (char *)(b + 1);
        a->end = a->at + ARENA_BLOCK;
    }
    void *p = a->at;
    a->at += size;
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) mem_out();
    return arena_alloc(a, bytes);
}

char *arena_strn(struct arena *a, const char *text, size_t length) {
    char *copy = arena_alloc(a, length + 1);
    if (length) memcpy(copy, text, length);
    return copy;
}

char *arena_str(struct arena *a, const char *text) {
    return text ? arena_strn(a, text, strlen(text)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    size_t length = n < 0 ? 0 : (size_t)n;
    char *text = arena_alloc(a, length + 1);
    vsnprintf(text, length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}

void arena_free(struct arena *a) {
    for (struct arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (struct arena){0};
}
