/*
 * Text from the watched program, made harmless for each format. In every form control characters, terminal escapes,
 * characters that turn the direction of writing (Unicode TR 36, section 3.6) and broken UTF-8 become visible text such
 * as \x1b and \u202e.
 */
#ifndef TWATCH_ESCAPE_H
#define TWATCH_ESCAPE_H

#include "base/strbuf.h"

#include <stdio.h>

enum escape {
    ESCAPE_TEXT,            /* newlines too become visible: a name cannot start a line of its own */
    ESCAPE_JSON,            /* between the quotes of a JSON string */
    ESCAPE_XML,             /* element text and attribute values of XML and HTML; newlines stay */
    ESCAPE_DOT,             /* between the quotes of a DOT string */
    ESCAPE_GITHUB,          /* the message of a workflow command */
    ESCAPE_GITHUB_PROPERTY, /* a property of a workflow command */
    ESCAPE_URI              /* a path as a URI: percent-encoding of RFC 3986; slashes stay */
};

/* Appends `text`; NULL appends nothing. */
void escape_add(struct strbuf *b, enum escape form, const char *text);

/* The same to a stream. */
void escape_put(FILE *out, enum escape form, const char *text);

/* Columns that a text in ESCAPE_TEXT form takes: one a code point. */
size_t escape_columns(const char *text);

#endif
