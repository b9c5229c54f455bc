/* Decoding, with Zydis. */
#ifndef TWATCH_RACE_X86_DECODE_H
#define TWATCH_RACE_X86_DECODE_H

#include "insn.h"

struct x86_decoder;

/* NULL when there is no memory. */
struct x86_decoder *x86_decoder_new(struct x86_image *image);
void x86_decoder_free(struct x86_decoder *d);

/* Decodes the instruction at offset off of .text, which must end by `end`. 0, or -1 when these bytes are no
 * instruction. */
int x86_decode(struct x86_decoder *d, uint32_t off, uint32_t end, struct x86_insn *out);

#endif
