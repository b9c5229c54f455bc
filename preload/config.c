/*
 * TWATCH_OPTIONS="key=value:key=value", blanks and newlines separate too; a value with a separator in it stands in ' or
 * ". The table is options.def. Runs once, in the constructor, before any other thread: plain statics, no allocation, no
 * libc.
 */
#include "config.h"

#include "sys.h"

enum type { TYPE_BOOL, TYPE_INT, TYPE_SECONDS, TYPE_SIZE, TYPE_STRING, TYPE_ENUM };

#define BOOL TYPE_BOOL, NULL
#define INT TYPE_INT, NULL
#define SECONDS TYPE_SECONDS, NULL
#define SIZE TYPE_SIZE, NULL
#define STRING TYPE_STRING, NULL
#define ENUM(words) TYPE_ENUM, words
#define ROW(key, type, words, fallback, help) {#key, type, words, fallback, help},
#define ROW2(...) ROW(__VA_ARGS__)
static const struct row {
    const char *key;
    enum type type;
    const char *words; /* ENUM: a|b|c */
    const char *fallback, *help;
} rows[TW_OPTION_COUNT] = {
#define OPTION(key, type, fallback, help) ROW2(key, type, fallback, help)
#include "options.def"
#undef OPTION
};

enum { TEXT_MAX = 16384, LIMIT = 4096 };
static char texts[TEXT_MAX]; /* copies of the values, each ended by NUL */
static size_t texts_used;
static struct {
    const char *text;
    int64_t number;
} values[TW_OPTION_COUNT];

int64_t tw_config_number(enum tw_option key) {
    return values[key].number;
}
const char *tw_config_text(enum tw_option key) {
    return values[key].text ? values[key].text : "";
}

static int row_by_name(const char *key, size_t length) {
    for (int i = 0; i < TW_OPTION_COUNT; i++)
        if (tw_sys_length(rows[i].key) == length && tw_sys_equal(rows[i].key, key, length)) return i;
    return -1;
}

const char *tw_config_by_name(const char *key) {
    int i = row_by_name(key, tw_sys_length(key));
    return i < 0 ? NULL : tw_config_text((enum tw_option)i);
}

