#include "role/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void build_say(struct build_says *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vec_push(&s->all, (const char *)arena_vprintf(s->a, format, args));
    va_end(args);
}

struct role_says build_said(struct build_says *s) {
    const char **at = arena_array(s->a, s->all.n, sizeof *at);
    if (s->all.n) memcpy(at, s->all.at, s->all.n * sizeof *at);
    struct role_says said = {at, s->all.n};
    vec_free(&s->all);
    return said;
}

uint64_t build_life(const struct model *m, uint32_t thread) {
    const struct twatch_thread *t = model_thread(m, thread);
    if (!t || t->end == TWATCH_THREAD_NOT_STARTED) return 0;
    bool over = t->end != TWATCH_THREAD_RUNNING && t->end != TWATCH_THREAD_PROCESS && t->end_ns;
    uint64_t end = over && t->end_ns < m->now_ns ? t->end_ns : m->now_ns;
    return end > t->birth_ns && t->birth_ns ? end - t->birth_ns : 0;
}

unsigned build_percent(uint64_t part, uint64_t whole) {
    if (whole == 0) return 0;
    double share = (double)part / (double)whole * 100.0 + 0.5;
    return share >= 100.0 ? 100 : (unsigned)share;
}

const char *role_use_name(enum role_use use) {
    static const char *const names[] = {[ROLE_LOCK] = "lock",
            [ROLE_BOUNDED] = "bounded resource",
            [ROLE_SIGNAL] = "signal",
            [ROLE_UNCLEAR] = "unclear"};
    return names[use];
}

const char *role_known_name(enum role_known known) {
    static const char *const names[] = {
            [ROLE_UNKNOWN] = "unknown", [ROLE_ESTIMATED] = "estimated", [ROLE_MEASURED] = "measured"};
    return names[known];
}

const struct roles *role_build(const struct model *m, struct arena *a) {
    struct roles *out = arena_alloc(a, sizeof *out);
    struct build b = {.m = m, .a = a};
    group_build(&b);
    line_build(&b);
    queue_build(&b, out);
    crew_build(&b);
    pool_build(&b, out);
    semaphore_build(&b, out);
    join_build(&b, out);
    HASH_CLEAR(hh, b.by_key);
    HASH_CLEAR(hh, b.line_by_key);
    vec_free(&b.groups);
    vec_free(&b.lines);
    vec_free(&b.parts);
    free(b.group_of);
    free(b.line_of);
    return out;
}
