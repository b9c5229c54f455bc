/* twatch help [options] */
#include "cmd.h"

#include <string.h>

static const char help_text[] =
        "twatch finds deadlocks, data races and misuse of threads in unmodified Linux programs.\n\n"
        "  twatch run [options] -- COMMAND [ARG...]   run a program and report what is wrong\n"
        "  twatch report [options] FILE|DIR...        read records again, in any format\n"
        "  twatch merge --output=FILE FILE|DIR...     the lock orders of many records in one small record\n"
        "  twatch status PID|FILE                     who holds and waits for what in a running process\n"
        "  twatch checks [KIND]                       every kind of finding with its help\n"
        "  twatch help options                        every option and where its value comes from\n"
        "  twatch COMMAND --help                      the options of one command\n\n"
        "Without twatch: LD_PRELOAD=libtwatch.so ./program writes program.PID.twatch and, when it ends, "
        "program.PID.twatch.txt.\n";

int cmd_help(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "options") == 0 && strcmp(argv[2], "--format=man") == 0) {
        options_print_man(stdout);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "options") == 0) {
        struct options o;
        options_load(&o);
        options_print(stdout, &o);
        options_free(&o);
        return 0;
    }
    fputs(help_text, argc ? stdout : stderr);
    return 0;
}
