/*
 * Options of both halves (preload/options.def): where each value came from, and the same meaning as the library gives
 * it. Sources, weakest first: the default, .twatch.conf found upwards from the working directory, TWATCH_OPTIONS, the
 * command line.
 */
#ifndef TWATCH_OPTIONS_H
#define TWATCH_OPTIONS_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum option_key {
#define OPTION(key, type, fallback, help) OPTION_##key,
#include "options.def"
#undef OPTION
    OPTION_COUNT
};

enum option_source { OPTION_DEFAULT, OPTION_FILE, OPTION_ENVIRONMENT, OPTION_COMMAND };

struct options {
    char *value[OPTION_COUNT]; /* NULL: the default */
    enum option_source source[OPTION_COUNT];
    char *file; /* path of the .twatch.conf that was read; NULL none */
};

/* Reads the file and the environment. Each mistake is one line on stderr that names it and is otherwise ignored;
 * returns how many there were. */
int options_load(struct options *o);
void options_free(struct options *o);

/* One value; a weaker source does not replace a stronger one. `-` and `_` are the same in a key. False with *err for an
 * unknown key or a bad value. */
bool options_set(struct options *o, const char *key, const char *value, enum option_source source, struct err *err);

/* "key=value:key=value", as the library reads it; the first mistake is in *err, the rest is still read. Returns the
 * number of mistakes. */
int options_parse(struct options *o, const char *text, enum option_source source, struct err *err);

bool options_known(const char *key);
bool options_is_text(const char *key); /* its value may be any text: a file, a pattern */

const char *options_text(const struct options *o, enum option_key key);
bool options_bool(const struct options *o, enum option_key key);
int64_t options_int(const struct options *o, enum option_key key);

/* All values that are not defaults, but for those of `skip`, as text for TWATCH_OPTIONS. */
void options_export(const struct options *o, struct strbuf *out);

/* The table with where each value came from. */
void options_print(FILE *out, const struct options *o);

/* The table for the manual page: key, values, help, default. */
void options_print_man(FILE *out);

#endif
