/* What the commands share: the command line, the records, and the way from records to reports. Commands may see every
 * layer. */
#ifndef TWATCH_CMD_H
#define TWATCH_CMD_H

#include "base/arena.h"
#include "base/vec.h"
#include "finding/finding.h"
#include "options.h"
#include "record/reader.h"
#include "report/report.h"

#include <stdbool.h>
#include <stdint.h>

enum { /* exit status; the child's own passes through in `run` */
    CMD_FINDINGS = 66,
    CMD_TROUBLE = 125,
    CMD_CANNOT_RUN = 126,
    CMD_NOT_FOUND = 127
};

struct cmd_output {
    const struct report_format *format;
    const char *path; /* NULL: the command's default; "-": stdout */
};

struct cmd_args { /* zero-initialise; free with cmd_args_free */
    struct options options;
    VEC(struct cmd_output) outputs;
    VEC(const char *) rest; /* what is no option */
    enum severity fail_on;
    bool never_fail;
    int error_exitcode;
    uint64_t timeout_ns; /* 0: none */
    bool verbose, optional, keep, threads, queues, contention, quiet;
    bool automatic; /* --auto */
    bool hang;      /* --hang */
    uint32_t group;
    const char *baseline, *write_baseline;
    bool gen_suppressions;
};

/* The command line behind the command's name. False: a mistake was said, or --help was answered; *status is the exit
 * status. */
bool cmd_args_parse(struct cmd_args *a, int argc, char **argv, const char *usage, int *status);
void cmd_args_free(struct cmd_args *a);

/* Record files under the paths: files as they are, directories by their *.twatch entries, sorted. Memory from the
 * arena. False: a mistake was said. */
struct cmd_paths {
    const char **at;
    size_t n;
};
bool cmd_records_find(struct arena *a, const char *const *paths, size_t n, struct cmd_paths *out);

/*
 * Reads, checks, reports. `notes`: sentences for the end of the report. Records are closed by the callee. Returns the
 * exit status: 0, the findings' one, or 125. `fallback`: where reports without --output go.
 */
struct cmd_job {
    const struct cmd_args *args;
    struct record *records;
    size_t nrecords;
    size_t nunreadable; /* records that could not be read: no clean bill without them */
    const char *const *notes;
    size_t nnotes;
    FILE *fallback;
};
int cmd_job_run(struct cmd_job *job);

/* Opens each path; what cannot be read is said on stderr and counted. *records is from malloc. */
size_t cmd_records_open(const struct cmd_paths *paths, struct record **records, size_t *unreadable);

/* One line on standard error, "twatch: ..."; names in it may come from the watched program and are made harmless. */
void cmd_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The commands: argv[0] is the command's name. */
int cmd_run(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_checks(int argc, char **argv);
int cmd_help(int argc, char **argv);

#endif
