#include "cmd.h"

#include <stdlib.h>
#include <string.h>

/* --name=VALUE gives VALUE; NULL if `arg` is another option. */
static const char *args_value(const char *arg, const char *name) {
    size_t n = strlen(name);
    return strncmp(arg, name, n) == 0 && arg[n] == '=' ? arg + n + 1 : NULL;
}

static bool args_format(struct cmd_args *a, const char *name) {
    const struct report_format *format = report_find(name);
    if (format) {
        vec_push(&a->outputs, (struct cmd_output){format, NULL});
        return true;
    }
    size_t n;
    const struct report_format *all = report_formats(&n);
    fprintf(stderr, "twatch: there is no format \"%s\"; there are:", name);
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, " %s", all[i].name);
    fprintf(stderr, "\n");
    return false;
}

static bool args_output(struct cmd_args *a, const char *path) {
    if (a->outputs.n == 0 && !args_format(a, "text")) return false;
    if (!*path || a->outputs.at[a->outputs.n - 1].path) {
        fprintf(stderr, "twatch: each --output=FILE belongs to the --format before it\n");
        return false;
    }
    a->outputs.at[a->outputs.n - 1].path = path;
    return true;
}

static bool args_number(const char *text, const char *what, double highest, double *out) {
    char *end;
    *out = strtod(text, &end);
    if (end != text && !*end && *out >= 0 && *out <= highest && *out == (double)(uint64_t)*out) return true;
    fprintf(stderr, "twatch: %s=%s: must be a whole number from 0 to %.0f\n", what, text, highest);
    return false;
}

static bool args_seconds(const char *text, const char *what, double *out) {
    char *end;
    *out = strtod(text, &end);
    if (end != text && *end == 's' && end[1] == '\0') end++;
    if (end != text && !*end && *out >= 0.001 && *out <= 1e9) return true;
    fprintf(stderr, "twatch: %s=%s: must be a number of seconds from 0.001 on\n", what, text);
    return false;
}

static bool args_severity(struct cmd_args *a, const char *text) {
    a->never_fail = strcmp(text, "never") == 0;
    if (strcmp(text, "note") == 0)
        a->fail_on = SEVERITY_NOTE;
    else if (strcmp(text, "warning") == 0)
        a->fail_on = SEVERITY_WARNING;
    else
        a->fail_on = SEVERITY_ERROR;
    return true;
}

static bool args_flag(struct cmd_args *a, const char *arg) {
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--verbose", &a->verbose}, {"-v", &a->verbose}, {"--optional", &a->optional}, {"--keep", &a->keep},
            {"--threads", &a->threads}, {"--queues", &a->queues}, {"--contention", &a->contention},
            {"--quiet", &a->quiet}, {"-q", &a->quiet}, {"--auto", &a->automatic}, {"--hang", &a->hang},
            {"--gen-suppressions", &a->gen_suppressions}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(arg, flags[i].name) == 0) return *flags[i].flag = true;
    return false;
}

static bool args_wants_value(const char *key) {
    static const char *const keys[] = {
            "format", "output", "error-exitcode", "timeout", "group", "baseline", "write-baseline"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0) return true;
    return false;
}

/* Any key of options.def as --key=value; a key alone means on. */
static bool args_option(struct cmd_args *a, const char *arg) {
    struct err err = {0};
    const char *equals = strchr(arg, '=');
    size_t n = equals ? (size_t)(equals - arg) - 2 : strlen(arg + 2);
    char key[64];
    if (arg[1] == '-' && n < sizeof key) {
        memcpy(key, arg + 2, n);
        key[n] = '\0';
        if (!equals && (options_is_text(key) || args_wants_value(key))) {
            fprintf(stderr, "twatch: %s needs a value: %s=VALUE\n", arg, arg);
            return false;
        }
        if (options_known(key)) {
            if (options_set(&a->options, key, equals ? equals + 1 : "on", OPTION_COMMAND, &err)) return true;
            fprintf(stderr, "twatch: --%s\n", err.text);
            return false;
        }
    }
    fprintf(stderr, "twatch: there is no option \"%s\"; see twatch help\n", arg);
    return false;
}

static bool args_one(struct cmd_args *a, const char *arg) {
    const char *v;
    double x;
    if (args_flag(a, arg)) return true;
    if ((v = args_value(arg, "--format"))) return args_format(a, v);
    if ((v = args_value(arg, "--output"))) return args_output(a, v);
    if ((v = args_value(arg, "--error-exitcode"))) {
        if (!args_number(v, "--error-exitcode", 255, &x)) return false;
        a->error_exitcode = (int)x;
        return true;
    }
    if ((v = args_value(arg, "--timeout"))) {
        if (!args_seconds(v, "--timeout", &x)) return false;
        a->timeout_ns = (uint64_t)(x * 1e9);
        return true;
    }
    if ((v = args_value(arg, "--group"))) {
        if (!args_number(v, "--group", 4294967295.0, &x)) return false;
        a->group = (uint32_t)x;
        return true;
    }
    const char *empty =
            args_value(arg, "--baseline") ? args_value(arg, "--baseline") : args_value(arg, "--write-baseline");
    if (empty && !*empty) {
        fprintf(stderr, "twatch: %s names no file\n", arg);
        return false;
    }
    if ((v = args_value(arg, "--baseline"))) return a->baseline = v, true;
    if ((v = args_value(arg, "--write-baseline"))) return a->write_baseline = v, true;
    return args_option(a, arg);
}

bool cmd_args_parse(struct cmd_args *a, int argc, char **argv, const char *usage, int *status) {
    *a = (struct cmd_args){.error_exitcode = CMD_FINDINGS};
    *status = CMD_TROUBLE;
    options_load(&a->options);
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            *status = 0;
            return false;
        }
        if (!args_one(a, argv[i])) return false;
    }
    for (; i < argc; i++)
        vec_push(&a->rest, (const char *)argv[i]);
    return args_severity(a, options_text(&a->options, OPTION_fail_on));
}

void cmd_args_free(struct cmd_args *a) {
    options_free(&a->options);
    vec_free(&a->outputs);
    vec_free(&a->rest);
}
