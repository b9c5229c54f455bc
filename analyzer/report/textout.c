#include "report/textout.h"

#include "report/escape.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTOUT_FRAMES = 12 }; /* of a stack, unless everything was asked for */

void textout_ink(const struct textout *t, enum textout_ink ink) {
    static const char *const codes[] = {[TEXTOUT_PLAIN] = "\033[0m",
            [TEXTOUT_BOLD] = "\033[1m",
            [TEXTOUT_RED] = "\033[1;31m",
            [TEXTOUT_YELLOW] = "\033[1;33m",
            [TEXTOUT_CYAN] = "\033[36m",
            [TEXTOUT_DIM] = "\033[2m"};
    if (t->report->style.color) fputs(codes[ink], t->out);
}

enum textout_ink textout_severity_ink(enum severity severity) {
    return severity == SEVERITY_ERROR ? TEXTOUT_RED : severity == SEVERITY_WARNING ? TEXTOUT_YELLOW : TEXTOUT_CYAN;
}

void textout_indent(const struct textout *t, unsigned columns) {
    fprintf(t->out, "%*s", (int)columns, "");
}

void textout_put(const struct textout *t, enum textout_ink ink, const char *text) {
    if (ink != TEXTOUT_PLAIN) textout_ink(t, ink);
    escape_put(t->out, ESCAPE_TEXT, text);
    if (ink != TEXTOUT_PLAIN) textout_ink(t, TEXTOUT_PLAIN);
}

void textout_wrap(const struct textout *t, unsigned indent, unsigned first, const char *text) {
    struct strbuf b = {0};
    escape_add(&b, ESCAPE_TEXT, text);
    size_t column = first;
    if (!first) textout_indent(t, indent), column = indent;
    bool begun = false;
    for (const char *word = strbuf_text(&b); *word;) {
        size_t length = strcspn(word, " ");
        char *copy = strndup(word, length);
        size_t columns = copy ? escape_columns(copy) : length;
        free(copy);
        if (begun && column + 1 + columns > t->width) {
            putc('\n', t->out);
            textout_indent(t, indent);
            column = indent;
        } else if (begun) {
            putc(' ', t->out);
            column++;
        }
        fwrite(word, 1, length, t->out);
        column += columns;
        begun = true;
        word += length;
        word += *word == ' ';
    }
    putc('\n', t->out);
    strbuf_free(&b);
}

static const char *textout_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* The source line with a mark under the column, tabs widened, cut to the width. */
static void textout_source(const struct textout *t, unsigned indent, const struct symbol_frame *f) {
    const char *line = t->run < t->report->nruns && t->report->runs[t->run].symbols && f->line
                               ? symbol_source_line(t->report->runs[t->run].symbols, f->path, f->line)
                               : NULL;
    if (!line || !*line) return;
    struct strbuf plain = {0}, shown = {0};
    size_t mark = 0, room = t->width > indent + 20 ? t->width - indent - 10 : 20;
    for (size_t i = 0; line[i]; i++) {
        if (f->column && i + 1 == f->column) mark = escape_columns(strbuf_text(&plain)) + 1;
        if (line[i] == '\t')
            strbuf_puts(&plain, "    ");
        else
            strbuf_putc(&plain, line[i]);
    }
    escape_add(&shown, ESCAPE_TEXT, strbuf_text(&plain));
    size_t length = 0, columns = 0;
    for (const char *at = strbuf_text(&shown); at[length] && columns < room; columns++) {
        length++;
        while (((unsigned char)at[length] & 0xc0) == 0x80)
            length++;
    }
    textout_indent(t, indent);
    textout_ink(t, TEXTOUT_DIM);
    fprintf(t->out, "%5u | ", f->line);
    textout_ink(t, TEXTOUT_PLAIN);
    fprintf(t->out, "%.*s%s\n", (int)length, strbuf_text(&shown), length < shown.n ? "..." : "");
    /* A name that had to be escaped is longer on the screen than in the file; then the mark would point elsewhere. */
    if (mark && mark <= room && plain.n == shown.n) {
        textout_indent(t, indent);
        textout_ink(t, TEXTOUT_DIM);
        fprintf(t->out, "      | %*s", (int)mark - 1, "");
        textout_put(t, TEXTOUT_RED, "^");
        putc('\n', t->out);
    }
    strbuf_free(&plain);
    strbuf_free(&shown);
}

