/*
 * From addresses in the trampolines to the instructions they stand for: pairs (offset in the trampolines, offset in
 * .text), the first ascending, each valid up to the next. Stored as differences, with a full entry every so often to
 * begin from. Read only after it is built: any context.
 */
#ifndef TWATCH_RACE_X86_PCMAP_H
#define TWATCH_RACE_X86_PCMAP_H

#include "vec.h"

struct x86_pcpoint {
    uint32_t code, text, bytes;
};

struct x86_pcmap {
    const struct x86_pcpoint *points;
    uint32_t npoints;
    const uint8_t *bytes;
    uint32_t nbytes;
};

struct x86_pcmap_builder {
    struct x86_vec points, bytes;
    uint32_t code, text, count;
};

void x86_pcmap_add(struct x86_pcmap_builder *b, uint32_t code, uint32_t text);
/* The entry that holds for a trampoline offset. 1 and *at, *text, or 0 when it lies before all. */
int x86_pcmap_text(const struct x86_pcmap *map, uint32_t code, uint32_t *at, uint32_t *text);
/* The entry of exactly this text offset, in a map whose text offsets ascend too. 1 and *at, or 0. */
int x86_pcmap_code(const struct x86_pcmap *map, uint32_t text, uint32_t *at);

#endif