/* Index of a word in "a|b|c", -1 if it is not there. */
static int64_t word_index(const char *words, const char *value) {
    size_t n = tw_sys_length(value);
    for (int64_t index = 0;; index++) {
        size_t length = 0;
        while (words[length] && words[length] != '|')
            length++;
        if (length == n && tw_sys_equal(words, value, n)) return index;
        if (!words[length]) return -1;
        words += length + 1;
    }
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Digits up to 10^15; advances *p. */
static bool parse_digits(const char **p, int64_t *out) {
    if (!is_digit(**p)) return false;
    for (*out = 0; is_digit(**p); ++*p) {
        if (*out > 100000000000000) return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

static bool parse_bool(const char *v, int64_t *out) {
    int64_t yes = word_index("1|on|true|yes", v);
    if (yes < 0 && word_index("0|off|false|no", v) < 0) return false;
    *out = yes >= 0;
    return true;
}

static bool parse_int(const char *v, int64_t *out) {
    bool minus = *v == '-';
    if (minus) v++;
    if (!parse_digits(&v, out) || *v) return false;
    if (minus) *out = -*out;
    return true;
}

static bool parse_size(const char *v, int64_t *out) {
    if (!parse_digits(&v, out) || *out > INT64_MAX >> 31) return false;
    int shift = *v == 'k' || *v == 'K' ? 10 : *v == 'm' || *v == 'M' ? 20 : *v == 'g' || *v == 'G' ? 30 : 0;
    if (shift) v++;
    *out <<= shift;
    return *v == '\0';
}

/* Seconds with up to nine decimals, as nanoseconds. */
static bool parse_seconds(const char *v, int64_t *out) {
    int64_t whole;
    if (!parse_digits(&v, &whole) || whole > INT64_MAX / 1000000000 - 1) return false;
    int64_t fraction = 0, scale = 1000000000;
    if (*v == '.')
        for (v++; is_digit(*v); v++)
            if (scale > 1) scale /= 10, fraction = fraction * 10 + (*v - '0');
    if (*v == 's') v++;
    *out = whole * 1000000000 + fraction * scale;
    return *v == '\0';
}

static bool parse_value(const struct row *row, const char *value, int64_t *out) {
    *out = 0;
    switch (row->type) {
    case TYPE_BOOL:
        return parse_bool(value, out);
    case TYPE_INT:
        return parse_int(value, out);
    case TYPE_SECONDS:
        return parse_seconds(value, out);
    case TYPE_SIZE:
        return parse_size(value, out);
    case TYPE_STRING:
        return true;
    case TYPE_ENUM:
        *out = word_index(row->words, value);
        return *out >= 0;
    }
    return false;
}

static const char *type_text(const struct row *row) {
    switch (row->type) {
    case TYPE_BOOL:
        return "on|off";
    case TYPE_INT:
        return "number";
    case TYPE_SECONDS:
        return "seconds";
    case TYPE_SIZE:
        return "size";
    case TYPE_STRING:
        return "text";
    case TYPE_ENUM:
        return row->words;
    }
    return "";
}

/* A copy of text[0..length) that lives for ever; NULL when the buffer is full. */
static const char *keep(const char *text, size_t length) {
    if (texts_used + length + 1 > TEXT_MAX) return NULL;
    char *copy = texts + texts_used;
    tw_sys_copy(copy, text, length);
    copy[length] = '\0';
    texts_used += length + 1;
    return copy;
}

/* What the environment says is shown with control characters made visible, and cut. */
static const char *shown(const char *text, size_t length) {
    static char buffer[128];
    size_t n = length < sizeof buffer - 1 ? length : sizeof buffer - 1;
    for (size_t i = 0; i < n; i++)
        buffer[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
    buffer[n] = '\0';
    return buffer;
}

static void set(int row, const char *text, size_t length) {
    const char *copy = length <= LIMIT ? keep(text, length) : NULL;
    int64_t number;
    if (!copy) {
        tw_sys_say("twatch: TWATCH_OPTIONS: the value of '%s' is too long; the default '%s' holds\n", rows[row].key,
                rows[row].fallback);
    } else if (!parse_value(&rows[row], copy, &number)) {
        tw_sys_say("twatch: TWATCH_OPTIONS: '%s' is no value for '%s' (%s); the default '%s' holds\n",
                shown(text, length), rows[row].key, type_text(&rows[row]), rows[row].fallback);
    } else {
        values[row].text = copy;
        values[row].number = number;
    }
}

static bool is_separator(char c) {
    return c == ':' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The value at p: plain up to a separator, or quoted. Returns what follows; *from and *length get the text. */
static const char *parse_text(const char *p, const char **from, size_t *length) {
    char quote = *p == '\'' || *p == '"' ? *p : '\0';
    *from = quote ? ++p : p;
    while (*p && (quote ? *p != quote : !is_separator(*p)))
        p++;
    *length = (size_t)(p - *from);
    if (quote && !*p) tw_sys_say("twatch: TWATCH_OPTIONS: a quote (%s) is not closed\n", quote == '"' ? "\"" : "'");
    return quote && *p ? p + 1 : p;
}

static void parse(const char *p) {
    for (;;) {
        while (is_separator(*p))
            p++;
        if (!*p) return;
        const char *key = p, *value = "";
        size_t length = 0;
        while (*p && *p != '=' && !is_separator(*p))
            p++;
        size_t key_length = (size_t)(p - key);
        bool has_value = *p == '=';
        if (has_value) p = parse_text(p + 1, &value, &length);
        int row = row_by_name(key, key_length);
        if (row < 0) {
            tw_sys_say("twatch: TWATCH_OPTIONS: there is no option '%s' (help=1 prints the table)\n",
                    shown(key, key_length));
        } else if (!has_value) {
            tw_sys_say("twatch: TWATCH_OPTIONS: '%s' needs a value: %s=... (%s)\n", rows[row].key, rows[row].key,
                    type_text(&rows[row]));
        } else {
            set(row, value, length);
        }
    }
}

static void print_help(void) {
    tw_sys_say("twatch: options, TWATCH_OPTIONS=\"key=value:key=value\":\n");
    for (int i = 0; i < TW_OPTION_COUNT; i++)
        tw_sys_say("  %s=%s (%s)\n      %s\n", rows[i].key,
                *tw_config_text((enum tw_option)i) ? tw_config_text((enum tw_option)i) : "''", type_text(&rows[i]),
                rows[i].help);
}

void tw_config_init(char **envp) {
    for (int i = 0; i < TW_OPTION_COUNT; i++) {
        values[i].text = rows[i].fallback;
        parse_value(&rows[i], rows[i].fallback, &values[i].number);
    }
    static const char name[] = "TWATCH_OPTIONS=";
    for (char **e = envp; e && *e; e++)
        if (tw_sys_length(*e) >= sizeof name - 1 && tw_sys_equal(*e, name, sizeof name - 1))
            parse(*e + sizeof name - 1);
    if (TW_CONFIG(help)) print_help();
}
