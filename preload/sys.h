/*
 * Raw system calls, the library's own primitives, and what a shim file may not call. Nothing here touches errno, allocates through
 * libc, or takes a libc lock; everything may run in a signal handler and before any constructor.
 */
#ifndef TW_SYS_H
#define TW_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#define TW_LIKELY(x) __builtin_expect(!!(x), 1)
#define TW_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TW_EXPORT __attribute__((visibility("default")))
#define TW_NOINLINE __attribute__((noinline, cold))
/* On declarations of variables that hot paths read: -fvisibility=hidden does not reach declarations, which would then go through the GOT. */
#define TW_HIDDEN __attribute__((visibility("hidden")))

/* The call of the intercepted function, seen from its wrapper: the return address and the value of the stack pointer before the call. */
#define TW_CALLER ((uintptr_t)__builtin_return_address(0))
#define TW_CFA ((uintptr_t)__builtin_dwarf_cfa())

/* Raw system call: the kernel's answer, -errno on failure. */
static inline long tw_sys_call6(long n, long a, long b, long c, long d, long e, long f) {
    long r;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return r;
}
#define TW_SYS_PICK(_1, _2, _3, _4, _5, _6, _7, count, ...) count
#define tw_sys(...) TW_SYS_PICK(__VA_ARGS__, tw_sys6, tw_sys5, tw_sys4, tw_sys3, tw_sys2, tw_sys1, tw_sys0)(__VA_ARGS__)
#define tw_sys0(n) tw_sys_call6(n, 0, 0, 0, 0, 0, 0)
#define tw_sys1(n, a) tw_sys_call6(n, (long)(a), 0, 0, 0, 0, 0)
#define tw_sys2(n, a, b) tw_sys_call6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define tw_sys3(n, a, b, c) tw_sys_call6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define tw_sys4(n, a, b, c, d) tw_sys_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define tw_sys5(n, a, b, c, d, e) tw_sys_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define tw_sys6(n, a, b, c, d, e, f) tw_sys_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Nanoseconds of CLOCK_MONOTONIC through the vDSO (about 27 ns), of CLOCK_MONOTONIC_COARSE (about 6 ns, steps of some milliseconds). */
uint64_t tw_sys_now(void);
uint64_t tw_sys_now_coarse(void);
uint64_t tw_sys_now_of(int clock); /* of another clock that the vDSO reads */
void tw_sys_sleep(uint64_t ns);
int tw_sys_tid(void);

/* memcpy and friends that are ours: the libc's may be intercepted, or not be relocated yet. */
void tw_sys_copy(void *to, const void *from, size_t n);
void tw_sys_zero(void *p, size_t n);
bool tw_sys_equal(const void *a, const void *b, size_t n);
size_t tw_sys_length(const char *s);
bool tw_sys_streq(const char *a, const char *b);

/* A lock for the library's own data: a futex word, 0 free, 1 held, 2 held with waiters. Taken inside the recording guard only, so that
   a signal handler of the same thread never asks for it. */
struct tw_lock { uint32_t word; };
void tw_lock_take(struct tw_lock *l);
bool tw_lock_try(struct tw_lock *l);
void tw_lock_give(struct tw_lock *l);

/* Zeroed private memory; NULL when the kernel gives none. Thread-safe, 16-byte aligned. */
void *tw_sys_memory(size_t bytes);
/* What tw_sys_memory has given, of the same size, is not needed any more. Small pieces stay. */
void tw_sys_release(void *p, size_t bytes);
/* In the child of a fork: another thread of the parent may have been inside tw_sys_memory. */
void tw_sys_forked(void);
/* Anonymous private pages, NULL on failure. */
void *tw_sys_pages(size_t bytes);
/* True if [p, p+n) can be read without a fault. One system call. */
bool tw_sys_readable(const void *p, size_t n);

/* Formatted lines on stderr without stdio: %s %u (uint64_t) %d (int64_t) %x (uint64_t) %%. Cut at 1,000 bytes. One write. */
void tw_sys_say(const char *format, ...);
size_t tw_sys_format(char *out, size_t size, const char *format, ...);

static inline uint64_t tw_sys_mix(uint64_t x) { /* finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) */
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

#endif
