/* Lists of globs in options (races_only, races_skip): '*' and '?'; '*' matches '/' too. No memory, no locks: for any context. */
#ifndef TW_GLOBS_H
#define TW_GLOBS_H

#include <stdbool.h>

static inline bool tw_glob(const char *p, const char *end, const char *s) {
    for (; p < end; p++, s++) {
        if (*p == '*') {
            for (;; s++) {
                if (tw_glob(p + 1, end, s)) return true;
                if (!*s) return false;
            }
        }
        if (!*s || (*p != '?' && *p != *s)) return false;
    }
    return !*s;
}

static inline const char *tw_glob_last_part(const char *path) {
    const char *name = path;
    for (const char *c = path; *c; c++)
        if (*c == '/') name = c + 1;
    return name;
}

/* True if one of the comma-separated globs matches the path or its last part. `list` may be NULL. */
static inline bool tw_glob_any(const char *list, const char *path) {
    while (list && *list) {
        const char *end = list;
        while (*end && *end != ',')
            end++;
        if (tw_glob(list, end, path) || tw_glob(list, end, tw_glob_last_part(path))) return true;
        list = *end ? end + 1 : end;
    }
    return false;
}

#endif
