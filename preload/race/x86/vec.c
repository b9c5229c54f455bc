/* Growing arrays in private mappings. */
#define _GNU_SOURCE
#include "vec.h"

#include <sys/mman.h>

int x86_vec_enlarge(struct x86_vec *v, size_t bytes) {
    size_t size = v->mapped ? v->mapped * 2 : 1u << 16;
    if (v->failed) return -1;
    while (size < v->used + bytes)
        size *= 2;
    void *data = v->mapped ? mremap(v->data, v->mapped, size, MREMAP_MAYMOVE)
                           : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        v->failed = 1;
        return -1;
    }
    v->data = data;
    v->mapped = size;
    return 0;
}

void x86_vec_free(struct x86_vec *v) {
    if (v->mapped) munmap(v->data, v->mapped);
    *v = (struct x86_vec){0};
}
