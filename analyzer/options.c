#include "options.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum option_type { OPT_BOOL, OPT_INT, OPT_SECONDS, OPT_SIZE, OPT_STRING, OPT_ENUM };

#define BOOL OPT_BOOL, "on|off"
#define INT OPT_INT, "number"
#define SECONDS OPT_SECONDS, "seconds"
#define SIZE OPT_SIZE, "size"
#define STRING OPT_STRING, "text"
#define ENUM(words) OPT_ENUM, words
#define OPTION_ROW(key, type, words, fallback, help) {#key, type, words, fallback, help},
#define OPTION_EXPAND(...) OPTION_ROW(__VA_ARGS__)
static const struct option_row {
    const char *key;
    enum option_type type;
    const char *words, *fallback, *help;
} option_rows[] = {
#define OPTION(key, type, fallback, help) OPTION_EXPAND(key, type, fallback, help)
#include "options.def"
#undef OPTION
};

static int option_find(const char *key, size_t length) {
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char *name = option_rows[i].key;
        size_t k = 0;
        while (k < length && name[k] && (name[k] == key[k] || (name[k] == '_' && key[k] == '-')))
            k++;
        if (k == length && !name[k]) return i;
    }
    return -1;
}

bool options_known(const char *key) {
    return option_find(key, strlen(key)) >= 0;
}

bool options_is_text(const char *key) {
    int i = option_find(key, strlen(key));
    return i >= 0 && option_rows[i].type == OPT_STRING;
}

static bool option_word(const char *words, const char *value) {
    size_t n = strlen(value);
    for (const char *w = words; w; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL)
        if (n && !strchr(value, '|') && strncmp(w, value, n) == 0 && (w[n] == '|' || w[n] == '\0')) return true;
    return false;
}

static bool option_number(const char *value, const char *units, bool minus, bool fraction) {
    if (minus && *value == '-') value++;
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 15) return false;
    value += digits;
    if (fraction && *value == '.') value += 1 + strspn(value + 1, "0123456789");
    if (*value && strchr(units, *value)) value++;
    return *value == '\0';
}

static bool option_good(const struct option_row *row, const char *value) {
    switch (row->type) {
    case OPT_BOOL:
        return option_word("1|on|true|yes|0|off|false|no", value);
    case OPT_INT:
        return option_number(value, "", true, false);
    case OPT_SECONDS:
        return option_number(value, "s", false, true);
    case OPT_SIZE:
        return option_number(value, "kKmMgG", false, false);
    case OPT_STRING:
        return true;
    case OPT_ENUM:
        return option_word(row->words, value);
    }
    return false;
}

bool options_set(struct options *o, const char *key, const char *value, enum option_source source, struct err *err) {
    int i = option_find(key, strlen(key));
    if (i < 0) return err_set(err, "there is no option \"%.100s\"", key);
    if (!option_good(&option_rows[i], value))
        return err_set(err, "%s=%.100s: the value must be %s%s", option_rows[i].key, value,
                option_rows[i].type == OPT_ENUM ? "one of " : "a ", option_rows[i].words);
    if (o->value[i] && o->source[i] > source) return true;
    char *copy = strdup(value);
    if (!copy) mem_out();
    free(o->value[i]);
    o->value[i] = copy;
    o->source[i] = source;
    return true;
}

static bool option_separates(char c) {
    return c == ':' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes one key=value off *at into buf, with quotes removed; false at the end. */
static bool option_next(const char **at, struct strbuf *buf) {
    const char *p = *at;
    while (option_separates(*p))
        p++;
    buf->n = 0;
    strbuf_puts(buf, "");
    if (!*p) return false;
    for (char quote = 0; *p && (quote || !option_separates(*p)); p++) {
        if (quote && *p == quote)
            quote = 0;
        else if (!quote && (*p == '"' || *p == '\'') && buf->n && buf->at[buf->n - 1] == '=')
            quote = *p;
        else
            strbuf_putc(buf, *p);
    }
    *at = p;
    return true;
}

int options_parse(struct options *o, const char *text, enum option_source source, struct err *err) {
    struct strbuf item = {0};
    int mistakes = 0;
    while (option_next(&text, &item)) {
        struct err mistake = {0};
        char *equals = strchr(item.at, '=');
        bool good = equals != NULL;
        if (equals) {
            *equals = '\0';
            good = options_set(o, item.at, equals + 1, source, &mistake);
        } else {
            err_set(&mistake, "\"%.100s\" is not of the form key=value", item.at);
        }
        if (!good && mistakes++ == 0 && err) *err = mistake;
    }
    strbuf_free(&item);
    return mistakes;
}

/* ---- .twatch.conf ---- */

/* One `key = value` a line, # comments. */
static int option_file_line(struct options *o, const char *path, unsigned number, char *line) {
    struct err err = {0};
    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || *line == '#') return 0;
    char *equals = strchr(line, '=');
    if (!equals) {
        fprintf(stderr, "twatch: %s:%u: a line must read key = value\n", path, number);
        return 1;
    }
    char *value = equals + 1 + strspn(equals + 1, " \t"), *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    do
        *equals-- = '\0';
    while (equals > line && (*equals == ' ' || *equals == '\t'));
    if (options_set(o, line, value, OPTION_FILE, &err)) return 0;
    fprintf(stderr, "twatch: %s:%u: %s\n", path, number, err.text);
    return 1;
}

