/* An error: one sentence, and where in the input file it is. */
#ifndef TWATCH_ERR_H
#define TWATCH_ERR_H

#include <stdbool.h>
#include <stdint.h>

struct err { /* zero-initialise */
    char text[512];
    uint64_t offset; /* bytes from the start of the file; only when has_offset */
    bool has_offset;
};

/* Both return false, so that a caller can write `return err_at(e, offset, ...)`. `e` may be NULL. */
bool err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool err_at(struct err *e, uint64_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
