#include "race_events.h"

#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>

enum { CLOCK = TW_EVENTS, KINDS = TW_EVENTS + 1, HIGH = 1000 };

static int fds[TW_EVENTS_TEAM][KINDS]; /* 0: none */
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

/* Out of the way of the program, which may expect the lowest numbers. */
static int lifted(int fd) {
    struct {
        uint64_t soft, hard;
    } limit = {HIGH, HIGH};
    tw_sys(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, &limit);
    long high = tw_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, limit.soft > HIGH ? HIGH : limit.soft * 3 / 4);
    if (high < 0) return fd;
    tw_sys(SYS_close, fd);
    return (int)high;
}

static int open_one(int tid, int *to) {
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        struct perf_event_attr a = attributes(kind, 0, (uintptr_t)&team);
        a.disabled = kind != CLOCK;
        long fd = tw_sys(SYS_perf_event_open, &a, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (fd < 0) {
            while (kind-- > 0)
                tw_sys(SYS_close, to[kind]);
            return (int)fd;
        }
        to[kind] = lifted((int)fd);
    }
    return 0;
}

int tw_events_open(uint64_t with_key, const int *tids, uint32_t n) {
    int first = -3 /* ESRCH */;
    key = with_key;
    team = 0;
    for (uint32_t i = 0; i < n && team < TW_EVENTS_TEAM; i++) {
        int rc = open_one(tids[i], fds[team]);
        if (i == 0) first = rc;
        if (rc == 0) team++;
    }
    return team ? 0 : first;
}

void tw_events_close(void) {
    for (uint32_t i = 0; i < team; i++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            tw_sys(SYS_close, fds[i][kind]);
    team = 0;
}

void tw_events_forget(void) {
    team = 0;
}

bool tw_events_own(int fd) {
    for (uint32_t i = 0; i < team; i++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            if (fds[i][kind] == fd) return true;
    return false;
}

int tw_events_arm(uint32_t number, uint32_t generation, uintptr_t address) {
    struct perf_event_attr a = attributes(number, generation, address);
    int worst = 0;
    for (uint32_t i = 0; i < team; i++) {
        long rc = tw_sys(SYS_ioctl, fds[i][number], PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &a);
        if (rc < 0) worst = (int)rc;
    }
    return worst;
}

void tw_events_disarm(uint32_t number) {
    for (uint32_t i = 0; i < team; i++)
        tw_sys(SYS_ioctl, fds[i][number], PERF_EVENT_IOC_DISABLE, 0);
}
