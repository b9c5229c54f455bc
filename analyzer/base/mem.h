/*
 * Memory for the analyzer. Its inputs bound what it asks for (a small multiple of the record's size), so a refused
 * request means that the machine is out of memory: the program says so and ends with exit status 125, instead of every
 * caller carrying a path that no test reaches.
 */
#ifndef TWATCH_MEM_H
#define TWATCH_MEM_H

#include <stddef.h>

/* Zeroed memory for n elements of `size` bytes; never NULL. Freed with free(). */
void *mem_new(size_t n, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));

/* As realloc() for n elements; never NULL. New memory is not zeroed. */
void *mem_grow(void *old, size_t n, size_t size) __attribute__((returns_nonnull, warn_unused_result));

/* Says that memory is out and ends the program with status 125. */
void mem_out(void) __attribute__((noreturn));

#endif
