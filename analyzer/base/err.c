#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

/* Errors quote what is wrong, and go to a terminal: control characters (C0, DEL, C1 in UTF-8) become question marks. */
static void err_plain(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < ' ' || *p == 127) *p = '?';
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) p[0] = p[1] = '?';
    }
}

bool err_set(struct err *e, const char *format, ...) {
    if (!e) return false;
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    err_plain(e->text);
    e->has_offset = false;
    return false;
}

bool err_at(struct err *e, uint64_t offset, const char *format, ...) {
    if (!e) return false;
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    err_plain(e->text);
    e->offset = offset;
    e->has_offset = true;
    return false;
}
