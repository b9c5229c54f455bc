/*
 * Busy waiting: the same try, at the same place, a thousand times and for a second, without this thread getting
 * anything else meanwhile, and with the processor kept busy with hardly anything but asking. The first tries cost a
 * comparison and an increment.
 */
#include "incident.h"
#include "use.h"
#include "waits.h"

enum { START = 64, CHECK_EVERY = 1024, SHARE = 8 /* at least an eighth of the time on the processor: others may need it too */ };
static const uint64_t LEAST_NS = 1000000000u,
                      MOST_PER_TRY_NS = 10000u /* of processor time: more, and the loop does something in between */;

static __thread struct {
    uint64_t cpu_ns, progress;
    uint32_t object;
} window __attribute__((tls_model("initial-exec")));

static uint64_t cpu_now(void) {
    struct {
        long s, ns;
    } now = {0, 0};
    tw_sys(SYS_clock_gettime, 3 /* CLOCK_THREAD_CPUTIME_ID */, &now);
    return (uint64_t)now.s * 1000000000u + (uint64_t)now.ns;
}

/* Grows with everything that this thread acquires. */
static uint64_t progress_of(struct tw_thread *t) {
    uint64_t sum = t->slot->wait_count + t->slot->ops;
    for (uint32_t i = 0; i < TW_USES; i++)
        if (t->uses[i].use) sum += t->uses[i].use->waits + t->uses[i].use->posts;
    return sum;
}

static void open_window(struct tw_thread *t, uint32_t object) {
    t->poll_since_ns = tw_sys_now();
    window.cpu_ns = cpu_now();
    window.progress = progress_of(t);
    window.object = object;
}

void tw_wait_poll(struct tw_thread *t, uint32_t object, uint32_t poll_kind, uintptr_t pc, uintptr_t cfa) {
    if (TW_UNLIKELY(t->poll_pc != pc)) {
        t->poll_pc = pc;
        t->poll_count = 0;
    }
    uint32_t n = ++t->poll_count;
    if (TW_UNLIKELY(n == START)) open_window(t, object);
    if (TW_LIKELY(n % CHECK_EVERY != 0)) return;
    uint64_t wall = tw_sys_now() - t->poll_since_ns;
    if (wall < LEAST_NS && progress_of(t) == window.progress) return;
    uint64_t cpu = cpu_now() - window.cpu_ns;
    if (wall >= LEAST_NS && cpu >= wall / SHARE && cpu / (n - START) <= MOST_PER_TRY_NS &&
            progress_of(t) == window.progress && object == window.object)
        tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_BUSY_WAIT,
                               .object = object,
                               .object2 = poll_kind,
                               .stack = tw_stack_here(t, pc, cfa),
                               .aux = cpu});
    t->poll_count = START; /* a new window */
    open_window(t, object);
}
