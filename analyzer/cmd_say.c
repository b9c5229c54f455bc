#include "cmd.h"
#include "report/escape.h"

#include <stdarg.h>

void cmd_say(const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) mem_out();
    fputs("twatch: ", stderr);
    escape_put(stderr, ESCAPE_TEXT, text);
    fputc('\n', stderr);
    free(text);
}
