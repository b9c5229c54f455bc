/* Shadow memory: which windows are watched, and clearing. See shadow.h. */
#include "shadow.h"
#include <errno.h>
#include <fcntl.h>

const uint64_t rt_read_key[RT_READERS] = {(0x04ull << 40) + RT_SPREAD(1), (0x24ull << 40) + RT_SPREAD(2),
        (0x10ull << 40) + RT_SPREAD(3), (0x30ull << 40) + RT_SPREAD(4), (0x14ull << 40) + RT_SPREAD(5),
        (0x34ull << 40) + RT_SPREAD(6)};
struct rt_window rt_windows[RT_WINDOWS];

enum { CLEAR_BY_HAND = 1 << 18, PAGE = 4096, FAULT_BLOCK = 1 << 30 };
/* In TiB. RESERVED_WATCHED windows from RESERVED_FIRST have no image in [RESERVED_FIRST, RESERVED_END), nor of 0, 0x55,
 * 0x56, 0x7c to 0x7f. */
enum { RESERVED_FIRST = 5, RESERVED_WATCHED = 3, RESERVED_END = 0x10 };
enum { IMAGE_BITS = 0x34u };

static uint32_t map_lock;
static uint8_t taken[RT_WINDOWS]; /* 1: the program's, 2: shadow */

static bool map_tib(uint32_t tib) {
    if (taken[tib]) return false;
    if (!rt_pages((void *)((uintptr_t)tib << RT_WINDOW_BITS), tib ? RT_WINDOW_SIZE : 0)) return false;
    taken[tib] = 2;
    return true;
}

/*
 * Reservations of more than a window (InnoDB takes 8 TiB for its buffer pool, and uses the beginning of it) lie best
 * where the images of their first windows are outside of them and free: rt_shadow_place. Tables keep away from there as
 * long as they can.
 */
static bool kept_free(uint32_t tib) {
    for (uint32_t w = RESERVED_FIRST; w < RESERVED_FIRST + RESERVED_WATCHED; w++)
        if (((tib ^ w) & ~(uint32_t)IMAGE_BITS) == 0) return true;
    static const uint8_t usual[] = {0x55, 0x56, 0x7c, 0x7d, 0x7e, 0x7f}; /* windows that may still come */
    for (uint32_t i = 0; i < sizeof usual; i++)
        if (((tib ^ usual[i]) & ~(uint32_t)IMAGE_BITS) == 0) return true;
    return tib >= RESERVED_FIRST && tib < RESERVED_END;
}

static bool is_image(uint32_t tib, uint32_t window) { /* of a window that is in use, or of this one */
    for (uint32_t w = 0; w < RT_WINDOWS; w++)
        if ((taken[w] == 1 || w == window) && ((tib ^ w) & ~(uint32_t)IMAGE_BITS) == 0) return true;
    return false;
}

/* Where only a table finds it: any free TiB, low ones first, away from where the kernel places new mappings. */
static uintptr_t table_tib(size_t bytes, uint32_t window) {
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t tib = 2; tib < 0x78; tib++) {
            if (taken[tib] || is_image(tib, window) || (!pass && kept_free(tib))) continue;
            void *p = rt_pages((void *)((uintptr_t)tib << RT_WINDOW_BITS), bytes);
            if (!p) continue;
            taken[tib] = 2;
            return (uintptr_t)p;
        }
    return (uintptr_t)rt_pages(NULL, bytes);
}

/* Quarters of a TiB share one. */
static uintptr_t table_quarter(uint32_t window) {
    static uintptr_t next;
    static uint32_t left;
    if (!left) {
        next = table_tib(RT_WINDOW_SIZE, window);
        if (!next) return (uintptr_t)rt_pages(NULL, RT_WINDOW_SIZE / 4);
        left = 4;
    }
    left--;
    next += RT_WINDOW_SIZE / 4;
    return next - RT_WINDOW_SIZE / 4;
}

