/* Raw system calls of the race engine: nothing here touches errno or a vector register; any context. */
#ifndef TWATCH_RACE_RT_SYS_H
#define TWATCH_RACE_RT_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* The kernel's answer, -errno on failure. */
static inline long rt_sys(long n, long a, long b, long c, long d, long e, long f) {
    long r;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}

/* Zeroed private pages that take memory only where they are touched and stay out of core files; NULL on failure.
   at: exact address that must be free, or NULL. */
static inline void *rt_pages(void *at, size_t bytes) {
    long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0);
    long r = rt_sys(SYS_mmap, (long)at, (long)bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (r < 0 && r > -4096) return NULL;
    if (at && r != (long)at) { /* kernels before 4.17 take the address as a hint */
        rt_sys(SYS_munmap, r, (long)bytes, 0, 0, 0, 0);
        return NULL;
    }
    rt_sys(SYS_madvise, r, (long)bytes, MADV_NOHUGEPAGE, 0, 0, 0);
    rt_sys(SYS_madvise, r, (long)bytes, MADV_DONTDUMP, 0, 0, 0);
    return (void *)r;
}

#endif
