#define _GNU_SOURCE /* asprintf, mkostemp */
/* twatch merge: the lock orders of many records in one small record. */
#include "base/progress.h"
#include "cmd.h"
#include "join.h"
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char merge_usage[] = "usage: twatch merge --output=FILE RECORD|DIR...\n"
                                  "Joins the lock orders of many records into one small record, by lock class: the "
                                  "lock's variable or the place that made it. twatch report on it finds\n"
                                  "locks that are taken in one order in one run and in the opposite order in another. "
                                  "Joined records may be joined again, in any grouping.\n"
                                  "Exit status: 0, or 125 when a record could not be read or the output not written.\n";

static bool merge_write(const char *path, const unsigned char *bytes, size_t size) {
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) return false;
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool good = fd >= 0;
    for (size_t at = 0; good && at < size;) {
        ssize_t n = write(fd, bytes + at, size - at);
        if (n > 0)
            at += (size_t)n;
        else
            good = n < 0 && errno == EINTR;
    }
    if (fd >= 0) good = close(fd) == 0 && good;
    if (good) good = rename(temporary, path) == 0;
    if (!good) {
        int error = errno;
        if (fd >= 0) unlink(temporary);
        cmd_say("%s: cannot be written: %s", path, strerror(error));
    }
    free(temporary);
    return good;
}

/* One record in memory at a time: a thousand of them need no more than the largest. */
static bool merge_read(struct join *j, const char *path) {
    struct record record;
    struct model model;
    struct err err = {0};
    memset(&record, 0, sizeof record);
    memset(&model, 0, sizeof model);
    if (!record_open(&record, path, &err)) {
        progress_clear();
        cmd_say("%s: %s", path, err.text);
        return false;
    }
    model_build(&model, &record);
    join_add(j, &model);
    model_free(&model);
    record_close(&record);
    return true;
}

int cmd_merge(int argc, char **argv) {
    const char *output = NULL;
    VEC(const char *) rest = {0};
    bool bad = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(merge_usage, stdout);
            vec_free(&rest);
            return 0;
        }
        if (strncmp(argv[i], "--output=", 9) == 0)
            output = argv[i] + 9;
        else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            output = argv[++i];
        else if (argv[i][0] == '-' && argv[i][1]) {
            cmd_say("merge does not know the option %s", argv[i]);
            bad = true;
        } else
            vec_push(&rest, argv[i]);
    }
    if (bad || !output || !*output || !rest.n) {
        fputs(merge_usage, stderr);
        vec_free(&rest);
        return CMD_TROUBLE;
    }
    struct arena arena = {0};
    struct cmd_paths paths;
    struct join *j = join_new();
    bool good = cmd_records_find(&arena, rest.at, rest.n, &paths);
    progress_start("joining records", paths.n);
    for (size_t i = 0; good && i < paths.n; i++) {
        progress_step(i);
        bad = !merge_read(j, paths.at[i]) || bad;
    }
    progress_end();
    if (good) {
        size_t size;
        unsigned char *bytes = join_image(j, &size);
        good = merge_write(output, bytes, size);
        free(bytes);
    }
    join_free(j);
    arena_free(&arena);
    vec_free(&rest);
    return good && !bad ? 0 : CMD_TROUBLE;
}