/* Under map_lock. The images of a window; none is kept when one of them cannot be. */
static bool map_images(const uint32_t *images) {
    for (uint32_t j = 0; j <= RT_READERS; j++)
        if (taken[images[j]]) return false;
    for (uint32_t j = 0; j <= RT_READERS; j++) {
        if (map_tib(images[j])) continue;
        while (j-- > 0) {
            rt_sys(SYS_munmap, (long)((uintptr_t)images[j] << RT_WINDOW_BITS), (long)RT_WINDOW_SIZE, 0, 0, 0, 0);
            taken[images[j]] = 0;
        }
        return false;
    }
    return true;
}

/* Under map_lock. */
static bool map_window(uint32_t w) {
    struct rt_window *r = &rt_windows[w];
    if (r->readers) return true;
    if (taken[w] == 2) return false;
    taken[w] = 1;
    uint32_t images[1 + RT_READERS] = {w ^ (uint32_t)(RT_WRITE_KEY >> RT_WINDOW_BITS)};
    for (uint32_t j = 0; j < RT_READERS; j++)
        images[1 + j] = w ^ (uint32_t)(rt_read_key[j] >> RT_WINDOW_BITS);
    if (!map_images(images)) return false;
    for (uint32_t j = 0; j <= RT_READERS; j++) {
        uintptr_t p = table_tib(RT_WINDOW_SIZE, w);
        if (!p) return false;
        r->marks[j] = p - ((uintptr_t)w << RT_WINDOW_BITS);
    }
    r->blocks = table_quarter(w);
    uintptr_t readers = table_quarter(w);
    if (!r->blocks || !readers) return false;
    __atomic_store_n(&r->readers, readers, __ATOMIC_RELEASE);
    return true;
}

uintptr_t rt_shadow_place(size_t size) {
    if (size <= RT_WINDOW_SIZE || size > (RESERVED_END - RESERVED_FIRST) * RT_WINDOW_SIZE) return 0;
    for (uint32_t w = RESERVED_FIRST; w < RESERVED_FIRST + RESERVED_WATCHED; w++)
        if (taken[w]) return 0;
    return (uintptr_t)RESERVED_FIRST << RT_WINDOW_BITS;
}

static void window_mark(uint8_t *seen, uintptr_t lo, uintptr_t hi) {
    for (uintptr_t w = lo >> RT_WINDOW_BITS; w < RT_WINDOWS && w << RT_WINDOW_BITS < hi; w++)
        seen[w] = 1;
}

