/* What the text printers share: colours, wrapping, stacks with source lines. */
#ifndef TWATCH_TEXTOUT_H
#define TWATCH_TEXTOUT_H

#include "base/strbuf.h"
#include "report/report.h"

#include <stdio.h>

enum textout_ink { TEXTOUT_PLAIN, TEXTOUT_BOLD, TEXTOUT_RED, TEXTOUT_YELLOW, TEXTOUT_CYAN, TEXTOUT_DIM };

struct textout {
    FILE *out;
    const struct report *report;
    unsigned width;
    uint32_t run; /* whose stacks are printed */
};

/* Switches the colour when the style has colours. */
void textout_ink(const struct textout *t, enum textout_ink ink);
enum textout_ink textout_severity_ink(enum severity severity);

void textout_indent(const struct textout *t, unsigned columns);

/* Escaped text in one colour. */
void textout_put(const struct textout *t, enum textout_ink ink, const char *text);

/* A paragraph, broken at spaces to fit the width; `first` columns of its first line are used already. Ends with a
 * newline. */
void textout_wrap(const struct textout *t, unsigned indent, unsigned first, const char *text);

/* A whole stack: own frames forward, libraries folded, the source line of the first own frame marked. */
void textout_stack(const struct textout *t, unsigned indent, const struct symbol_trace *trace);

/* The first own frame of a place in words, "" when nothing is known. */
void textout_place(const struct textout *t, struct strbuf *b, uint32_t stack, uint64_t site);

/* "41 s", "2.5 ms". */
void textout_duration(struct strbuf *b, uint64_t ns);

#endif
