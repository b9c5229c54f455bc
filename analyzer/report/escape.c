#include "report/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct escape_unit {
    const char *at;
    size_t length;
    uint32_t code; /* code point, or the byte when it is no UTF-8 */
    bool broken;
};

/* One code point of UTF-8 as the Unicode Standard (table 3-7) has it: no overlong forms, no surrogates, nothing past
 * U+10FFFF. */
static struct escape_unit escape_next(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    struct escape_unit broken = {text, 1, p[0], true};
    if (p[0] < 0x80) return (struct escape_unit){text, 1, p[0], false};
    unsigned more = p[0] >= 0xc2 && p[0] <= 0xdf   ? 1
                    : p[0] >= 0xe0 && p[0] <= 0xef ? 2
                    : p[0] >= 0xf0 && p[0] <= 0xf4 ? 3
                                                   : 0;
    if (!more) return broken;
    uint32_t code = p[0] & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) return broken;
        code = code << 6 | (p[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return broken;
    return (struct escape_unit){text, more + 1, code, false};
}

static bool escape_hidden(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

static void escape_show(struct strbuf *b, enum escape form, const struct escape_unit *u) {
    const char *slash = form == ESCAPE_DOT ? "\\\\" : "\\";
    if (u->broken || u->code < 0x100)
        strbuf_printf(b, "%sx%02x", slash, u->code);
    else if (u->code < 0x10000)
        strbuf_printf(b, "%su%04x", slash, u->code);
    else
        strbuf_printf(b, "%sU%08x", slash, u->code);
}

static void escape_json(struct strbuf *b, const struct escape_unit *u) {
    if (u->broken)
        strbuf_puts(b, "\\ufffd");
    else if (u->code == '"' || u->code == '\\')
        strbuf_printf(b, "\\%c", (int)u->code);
    else if (u->code == '\n')
        strbuf_puts(b, "\\n");
    else if (u->code == '\t')
        strbuf_puts(b, "\\t");
    else if (u->code >= 0x10000 && escape_hidden(u->code))
        strbuf_printf(
                b, "\\u%04x\\u%04x", 0xd800 + ((u->code - 0x10000) >> 10), 0xdc00 + ((u->code - 0x10000) & 0x3ff));
    else if (escape_hidden(u->code))
        strbuf_printf(b, "\\u%04x", u->code);
    else
        strbuf_add(b, u->at, u->length);
}

static void escape_uri(struct strbuf *b, const struct escape_unit *u) {
    if (!u->broken && u->length == 1 &&
            (strchr("-._~/+@!$&'()*,;=", (int)u->code) || (u->code >= '0' && u->code <= '9') ||
                    (u->code >= 'A' && u->code <= 'Z') || (u->code >= 'a' && u->code <= 'z'))) {
        strbuf_add(b, u->at, 1);
        return;
    }
    for (size_t i = 0; i < u->length; i++)
        strbuf_printf(b, "%%%02X", (unsigned char)u->at[i]);
}

/* What stands for one visible character in the syntax of a format; NULL: itself. */
static const char *escape_syntax(enum escape form, uint32_t c) {
    switch (form) {
    case ESCAPE_XML:
        return c == '&'    ? "&amp;"
               : c == '<'  ? "&lt;"
               : c == '>'  ? "&gt;"
               : c == '"'  ? "&quot;"
               : c == '\'' ? "&#39;"
                           : NULL;
    case ESCAPE_DOT:
        return c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
    case ESCAPE_GITHUB_PROPERTY:
        if (c == ':') return "%3A";
        if (c == ',') return "%2C";
        /* fall through */
    case ESCAPE_GITHUB:
        return c == '%' ? "%25" : c == '\n' ? "%0A" : NULL;
    case ESCAPE_TEXT:
        return c == '\n' ? "\\n" : c == '\t' ? "\\t" : NULL;
    case ESCAPE_JSON:
    case ESCAPE_URI:
        break;
    }
    return NULL;
}

void escape_add(struct strbuf *b, enum escape form, const char *text) {
    bool keeps_lines = form == ESCAPE_XML;
    while (text && *text) {
        struct escape_unit u = escape_next(text);
        text += u.length;
        const char *syntax = u.broken ? NULL : escape_syntax(form, u.code);
        if (form == ESCAPE_JSON)
            escape_json(b, &u);
        else if (form == ESCAPE_URI)
            escape_uri(b, &u);
        else if (syntax)
            strbuf_puts(b, syntax);
        else if (keeps_lines && (u.code == '\n' || u.code == '\t'))
            strbuf_putc(b, (char)u.code);
        else if (u.broken || escape_hidden(u.code))
            escape_show(b, form, &u);
        else
            strbuf_add(b, u.at, u.length);
    }
}

void escape_put(FILE *out, enum escape form, const char *text) {
    /* Names are short and mostly harmless: the common case is one write without a copy. */
    if (!text) return;
    size_t plain = 0;
    if (form != ESCAPE_URI)
        while (text[plain] >= ' ' && text[plain] < 0x7f && text[plain] != '\\' && text[plain] != '"' &&
                !escape_syntax(form, (uint32_t)text[plain]))
            plain++;
    fwrite(text, 1, plain, out);
    if (!text[plain]) return;
    struct strbuf b = {0};
    escape_add(&b, form, text + plain);
    fwrite(strbuf_text(&b), 1, b.n, out);
    strbuf_free(&b);
}

size_t escape_columns(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}