static int option_file(struct options *o, const char *path) {
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    char *line = NULL;
    size_t room = 0;
    int mistakes = 0;
    o->file = strdup(path);
    unsigned number = 1;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0; number++) {
        if (strlen(line) == (size_t)n) {
            mistakes += option_file_line(o, path, number, line);
            continue;
        }
        fprintf(stderr, "twatch: %s:%u: the line holds a NUL byte: is this a text file?\n", path, number);
        mistakes++;
    }
    free(line);
    fclose(f);
    return mistakes;
}

/* Upwards from the working directory; only files of this user or root: a report must not be steered by a stranger's
 * directory. */
static int option_search(struct options *o) {
    char path[4200];
    if (!getcwd(path, 4096)) return 0;
    for (size_t n = strlen(path);; path[n] = '\0') {
        struct stat st;
        snprintf(path + n, sizeof path - n, "%s.twatch.conf", n && path[n - 1] == '/' ? "" : "/");
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_uid == getuid() || st.st_uid == 0))
            return option_file(o, path);
        if (n <= 1) return 0;
        while (n > 1 && path[--n] != '/')
            ;
    }
}

int options_load(struct options *o) {
    *o = (struct options){0};
    struct err err = {0};
    int mistakes = option_search(o);
    const char *text = getenv("TWATCH_OPTIONS");
    int wrong = text ? options_parse(o, text, OPTION_ENVIRONMENT, &err) : 0;
    if (wrong) fprintf(stderr, "twatch: TWATCH_OPTIONS: %s\n", err.text);
    return mistakes + wrong;
}

void options_free(struct options *o) {
    for (int i = 0; i < OPTION_COUNT; i++)
        free(o->value[i]);
    free(o->file);
    *o = (struct options){0};
}

/* ---- values ---- */

const char *options_text(const struct options *o, enum option_key key) {
    return o->value[key] ? o->value[key] : option_rows[key].fallback;
}

bool options_bool(const struct options *o, enum option_key key) {
    return option_word("1|on|true|yes", options_text(o, key));
}

int64_t options_int(const struct options *o, enum option_key key) {
    return strtoll(options_text(o, key), NULL, 10);
}

void options_export(const struct options *o, struct strbuf *out) {
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!o->value[i]) continue;
        char quote = strchr(o->value[i], '\'') ? '"' : '\'';
        strbuf_printf(out, "%s%s=%c%s%c", out->n ? ":" : "", option_rows[i].key, quote, o->value[i], quote);
    }
}

void options_print(FILE *out, const struct options *o) {
    static const char *const source[] = {"default", "file", "environment", "command line"};
    fprintf(out, "Options: on the command line as --key=value, in TWATCH_OPTIONS=\"key=value:key=value\", or a line "
                 "each in .twatch.conf\n\n");
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        fprintf(out, "  %s=%s\n      %s\n      now \"%s\" (%s)\n", row->key, row->words, row->help,
                options_text(o, (enum option_key)i), source[o->value[i] ? o->source[i] : OPTION_DEFAULT]);
    }
    if (o->file) fprintf(out, "\nfile: %s\n", o->file);
}

/* roff: a dash that is no hyphen, and what would begin an escape. */
static void option_roff(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '\\' || *text == '-') putc('\\', out);
        putc(*text == '\\' ? 'e' : *text, out);
    }
}

void options_print_man(FILE *out) {
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        bool words = row->type == OPT_BOOL || row->type == OPT_ENUM;
        fprintf(out, ".TP\n.%s ", words ? "B" : "BI");
        fprintf(out, words ? "%s=" : "%s= ", row->key);
        option_roff(out, row->words);
        fputs("\n\\&", out); /* a line may begin with a dot */
        option_roff(out, row->help);
        if (*row->fallback) {
            fputs(" (unless given: ", out);
            option_roff(out, row->fallback);
            putc(')', out);
        }
        fputs(".\n", out);
    }
}