static void textout_frame(const struct textout *t, unsigned indent, const struct symbol_frame *f) {
    struct strbuf b = {0};
    report_frame_words(t->report, &b, f);
    textout_indent(t, indent);
    if (f->own) textout_ink(t, TEXTOUT_BOLD);
    escape_put(t->out, ESCAPE_TEXT, strbuf_text(&b));
    if (f->own) textout_ink(t, TEXTOUT_PLAIN);
    putc('\n', t->out);
    strbuf_free(&b);
}

static const char *textout_module(const struct symbol_frame *f) {
    return f->python ? "python" : f->module && *f->module ? textout_base(f->module) : "unknown code";
}

/* A run of library frames in one line: "... 3 frames in libc.so.6, libstdc++.so.6". Returns how many frames it took. */
static size_t textout_fold(const struct textout *t, unsigned indent, const struct symbol_trace *trace, size_t from) {
    size_t n = 0;
    struct strbuf names = {0};
    for (; from + n < trace->nframes && !trace->frames[from + n]->own; n++) {
        const char *module = textout_module(trace->frames[from + n]);
        bool same = n && strcmp(module, textout_module(trace->frames[from + n - 1])) == 0;
        if (!same && names.n < 80) strbuf_printf(&names, "%s%s", names.n ? ", " : "", module);
    }
    textout_indent(t, indent);
    textout_ink(t, TEXTOUT_DIM);
    fprintf(t->out, "... %zu frame%s in ", n, n == 1 ? "" : "s");
    escape_put(t->out, ESCAPE_TEXT, strbuf_text(&names));
    textout_ink(t, TEXTOUT_PLAIN);
    putc('\n', t->out);
    strbuf_free(&names);
    return n;
}

static bool textout_has_own(const struct symbol_trace *trace) {
    for (size_t i = 0; i < trace->nframes; i++)
        if (trace->frames[i]->own) return true;
    return false;
}

void textout_stack(const struct textout *t, unsigned indent, const struct symbol_trace *trace) {
    bool all = t->report->style.verbose, own = textout_has_own(trace), shown_source = false;
    size_t limit = all ? trace->nframes : TEXTOUT_FRAMES;
    if (!trace->nframes) {
        textout_indent(t, indent);
        textout_put(t, TEXTOUT_DIM, "(no stack was recorded)");
        putc('\n', t->out);
    }
    for (size_t i = 0, lines = 0; i < trace->nframes; lines++) {
        if (lines >= limit) {
            textout_indent(t, indent);
            fprintf(t->out, "... %zu more frames (--verbose shows all)\n", trace->nframes - i);
            break;
        }
        const struct symbol_frame *f = trace->frames[i];
        if (!all && own && !f->own) {
            i += textout_fold(t, indent, trace, i);
            continue;
        }
        textout_frame(t, indent, f);
        if (!shown_source && (f->own || !own)) textout_source(t, indent, f), shown_source = true;
        i++;
    }
    if (trace->cut) {
        textout_indent(t, indent);
        fputs("... (what called this is not recorded)\n", t->out);
    }
}

void textout_place(const struct textout *t, struct strbuf *b, uint32_t stack, uint64_t site) {
    const struct symbol_frame *f = symbol_first_own(report_trace(t->report, t->run, stack, site));
    if (f) report_frame_words(t->report, b, f);
}

void textout_duration(struct strbuf *b, uint64_t ns) {
    double x = (double)ns;
    if (x < 1e3)
        strbuf_printf(b, "%.0f ns", x);
    else if (x < 1e6)
        strbuf_printf(b, "%.*f us", x < 1e4 ? 1 : 0, x / 1e3);
    else if (x < 1e9)
        strbuf_printf(b, "%.*f ms", x < 1e7 ? 1 : 0, x / 1e6);
    else if (x < 600e9)
        strbuf_printf(b, "%.*f s", x < 1e10 ? 1 : 0, x / 1e9);
    else
        strbuf_printf(b, "%.0f min", x / 60e9);
}
