/* twatch checks: every kind of finding with its help, and all that is known of one kind; the same text as part of the
 * manual. */
#include "check/check.h"
#include "cmd.h"

#include <string.h>

static const char checks_usage[] = "usage: twatch checks [--format=text|markdown|man] [KIND]\n"
                                   "Lists every kind of finding; with a KIND, all about it. markdown: its page in "
                                   "docs/kinds without the example;\n"
                                   "man: the list for the manual page.\n";

/* Breaks text at blanks; what stands in backquotes is set apart on paper only. */
static void checks_wrap(const char *text, int indent) {
    size_t width = 100 - (size_t)indent, column = 0;
    while (*text) {
        size_t n = strcspn(text, " "), columns = 0;
        for (size_t i = 0; i < n; i++)
            columns += text[i] != '`';
        if (column && column + 1 + columns > width) column = 0, putchar('\n');
        if (column)
            column++, putchar(' ');
        else
            printf("%*s", indent, "");
        for (size_t i = 0; i < n; i++)
            if (text[i] != '`') putchar(text[i]);
        column += columns;
        text += n + (text[n] == ' ');
    }
    putchar('\n');
}

static void checks_head(const struct rule *r) {
    printf("%s [%s%s]\n    %s\n", r->name, report_severity(r->severity), r->optional ? ", only with --optional" : "",
            r->title);
}

static void checks_short(const struct rule *r) {
    checks_head(r);
    checks_wrap(r->help, 6);
    checks_wrap(r->advice, 6);
}

static void checks_long(const struct rule *r, const struct kind_page *page) {
    checks_head(r);
    if (*page->when) checks_wrap(page->when, 4);
    putchar('\n');
    checks_wrap(page->meaning, 2);
    puts("\n  The report shows");
    checks_wrap(page->shows, 4);
    puts("\n  What to do");
    checks_wrap(page->remedy, 4);
    printf("\n  An example with its report: docs/kinds/%s.md\n", r->name);
}

static void checks_markdown(const struct rule *r, const struct kind_page *page) {
    printf("# %s: %s\n\nSeverity: %s%s%s%s.\n\n%s\n\n**The report shows.** %s\n\n**What to do.** %s\n", r->name,
            r->title, report_severity(r->severity), r->optional ? "; only with `--optional`" : "",
            *page->when ? "; " : "", page->when, page->meaning, page->shows, page->remedy);
}

/* roff: a dash that is no hyphen is escaped. */
static void checks_man(const struct rule *r) {
    fputs(".TP\n.BR ", stdout);
    for (const char *c = r->name; *c; c++)
        printf(*c == '-' ? "\\-" : "%c", *c);
    printf(" \" (%s)\"\n%s.\n", report_severity(r->severity), r->title);
}

int cmd_checks(int argc, char **argv) {
    const char *wanted = NULL, *format = "text";
    int shown = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(checks_usage, stdout);
            return 0;
        }
        if (strncmp(argv[i], "--format=", 9) == 0)
            format = argv[i] + 9;
        else if (*argv[i] == '-' || wanted) {
            fputs(checks_usage, stderr);
            return CMD_TROUBLE;
        } else
            wanted = argv[i];
    }
    bool text = strcmp(format, "text") == 0, markdown = strcmp(format, "markdown") == 0;
    if (!text && !markdown && strcmp(format, "man") != 0) {
        cmd_say("checks has no format \"%s\"", format);
        return CMD_TROUBLE;
    }
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = check_rule((enum check_rule_id)i);
        const struct kind_page *page = check_page((enum check_rule_id)i);
        if (wanted && strcmp(wanted, r->name) != 0) continue;
        if (shown++ && markdown) putchar('\n');
        if (markdown)
            checks_markdown(r, page);
        else if (!text)
            checks_man(r);
        else if (wanted)
            checks_long(r, page);
        else
            checks_short(r);
    }
    if (shown) return 0;
    cmd_say("there is no kind \"%s\"; twatch checks lists them", wanted);
    return CMD_TROUBLE;
}
