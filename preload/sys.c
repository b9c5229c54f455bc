#include "sys.h"

#include <pthread.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <time.h>

/* clock_gettime is safe here: glibc's is a thin wrapper over the vDSO, takes no lock and does not set errno on success. */
static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t tw_sys_now(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t tw_sys_now_of(int clock) { return clock_ns(clock); }
uint64_t tw_sys_now_coarse(void) { return clock_ns(CLOCK_MONOTONIC_COARSE); }
int tw_sys_tid(void) { return (int)tw_sys(SYS_gettid); }

void tw_sys_sleep(uint64_t ns) {
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    tw_sys(SYS_nanosleep, &t, 0);
}

/* rep movsb/stosb: short code that the compiler cannot turn back into a call of memcpy; fast enough for the small blocks here (ERMSB). */
void tw_sys_copy(void *to, const void *from, size_t n) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}
void tw_sys_zero(void *p, size_t n) { __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(0) : "memory"); }

bool tw_sys_equal(const void *a, const void *b, size_t n) {
    const char *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i]) return false;
    return true;
}

size_t tw_sys_length(const char *s) {
    size_t n = 0;
    while (s[n]) {
        n++;
        __asm__ volatile("" : "+r"(n)); /* keeps the loop from becoming a call of strlen */
    }
    return n;
}

bool tw_sys_streq(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

/*
 * A thread that is cancelled while it holds one of these would leave it locked for ever. That can happen in a signal handler which interrupted a
 * cancellation point: glibc cancels asynchronously there. Disabling cancellation does not help, since glibc's signal handler looks at the type only
 * (sigcancel_handler in nptl/pthread_cancel.c); so the type is deferred while a lock is held. 3 ns when it is already, as it nearly always is.
 */
static __thread uint32_t locks_held __attribute__((tls_model("initial-exec")));
static __thread bool was_asynchronous __attribute__((tls_model("initial-exec")));

static void defer_cancellation(void) {
    int before = PTHREAD_CANCEL_DEFERRED;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
    if (before == PTHREAD_CANCEL_ASYNCHRONOUS) was_asynchronous = true;
    locks_held++;
}

/* May not return: a cancellation that came meanwhile is acted on. */
static void restore_cancellation(void) {
    if (locks_held > 0 && --locks_held > 0) return;
    if (TW_LIKELY(!was_asynchronous)) return;
    was_asynchronous = false;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
}

static bool try_word(struct tw_lock *l) {
    uint32_t free_word = 0;
    return __atomic_compare_exchange_n(&l->word, &free_word, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Mutex 2 of Drepper, "Futexes Are Tricky" (2011), after a short spin. */
void tw_lock_take(struct tw_lock *l) {
    defer_cancellation();
    for (int i = 0; i < 100; i++) {
        if (try_word(l)) return;
        __builtin_ia32_pause();
    }
    while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE) != 0) tw_sys(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 2, 0);
}

bool tw_lock_try(struct tw_lock *l) {
    defer_cancellation();
    if (try_word(l)) return true;
    restore_cancellation();
    return false;
}

void tw_lock_give(struct tw_lock *l) {
    if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2) tw_sys(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1);
    restore_cancellation();
}

void *tw_sys_pages(size_t bytes) {
    long p = tw_sys(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p < 0 && p > -4096 ? NULL : (void *)p;
}

static struct tw_lock memory_lock;
enum { PIECE = 256 * 1024, OWN_PAGES = PIECE / 4 };

void tw_sys_forked(void) { memory_lock = (struct tw_lock){0}; }

void *tw_sys_memory(size_t bytes) {
    static char *next;
    static size_t room;
    bytes = (bytes + 15) & ~(size_t)15;
    if (bytes >= OWN_PAGES) return tw_sys_pages(bytes);
    tw_lock_take(&memory_lock);
    if (room < bytes) {
        char *fresh = tw_sys_pages(PIECE);
        if (fresh) next = fresh, room = PIECE;
    }
    void *p = NULL;
    if (room >= bytes) p = next, next += bytes, room -= bytes;
    tw_lock_give(&memory_lock);
    return p;
}

void tw_sys_release(void *p, size_t bytes) {
    if (bytes >= OWN_PAGES) tw_sys(SYS_munmap, p, bytes);
}

bool tw_sys_readable(const void *p, size_t n) {
    char copy[16];
    struct { const void *base; size_t length; } local = {copy, n < sizeof copy ? n : sizeof copy}, remote = {p, n < sizeof copy ? n : sizeof copy};
    return tw_sys(SYS_process_vm_readv, tw_sys(SYS_getpid), &local, 1, &remote, 1, 0) == (long)local.length;
}

static size_t put_number(char *out, size_t at, size_t size, uint64_t v, unsigned base, bool negative) {
    char digits[24];
    size_t n = 0;
    do digits[n++] = "0123456789abcdef"[v % base];
    while ((v /= base) != 0);
    if (negative) digits[n++] = '-';
    while (n > 0 && at + 1 < size) out[at++] = digits[--n];
    return at;
}

static size_t format_list(char *out, size_t size, const char *f, va_list args) {
    size_t at = 0;
    for (; *f && at + 1 < size; f++) {
        if (*f != '%') {
            out[at++] = *f;
            continue;
        }
        switch (*++f) {
        case 's':
            for (const char *s = va_arg(args, const char *); s && *s && at + 1 < size; s++) out[at++] = *s;
            break;
        case 'u': at = put_number(out, at, size, va_arg(args, uint64_t), 10, false); break;
        case 'x': at = put_number(out, at, size, va_arg(args, uint64_t), 16, false); break;
        case 'd': {
            int64_t v = va_arg(args, int64_t);
            at = put_number(out, at, size, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0);
            break;
        }
        default: out[at++] = *f; break;
        }
    }
    if (size) out[at] = 0;
    return at;
}

size_t tw_sys_format(char *out, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t n = format_list(out, size, format, args);
    va_end(args);
    return n;
}

void tw_sys_say(const char *format, ...) {
    char line[1000];
    va_list args;
    va_start(args, format);
    size_t n = format_list(line, sizeof line, format, args);
    va_end(args);
    tw_sys(SYS_write, 2, line, n);
}
