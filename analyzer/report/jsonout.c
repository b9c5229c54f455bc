#include "report/jsonout.h"

#include "report/escape.h"

#include <inttypes.h>

static void jsonout_indent(struct jsonout *j) {
    if (j->flat && j->depth >= j->flat) return;
    putc('\n', j->out);
    for (unsigned i = 0; i < j->depth; i++)
        putc(' ', j->out);
}

static void jsonout_begin(struct jsonout *j, const char *key) {
    bool flat = j->flat && j->depth >= j->flat;
    if (j->depth) {
        if (j->filled[j->depth]) fputs(flat ? ", " : ",", j->out);
        jsonout_indent(j);
        j->filled[j->depth] = true;
    }
    if (key) fprintf(j->out, "\"%s\": ", key);
}

static void jsonout_open(struct jsonout *j, const char *key, char bracket) {
    jsonout_begin(j, key);
    putc(bracket, j->out);
    if (j->depth + 1 < JSONOUT_DEEPEST) j->depth++;
    j->filled[j->depth] = false;
}

void jsonout_object(struct jsonout *j, const char *key) {
    jsonout_open(j, key, '{');
}

void jsonout_array(struct jsonout *j, const char *key) {
    jsonout_open(j, key, '[');
}

void jsonout_inline(struct jsonout *j, const char *key, char bracket) {
    jsonout_open(j, key, bracket);
    if (!j->flat) j->flat = j->depth;
}

void jsonout_end(struct jsonout *j, char bracket) {
    bool filled = j->filled[j->depth], flat = j->flat && j->depth >= j->flat;
    if (j->flat == j->depth) j->flat = 0;
    j->depth--;
    if (filled && !flat) jsonout_indent(j);
    putc(bracket, j->out);
    if (!j->depth) putc('\n', j->out);
}

void jsonout_text(struct jsonout *j, const char *key, const char *text) {
    jsonout_begin(j, key);
    if (!text) {
        fputs("null", j->out);
        return;
    }
    putc('"', j->out);
    escape_put(j->out, ESCAPE_JSON, text);
    putc('"', j->out);
}

void jsonout_number(struct jsonout *j, const char *key, uint64_t number) {
    jsonout_begin(j, key);
    fprintf(j->out, "%" PRIu64, number);
}

void jsonout_signed(struct jsonout *j, const char *key, int64_t number) {
    jsonout_begin(j, key);
    fprintf(j->out, "%" PRId64, number);
}

void jsonout_bool(struct jsonout *j, const char *key, bool value) {
    jsonout_begin(j, key);
    fputs(value ? "true" : "false", j->out);
}

void jsonout_hex(struct jsonout *j, const char *key, uint64_t number) {
    jsonout_begin(j, key);
    fprintf(j->out, "\"0x%" PRIx64 "\"", number);
}
