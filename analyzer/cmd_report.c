/* twatch report FILE|DIR...: reads records again. */
#include "base/progress.h"
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

static const char report_usage[] =
        "usage: twatch report [options] FILE|DIR...\n"
        "Reads records (*.twatch) and reports what is wrong. Several records make one report.\n\n"
        "  --format=NAME        text (default), json, sarif, junit, html, dot, github; may be given again\n"
        "  --output=FILE        where the format before it goes; - is standard output\n"
        "  --fail-on=SEVERITY   error (default), warning, note or never: what counts for the exit status\n"
        "  --error-exitcode=N   exit status when there are such findings (default 66)\n"
        "  --suppressions=FILE  findings that are known and accepted; --gen-suppressions writes them\n"
        "  --baseline=FILE      findings of an earlier run do not count; --write-baseline=FILE writes one\n"
        "  --threads            also the tree of threads;  --contention: also the most waited for locks\n"
        "  --queues             also who produces and who consumes, pools, semaphores, joins\n"
        "  --optional           also kinds that are off by default (twatch checks lists them)\n"
        "  --verbose            every frame and thread\n"
        "Every key of `twatch help options` works too, as --key=value.\n"
        "Exit status: 0 nothing to report, 66 findings, 125 trouble of twatch's own.\n";

/* Options may stand behind the files too, as with most programs; what follows "--" are files. */
static void report_options_first(int argc, char **argv) {
    int options = 1;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (argv[i][0] != '-' || !argv[i][1]) continue;
        char *option = argv[i];
        memmove(argv + options + 1, argv + options, (size_t)(i - options) * sizeof *argv);
        argv[options++] = option;
    }
}

int cmd_report(int argc, char **argv) {
    report_options_first(argc, argv);
    struct cmd_args args;
    struct arena arena = {0};
    struct cmd_paths paths;
    int status;
    if (!cmd_args_parse(&args, argc, argv, report_usage, &status)) {
        cmd_args_free(&args);
        return status;
    }
    if (args.rest.n == 0) {
        fprintf(stderr, "twatch: report needs a record or a directory of records\n%s", report_usage);
        cmd_args_free(&args);
        return CMD_TROUBLE;
    }
    static char buffer[1 << 16]; /* the report of a thousand threads in one write each line would take longer than
                                    finding it */
    if (args.hang) setvbuf(stderr, buffer, _IOFBF, sizeof buffer);
    if (args.quiet || args.automatic || args.hang) progress_never();
    struct cmd_job job = {.args = &args, .fallback = args.hang ? stderr : stdout};
    status = CMD_TROUBLE;
    if (cmd_records_find(&arena, args.rest.at, args.rest.n, &paths)) {
        job.nrecords = cmd_records_open(&paths, &job.records, &job.nunreadable);
        if (job.nrecords) status = cmd_job_run(&job);
        free(job.records);
    }
    arena_free(&arena);
    cmd_args_free(&args);
    return status;
}
