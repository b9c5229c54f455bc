/* A streaming JSON writer for the printers: it places commas, indents, and escapes. */
#ifndef TWATCH_JSONOUT_H
#define TWATCH_JSONOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSONOUT_DEEPEST = 32 };

struct jsonout {
    FILE *out;
    unsigned depth;
    unsigned flat; /* depth from which on everything stands in one line; 0: nowhere */
    bool filled[JSONOUT_DEEPEST];
};

/* `key` NULL inside arrays and at the top. Text NULL is written as null. */
void jsonout_object(struct jsonout *j, const char *key);
void jsonout_array(struct jsonout *j, const char *key);
void jsonout_end(struct jsonout *j, char bracket); /* '}' or ']' */
void jsonout_text(struct jsonout *j, const char *key, const char *text);
void jsonout_number(struct jsonout *j, const char *key, uint64_t number);
void jsonout_signed(struct jsonout *j, const char *key, int64_t number);
void jsonout_bool(struct jsonout *j, const char *key, bool value);
void jsonout_hex(
        struct jsonout *j, const char *key, uint64_t number); /* "0x1f": numbers past 2^53 are no JSON numbers */

/* From here to the matching jsonout_end everything stands in one line. */
void jsonout_inline(struct jsonout *j, const char *key, char bracket); /* '{' or '[' */

#endif
