/* twatch: `twatch COMMAND ...`; each command is a file cmd_<name>.c. */
#include "cmd.h"

#include <signal.h>
#include <string.h>

static const struct main_command {
    const char *name;
    int (*run)(int argc, char **argv);
} main_commands[] = {{"run", cmd_run}, {"report", cmd_report}, {"merge", cmd_merge}, {"status", cmd_status},
        {"checks", cmd_checks}, {"help", cmd_help}, {"--help", cmd_help}, {"-h", cmd_help}};

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2) {
        cmd_help(0, argv);
        return CMD_TROUBLE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("twatch %s\n", TWATCH_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof main_commands / sizeof *main_commands; i++)
        if (strcmp(argv[1], main_commands[i].name) == 0) return main_commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "twatch: there is no command \"%s\"; see twatch help\n", argv[1]);
    return CMD_TROUBLE;
}