/* One line of /proc/self/maps starts with "lo-hi "; feeds the ranges to window_mark. False when it cannot be read. */
static bool windows_seen(uint8_t *seen, uintptr_t *lowest_high, uintptr_t *stack_end) {
    long fd = rt_sys(SYS_openat, AT_FDCWD, (long)"/proc/self/maps", O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0) return false;
    char buffer[2048];
    uintptr_t number[2] = {0, 0};
    int field = 0; /* 0, 1: in a number; 2: rest of the line */
    for (long n; (n = rt_sys(SYS_read, fd, (long)buffer, sizeof buffer, 0, 0, 0)) > 0;)
        for (long i = 0; i < n; i++) {
            char c = buffer[i];
            if (c == '\n')
                field = 0, number[0] = number[1] = 0;
            else if (field == 2)
                continue;
            else if (c == '-')
                field = 1;
            else if (c == ' ') {
                field = 2;
                window_mark(seen, number[0], number[1]);
                if (number[0] <= (uintptr_t)buffer && (uintptr_t)buffer < number[1]) *stack_end = number[1];
                if (number[0] >> 46 == 1 && number[1] >> 47 == 0 && number[0] > 0x7000ull << 32 &&
                        number[0] < *lowest_high)
                    *lowest_high = number[0];
            } else
                number[field] = number[field] << 4 | (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
    rt_sys(SYS_close, fd, 0, 0, 0, 0, 0);
    return true;
}

const char *rt_shadow_start(uintptr_t *stack_end) {
    uint8_t seen[RT_WINDOWS] = {0};
    uintptr_t lowest = ~0ull;
    if (!windows_seen(seen, &lowest, stack_end)) return "/proc/self/maps cannot be read";
    if (lowest != ~0ull) window_mark(seen, lowest - (64ull << 30), lowest); /* mappings to come grow down from there */
    window_mark(seen, 0, 1); /* fixed low addresses, and the heap of a program that is not position independent */
    for (uint32_t w = 0; w < RT_WINDOWS; w++)
        if (seen[w]) taken[w] = 1;
    rt_lock(&map_lock);
    uint32_t watched = 0, missed = 0;
    for (uint32_t w = 0; w < RT_WINDOWS; w++)
        if (seen[w]) {
            if (map_window(w))
                watched++;
            else
                missed++;
        }
    rt_unlock(&map_lock);
    if (!watched || (missed && !rt_windows[0x7f].readers))
        return "the address space for shadow memory cannot be reserved (RLIMIT_AS, or overcommit_memory=2)";
    return NULL;
}

void rt_shadow_cover(uintptr_t addr, size_t size) {
    if (addr >> 47) return;
    uintptr_t first = addr >> RT_WINDOW_BITS, end = (addr + size - 1) >> RT_WINDOW_BITS;
    if (end >= RT_WINDOWS) end = RT_WINDOWS - 1;
    bool news = false;
    for (uintptr_t w = first; w <= end; w++)
        news |= !taken[w];
    if (__builtin_expect(!news, 1)) return;
    uint8_t want[RT_WINDOWS] = {0};
    rt_lock(&map_lock);
    for (uintptr_t w = first; w <= end; w++) { /* all of it is the program's, before a part becomes another's shadow */
        want[w] = !taken[w];
        if (want[w]) taken[w] = 1;
    }
    for (uintptr_t w = first; w <= end; w++)
        if (want[w]) map_window((uint32_t)w);
    rt_unlock(&map_lock);
}

/* The kernel reads the set before it finds out that it does not know what to do with it. */
static bool readable(uintptr_t addr) {
    enum { NO_SUCH_HOW = 99 };
    return rt_sys(SYS_rt_sigprocmask, NO_SUCH_HOW, (long)(addr & ~7ull), 0, 8, 0, 0) == -EINVAL;
}

bool rt_shadow_fault(uintptr_t addr) {
    if (addr >> 47 || addr < FAULT_BLOCK) return false;
    /* In a window where the program has memory too, no more than needed: less of what it may ask for by a hint. */
    for (size_t size = taken[addr >> RT_WINDOW_BITS] == 1 ? FAULT_BLOCK >> 9 : FAULT_BLOCK; size >= PAGE; size >>= 9)
        if (rt_pages((void *)(addr & ~(uintptr_t)(size - 1)), size)) return true;
    return readable(addr); /* another thread was faster */
}

static void zero_or_drop(uintptr_t lo, size_t bytes) {
    if (bytes < CLEAR_BY_HAND) {
        memset((void *)lo, 0, bytes);
        return;
    }
    uintptr_t in = (lo + PAGE - 1) & ~(uintptr_t)(PAGE - 1), out = (lo + bytes) & ~(uintptr_t)(PAGE - 1);
    memset((void *)lo, 0, in - lo);
    rt_sys(SYS_madvise, (long)in, (long)(out - in), MADV_DONTNEED, 0, 0, 0);
    memset((void *)out, 0, lo + bytes - out);
}

/* The cells of [lo, hi): at the address ^ far ^ near. Near moves pages inside blocks, so whole blocks are cleared at
 * once and the pages of the first and the last one by one. */
static void clear_image(uintptr_t lo, uintptr_t hi, uintptr_t far, uintptr_t near) {
    while (lo < hi) {
        uintptr_t next = (lo | (PAGE - 1)) + 1;
        if (!(lo & (RT_SPREAD_BLOCK - 1)) && hi - lo >= RT_SPREAD_BLOCK) {
            next = hi & ~(RT_SPREAD_BLOCK - 1);
            rt_sys(SYS_madvise, (long)(lo ^ far), (long)(next - lo), MADV_DONTNEED, 0, 0, 0);
        } else if (!(lo & (PAGE - 1)) && hi >= next) {
            rt_sys(SYS_madvise, (long)(lo ^ far ^ near), PAGE, MADV_DONTNEED, 0, 0, 0);
        } else {
            if (next > hi) next = hi;
            memset((void *)(lo ^ far ^ near), 0, next - lo);
        }
        lo = next;
    }
}

/* Granules [lo, hi) of one window, few enough to look at each. */
static void clear_small(const struct rt_window *w, uintptr_t lo, uintptr_t hi) {
    for (uintptr_t g = lo; g < hi; g += 4) {
        if (!(g & 7) && g + 8 <= hi && !*(uint64_t *)rt_write_cell(g) && !*(uint16_t *)rt_readers(w, g)) {
            g += 4;
            continue;
        }
        uint32_t *cell = rt_write_cell(g);
        uint8_t *readers = rt_readers(w, g);
        uint32_t old = *cell;
        if (__builtin_expect(rt_is_mark(old), 0)) rt_atomic_drop(*rt_write_mark(w, g), g);
        if (old) *cell = 0;
        for (uint32_t b = *readers; b; b &= b - 1)
            *rt_read_cell(g, (uint32_t)__builtin_ctz(b)) = 0;
        if (*readers) *readers = 0;
    }
}

static void clear_in_window(uintptr_t lo, uintptr_t hi) {
    const struct rt_window *w = rt_window(lo);
    if (!w) return;
    if (hi - lo < CLEAR_BY_HAND) {
        clear_small(w, lo, hi);
        return;
    }
    rt_atomic_drop_range(lo, hi);
    const uintptr_t spread = RT_SPREAD_BLOCK - 1;
    clear_image(lo, hi, RT_WRITE_KEY & ~spread, RT_WRITE_KEY & spread);
    for (uint32_t j = 0; j < RT_READERS; j++)
        clear_image(lo, hi, rt_read_key[j] & ~spread, rt_read_key[j] & spread);
    uintptr_t r = (uintptr_t)rt_readers(w, lo), re = (uintptr_t)rt_readers(w, hi - 4) + 1;
    zero_or_drop(r, re - r);
    /* The numbers are dead with their cells: give the pages back. */
    for (uint32_t j = 0; j <= RT_READERS; j++) {
        uintptr_t in = ((lo + spread) & ~spread) + w->marks[j], out = (hi & ~spread) + w->marks[j];
        rt_sys(SYS_madvise, (long)in, (long)(out - in), MADV_DONTNEED, 0, 0, 0);
    }
}

void rt_shadow_clear(uintptr_t lo, uintptr_t hi) {
    lo &= ~3ull;
    hi = (hi + 3) & ~3ull;
    while (lo < hi && !(lo >> 47)) {
        uintptr_t edge = (lo | (RT_WINDOW_SIZE - 1)) + 1;
        clear_in_window(lo, edge < hi ? edge : hi);
        lo = edge;
    }
}

void rt_shadow_wipe(void) {
    for (uintptr_t i = 0; i < RT_WINDOWS; i++) {
        struct rt_window *w = &rt_windows[i];
        if (!w->readers) continue;
        uintptr_t lo = i << RT_WINDOW_BITS, top = ~(RT_WINDOW_SIZE - 1);
        rt_sys(SYS_madvise, (long)(lo ^ (RT_WRITE_KEY & top)), (long)RT_WINDOW_SIZE, MADV_DONTNEED, 0, 0, 0);
        for (uint32_t j = 0; j < RT_READERS; j++)
            rt_sys(SYS_madvise, (long)(lo ^ (rt_read_key[j] & top)), (long)RT_WINDOW_SIZE, MADV_DONTNEED, 0, 0, 0);
        rt_sys(SYS_madvise, (long)w->readers, (long)(RT_WINDOW_SIZE / 4), MADV_DONTNEED, 0, 0, 0);
    }
}
