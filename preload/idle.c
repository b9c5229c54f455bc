#include "idle.h"

#include <sys/stat.h>

#include "interval.h"
#include "stack.h"
#include "use.h"

bool tw_idle_on;

/* Below the lowest address that a program may map, and above the numbers of thread-specific keys. 0: too high a number.
 */
static uintptr_t address_of(int fd) {
    enum { FIRST = 4096, MOST = 7000 };
    return fd < MOST ? FIRST + 8 * ((uintptr_t)(fd + 1) + 1) : 0;
}

static struct tw_use_entry *use_of(struct tw_thread *t, int fd, uint8_t type, uintptr_t pc, uintptr_t cfa) {
    uintptr_t address = address_of(fd);
    if (!address) return NULL;
    struct tw_use_entry *e =
            tw_use_at(t, &(struct tw_use_query){.address = address, .pc = pc, .cfa = cfa, .kind = TWATCH_OBJ_EVENTS});
    if (e && TW_UNLIKELY(e->o->type != type)) { /* the number stands for something else by now */
        e->o->type = type;
        e->o->init_value = (uint32_t)fd;
    }
    return e;
}

uint64_t tw_idle_begin_slow(int fd, uint8_t type, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return 0;
    uint64_t now = 0;
    struct tw_use_entry *e = use_of(t, fd, type, pc, cfa);
    if (e) {
        now = tw_sys_now_coarse();
        e->use->last_ns = now;
        e->use->level = 1;
        if (TW_UNLIKELY(!e->use->wait_stack)) e->use->wait_stack = tw_stack_here(t, pc, cfa);
    }
    tw_leave(t);
    return now;
}

static void count(struct tw_thread *t, struct tw_use_entry *e, uint64_t since, uint64_t now, long got) {
    struct twatch_use *u = e->use;
    uint64_t ns = now > since ? now - since : 0;
    u->level = 0;
    u->waits += got > 0;
    u->timeouts += got == 0;
    u->last_ns = now;
    if (TW_UNLIKELY(!u->first_ns)) u->first_ns = since;
    if (!ns) return;
    u->blocked += got > 0;
    u->wait_ns += ns;
    if (ns > u->wait_max_ns) u->wait_max_ns = ns;
    tw_interval_idled(t, e->object, u->wait_stack, since, ns, got <= 0);
}

void tw_idle_end_slow(int fd, uint8_t type, uint64_t since, long got, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct tw_use_entry *e = use_of(t, fd, type, pc, cfa);
    if (e) count(t, e, since, tw_sys_now_coarse(), got);
    tw_leave(t);
}

static bool hands_over(int fd) {
    struct stat st;
    if (tw_sys(SYS_fstat, fd, &st) < 0) return false;
    mode_t kind = st.st_mode & S_IFMT;
    return kind == S_IFIFO || kind == S_IFSOCK || kind == 0 /* eventfd and its kin */;
}

TW_NOINLINE void tw_idle_read_slow(int fd, uint64_t since, long got, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = hands_over(fd) ? tw_enter() : NULL;
    if (!t) return;
    struct tw_use_entry *e = use_of(t, fd, TWATCH_EVENTS_ONE, pc, cfa);
    if (e && !e->use->wait_stack) e->use->wait_stack = tw_stack_here(t, pc, cfa);
    if (e) count(t, e, since, tw_sys_now_coarse(), got);
    tw_leave(t);
}
