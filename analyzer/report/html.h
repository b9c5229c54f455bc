/* Parts of the HTML report; html.c puts them together. Everything from the watched program goes through html_text(). */
#ifndef TWATCH_HTML_H
#define TWATCH_HTML_H

#include "base/strbuf.h"
#include "report/report.h"

#include <stdio.h>

/* Text content or an attribute's value: hidden characters made visible, syntax escaped. */
void html_text(FILE *out, const char *text);

/* The same, cut after `columns` code points with "...". */
void html_text_cut(FILE *out, const char *text, size_t columns);

void html_frame(FILE *out, const struct report *r, const struct symbol_frame *f);

struct html_show {
    bool open;  /* unfolded */
    bool later; /* what is inside becomes part of the page when it is opened; at once where scripts are off */
    bool rich;  /* with source excerpts and the drawing */
};

/* One finding as <details>. */
void html_finding(FILE *out, const struct report *r, const struct finding *f, size_t number, struct html_show show);

/* The locks of a finding as a drawing: an arrow from what a thread holds to what it wants. Nothing when there is
 * nothing to draw. */
void html_graph(FILE *out, const struct finding *f);

/* Life spans of a run's threads with their waits and holds, and the longest of these as a table. */
void html_lives(FILE *out, const struct report *r, uint32_t run);

#endif
