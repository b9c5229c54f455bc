/* twatch checks: every kind of finding with its help. */
#include "check/check.h"
#include "cmd.h"

#include <string.h>

/* Breaks text at blanks, indented by six. */
static void checks_wrap(const char *text) {
    enum { WIDTH = 94 };
    while (*text) {
        size_t n = strlen(text);
        if (n > WIDTH)
            for (n = WIDTH; n > 0 && text[n] != ' '; n--)
                ;
        if (n == 0) n = strlen(text);
        printf("      %.*s\n", (int)n, text);
        text += n + (text[n] == ' ');
    }
}

int cmd_checks(int argc, char **argv) {
    int shown = 0;
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = check_rule((enum check_rule_id)i);
        if (argc > 1 && strcmp(argv[1], r->name) != 0) continue;
        printf("%s [%s%s]\n", r->name, report_severity(r->severity), r->optional ? ", only with --optional" : "");
        printf("    %s\n", r->title);
        checks_wrap(r->help);
        checks_wrap(r->advice);
        shown++;
    }
    if (shown) return 0;
    fprintf(stderr, "twatch: there is no kind \"%s\"\n", argv[1]);
    return CMD_TROUBLE;
}
