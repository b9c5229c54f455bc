#include "verify.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>

static long read_file(const char *path, char *text, size_t size) {
    int fd = (int)tw_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fd;
    long n = tw_sys(SYS_read, fd, text, size - 1);
    tw_sys(SYS_close, fd);
    text[n > 0 ? n : 0] = 0;
    return n;
}

static uint64_t parse_number(const char **text, unsigned base) {
    const char *p = *text;
    uint64_t v = 0;
    while (*p == ' ')
        p++;
    if (base == 16 && p[0] == '0' && p[1] == 'x') p += 2;
    for (;; p++) {
        unsigned digit = *p >= '0' && *p <= '9'   ? (unsigned)(*p - '0')
                         : *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a') + 10
                                                  : 99;
        if (digit >= base) break;
        v = v * base + digit;
    }
    *text = p;
    return v;
}

/* The words that a wait for this kind of object may sit on. */
static bool belongs(const struct tw_view *v, uintptr_t word) {
    uintptr_t base = v->address;
    size_t size = 8;
    switch (v->kind) {
    case TWATCH_OBJ_MUTEX:
        size = 40;
        break;
    case TWATCH_OBJ_RWLOCK:
        size = 56;
        break;
    case TWATCH_OBJ_COND:
        size = 48;
        break;
    case TWATCH_OBJ_SEM:
    case TWATCH_OBJ_BARRIER:
        size = 32;
        break;
    case TWATCH_OBJ_THREAD: { /* the word that the kernel clears at the end of the thread, inside its block */
        const struct twatch_thread *d = tw_thread_desc(v->joined);
        bool by_libc = d && base == d->handle; /* else at a semaphore, see see_join in waits.c */
        size = by_libc ? 4096 : 32;
        break;
    }
    default:
        break;
    }
    return word >= base && word < base + size;
}

enum tw_verify tw_verify_blocked(struct tw_view *v) {
    char path[64], text[256];
    tw_sys_format(path, sizeof path, "/proc/self/task/%u/syscall", (uint64_t)v->tid);
    long n = read_file(path, text, sizeof text);
    if (n == -2 /* ENOENT */)
        return tw_sys(SYS_tgkill, tw_header->pid, v->tid, 0) < 0 ? TW_VERIFY_ELSEWHERE : TW_VERIFY_UNKNOWN;
    if (n <= 0) return TW_VERIFY_UNKNOWN;
    if (text[0] < '0' || text[0] > '9')
        return v->kind == TWATCH_OBJ_SPIN && text[0] == 'r' ? TW_VERIFY_BLOCKED : TW_VERIFY_ELSEWHERE; /* "running" */
    const char *p = text;
    if (parse_number(&p, 10) != SYS_futex) return TW_VERIFY_ELSEWHERE;
    uintptr_t word = parse_number(&p, 16);
    uint64_t operation = parse_number(&p, 16) & (uint64_t)(uint32_t)FUTEX_CMD_MASK;
    parse_number(&p, 16);
    uint64_t timeout = parse_number(&p, 16);
    bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET || operation == FUTEX_LOCK_PI ||
                 operation == FUTEX_LOCK_PI2;
    if (!waits || timeout != 0) return TW_VERIFY_ELSEWHERE;
    if (belongs(v, word)) return TW_VERIFY_BLOCKED;
    const struct twatch_object *mutex = v->kind == TWATCH_OBJ_COND ? tw_object_at(v->mutex) : NULL;
    if (!mutex || word < mutex->address || word >= mutex->address + 40) return TW_VERIFY_ELSEWHERE;
    v->woken = true;
    return TW_VERIFY_BLOCKED;
}

/* The n-th field (from 1) of a stat file, counted behind the name, which may hold blanks and brackets. */
static uint64_t stat_field(const char *text, int n, char *letter) {
    const char *p = text;
    for (const char *s = text; *s; s++)
        if (*s == ')') p = s + 1;
    for (int field = 3; *p && field < n; p++)
        if (*p == ' ' && p[1] != ' ' && p != text && p[-1] != ')') field++;
    while (*p == ' ')
        p++;
    *letter = *p;
    return parse_number(&p, 10);
}

uint32_t tw_verify_threads(void) {
    char path[64], text[512], letter;
    if (read_file("/proc/self/stat", text, sizeof text) <= 0) return 0;
    uint32_t threads = (uint32_t)stat_field(text, 20, &letter);
    tw_sys_format(path, sizeof path, "/proc/self/task/%u/stat", (uint64_t)tw_header->pid);
    if (read_file(path, text, sizeof text) <= 0) return threads;
    stat_field(text, 3, &letter);
    return letter == 'Z' && threads > 0 ? threads - 1 : threads;
}

bool tw_verify_handlers(void) {
    static const uint8_t own_doing[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPIPE, 32, 33};
    for (int sig = 1; sig < 65; sig++) {
        struct {
            uintptr_t handler;
            unsigned long flags;
            void *restorer;
            uint64_t mask;
        } a;
        bool skip = false;
        for (size_t i = 0; i < sizeof own_doing; i++)
            skip |= own_doing[i] == sig;
        if (!skip && tw_sys(SYS_rt_sigaction, sig, 0, &a, sizeof a.mask) == 0 && a.handler > 1) return true;
    }
    return false;
}
