#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

void mem_out(void) {
    static const char text[] = "twatch: out of memory\n";
    ssize_t ignored = write(2, text, sizeof text - 1);
    (void)ignored;
    _exit(125);
}

void *mem_new(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p) mem_out();
    return p;
}

void *mem_grow(void *old, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n ? n : 1, size ? size : 1, &bytes)) mem_out();
    void *p = realloc(old, bytes);
    if (!p) mem_out();
    return p;
}
