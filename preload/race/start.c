/* The engine's one exported function. */
#include "hybrid.h"
#include "ops.h"
#include "shadow.h"

enum { FIRST_STACK = 8 << 20 };

const struct tw_race_host *rt_host;

__attribute__((visibility("default"))) const struct tw_race_ops *twatch_race_start(const struct tw_race_host *host);

static const struct tw_race_ops *off(const char *why) {
    static char line[256] = "races are off: ";
    size_t n = strlen(line);
    for (; *why && n < sizeof line - 1; why++)
        line[n++] = *why;
    rt_host->say(line);
    return NULL;
}

static bool wanted(const char *v) {
    return v && (!strcmp(v, "1") || !strcmp(v, "on") || !strcmp(v, "yes") || !strcmp(v, "true"));
}

/* In the wrapper of the first thread creation: one thread, outside the guard. NULL after one line on why races are off.
 */
const struct tw_race_ops *twatch_race_start(const struct tw_race_host *host) {
    if (!host || host->abi != 1) return NULL;
    rt_host = host;
    uintptr_t stack_end = 0;
    const char *why = rt_shadow_start(&stack_end);
    if (why) return off(why);
    if (wanted(host->option("hybrid")) && !rt_hybrid_start()) return off("no memory for the clocks of hybrid=on");
    if (!rt_history_init() || !rt_report_init()) return off("no memory for the tables of accesses");
    struct rt_tls *t = &rt_tls;
    if (!rt_enter(t)) return off("the first thread is not known");
    if (stack_end) { /* the first thread's stack grows down as far as its limit, 8 MiB unless somebody asks for more */
        t->slot->stack_hi = stack_end;
        t->slot->stack_lo = stack_end - FIRST_STACK;
    }
    rt_leave(t);
    rt_tsan_start();
    why = rt_modules_start();
    if (why) return off(why);
    return &rt_ops;
}
