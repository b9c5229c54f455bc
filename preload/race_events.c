#include "race_events.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>

enum { CLOCK = TW_EVENTS, KINDS = TW_EVENTS + 1, HIGH = 1000 };

static struct event {
    int fd;
    uint64_t id; /* the kernel's, unique: tells our descriptor from another one of its number */
} events[TW_EVENTS_TEAM][KINDS];
static uint32_t team;
static uint64_t key;

static struct perf_event_attr attributes(uint32_t kind, uint32_t generation, uintptr_t address) {
    struct perf_event_attr a = {.type = PERF_TYPE_BREAKPOINT,
            .size = sizeof a,
            .sample_period = 1,
            .inherit = 1,
            .inherit_thread = 1,
            .sigtrap = 1,
            .remove_on_exec = 1,
            .exclude_kernel = 1,
            .exclude_hv = 1,
            .sig_data = key | kind << 28 | (generation & 0xfffffff)};
    if (kind == CLOCK) {
        a.type = PERF_TYPE_SOFTWARE;
        a.config = PERF_COUNT_SW_CPU_CLOCK;
        a.sample_period = TW_EVENTS_TICK;
    } else {
        a.bp_type = HW_BREAKPOINT_RW;
        a.bp_addr = address;
        a.bp_len = HW_BREAKPOINT_LEN_1; /* one byte: whoever hits it has touched that byte */
    }
    return a;
}

/* Out of the way of the program, which may expect the lowest numbers; where there are few, in their last quarter. */
static int lifted(int fd) {
    struct {
        uint64_t soft, hard;
    } limit = {HIGH, HIGH};
    tw_sys(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, &limit);
    long high = tw_sys(
            SYS_fcntl, fd, F_DUPFD_CLOEXEC, limit.soft >= HIGH + TW_EVENTS_TEAM * KINDS ? HIGH : limit.soft * 3 / 4);
    if (high < 0) return fd;
    tw_sys(SYS_close, fd);
    return (int)high;
}

static uint64_t id_of(int fd) {
    uint64_t id = 0;
    return tw_sys(SYS_ioctl, fd, PERF_EVENT_IOC_ID, &id) < 0 ? 0 : id;
}

static bool ours(const struct event *e) {
    return e->id && id_of(e->fd) == e->id;
}

static int open_one(int tid, struct event *to) {
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        struct perf_event_attr a = attributes(kind, 0, (uintptr_t)&team);
        a.disabled = kind != CLOCK;
        long fd = tw_sys(SYS_perf_event_open, &a, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (fd < 0) {
            while (kind-- > 0)
                tw_sys(SYS_close, to[kind].fd);
            return (int)fd;
        }
        to[kind].fd = lifted((int)fd);
        to[kind].id = id_of(to[kind].fd);
    }
    return 0;
}

int tw_events_open(uint64_t with_key, const int *tids, uint32_t n) {
    int first = -ESRCH;
    key = with_key;
    team = 0;
    for (uint32_t i = 0; i < n && team < TW_EVENTS_TEAM; i++) {
        int rc = open_one(tids[i], events[team]);
        if (i == 0) first = rc;
        if (rc == 0) __atomic_store_n(&team, team + 1, __ATOMIC_RELEASE);
    }
    return team ? 0 : first;
}

void tw_events_close(void) {
    uint32_t n = team;
    __atomic_store_n(&team, 0, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            if (ours(&events[i][kind])) tw_sys(SYS_close, events[i][kind].fd);
}

bool tw_events_alive(void) {
    for (uint32_t i = 0; i < team; i++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            if (!ours(&events[i][kind])) return false;
    return true;
}

bool tw_events_own(int fd) {
    return fd >= 0 && tw_events_next((uint32_t)fd) == fd;
}

int64_t tw_events_next(uint32_t from) {
    int64_t best = -1;
    for (uint32_t i = 0; i < team; i++)
        for (uint32_t kind = 0; kind < KINDS; kind++) {
            int64_t fd = events[i][kind].fd;
            if (fd >= from && (best < 0 || fd < best)) best = fd;
        }
    return best;
}

int tw_events_arm(uint32_t number, uint32_t generation, uintptr_t address) {
    struct perf_event_attr a = attributes(number, generation, address);
    int worst = 0;
    for (uint32_t i = 0; i < team; i++) {
        const struct event *e = &events[i][number];
        if (!ours(e)) return -EBADF;
        long rc = tw_sys(SYS_ioctl, e->fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &a);
        if (rc < 0 && worst == 0) worst = (int)rc;
    }
    return worst;
}

void tw_events_disarm(uint32_t number) {
    for (uint32_t i = 0; i < team; i++)
        if (ours(&events[i][number])) tw_sys(SYS_ioctl, events[i][number].fd, PERF_EVENT_IOC_DISABLE, 0);
}

void tw_events_toggle(uint32_t number) {
    tw_sys(SYS_ioctl, events[0][number].fd, PERF_EVENT_IOC_DISABLE, 0);
    tw_sys(SYS_ioctl, events[0][number].fd, PERF_EVENT_IOC_ENABLE, 0);
}
