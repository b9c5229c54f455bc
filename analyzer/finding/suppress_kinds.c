/* Which findings the kinds of other tools' suppressions stand for. */
#include "finding/suppress_rule.h"

#include <string.h>

static const char *const kinds_all[] = {"*", NULL};
static const char *const kinds_none[] = {NULL};
static const char *const kinds_race[] = {"data-race", NULL};
static const char *const kinds_order[] = {"lock-order-cycle", "deadlock", NULL};
static const char *const kinds_life[] = {"thread-leak", "daemon-killed", NULL};
static const char *const kinds_misuse[] = {"unlock-not-held", "unlock-not-owner", "destroy-locked", "destroy-waited",
        "free-locked", "use-after-destroy", "use-uninitialized", "reinit-in-use", "self-deadlock",
        "lock-held-at-thread-exit", NULL};
static const char *const kinds_api[] = {"unlock-not-held", "unlock-not-owner", "destroy-locked", "destroy-waited",
        "free-locked", "use-after-destroy", "use-uninitialized", "reinit-in-use", "self-deadlock",
        "lock-held-at-thread-exit", "double-join", "join-detached", "self-join", "cond-two-mutexes",
        "cond-wait-unlocked", "barrier-misuse", NULL};
static const char *const kinds_not_held[] = {"unlock-not-held", NULL};
static const char *const kinds_not_owner[] = {"unlock-not-owner", NULL};
static const char *const kinds_bogus[] = {"use-uninitialized", "use-after-destroy", NULL};
static const char *const kinds_cond[] = {"cond-two-mutexes", "cond-wait-unlocked", "destroy-waited", NULL};
static const char *const kinds_barrier[] = {"barrier-misuse", NULL};

struct kinds_row {
    const char *tool, *kind;
    const char *const *list;
};

static const struct kinds_row kinds_table[] = {
        {"tsan", "race", kinds_race},
        {"tsan", "race_top", kinds_race},
        {"tsan", "mutex", kinds_misuse},
        {"tsan", "thread", kinds_life},
        {"tsan", "deadlock", kinds_order},
        {"tsan", "signal", kinds_none}, /* calls in signal handlers are not looked at here */
        {"tsan", "called_from_lib", kinds_all},
        {"helgrind", "Race", kinds_race},
        {"helgrind", "LockOrder", kinds_order},
        {"helgrind", "UnlockUnlocked", kinds_not_held},
        {"helgrind", "UnlockForeign", kinds_not_owner},
        {"helgrind", "UnlockBogus", kinds_bogus},
        {"helgrind", "PthAPIerror", kinds_api},
        {"helgrind", "Dubious", kinds_none},
        {"helgrind", "Misc", kinds_api},
        {"drd", "ConflictingAccess", kinds_race},
        {"drd", "MutexErr", kinds_misuse},
        {"drd", "RwlockErr", kinds_misuse},
        {"drd", "SemaphoreErr", kinds_misuse},
        {"drd", "CondErr", kinds_cond},
        {"drd", "CondDestrErr", kinds_cond},
        {"drd", "CondRaceErr", kinds_none},
        {"drd", "BarrierErr", kinds_barrier},
        {"drd", "GenericErr", kinds_api},
        {"drd", "HoldtimeErr", kinds_none},
};

static const char *const *kinds_find(const char *tool, const char *kind) {
    for (size_t i = 0; i < sizeof kinds_table / sizeof *kinds_table; i++)
        if (strcasecmp(tool, kinds_table[i].tool) == 0 && strcmp(kind, kinds_table[i].kind) == 0)
            return kinds_table[i].list;
    return NULL;
}

const char *const *suppress_tsan_kinds(const char *type) {
    return kinds_find("tsan", type);
}

const char *const *suppress_valgrind_kinds(const char *tool, const char *kind) {
    if (strcasecmp(tool, "helgrind") == 0 || strcasecmp(tool, "drd") == 0) return kinds_find(tool, kind);
    return kinds_none; /* a block for Memcheck or another tool */
}
