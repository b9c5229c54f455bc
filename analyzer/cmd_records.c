/* From names on the command line to open records. */
#include "base/progress.h"
#include "cmd.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool records_is_name(const char *name) {
    size_t n = strlen(name);
    return n > 7 && strcmp(name + n - 7, ".twatch") == 0;
}

static int records_compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool cmd_records_find(struct arena *a, const char *const *paths, size_t n, struct cmd_paths *out) {
    VEC(const char *) all = {0};
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        DIR *dir = stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode) ? opendir(paths[i]) : NULL;
        if (!dir) { /* whatever is wrong with it is said when it is opened */
            vec_push(&all, paths[i]);
            continue;
        }
        size_t before = all.n;
        for (struct dirent *e; (e = readdir(dir));)
            if (records_is_name(e->d_name)) vec_push(&all, (const char *)arena_printf(a, "%s/%s", paths[i], e->d_name));
        closedir(dir);
        if (all.n - before > 1) qsort(all.at + before, all.n - before, sizeof all.at[0], records_compare);
        if (all.n == before) {
            cmd_say("%s: there is no record (*.twatch) in this directory", paths[i]);
            good = false;
        }
    }
    *out = (struct cmd_paths){.at = arena_array(a, all.n, sizeof *all.at), .n = all.n};
    if (all.n) memcpy(out->at, all.at, all.n * sizeof *all.at);
    vec_free(&all);
    return good;
}

size_t cmd_records_open(const struct cmd_paths *paths, struct record **records, size_t *unreadable) {
    size_t n = 0;
    *records = mem_new(paths->n, sizeof **records);
    progress_start("reading records", paths->n);
    for (size_t i = 0; i < paths->n; i++) {
        progress_step(i);
        struct err err = {0};
        if (record_open(&(*records)[n], paths->at[i], &err)) {
            n++;
            continue;
        }
        ++*unreadable;
        progress_clear();
        if (err.has_offset)
            cmd_say("%s, offset %" PRIu64 ": %s", paths->at[i], err.offset, err.text);
        else
            cmd_say("%s: %s", paths->at[i], err.text);
    }
    progress_end();
    return n;
}
