/*
 * libtwatch-tsan.so: the entry points that -fsanitize=thread (gcc, clang) puts calls of into a program, over the
 * engine's clocks and shadow. Its SONAME is libtsan.so.2, so that preloading it satisfies a program that was linked
 * with the sanitizer's own run-time, which then is not loaded. Until the engine attaches (first thread creation) every
 * entry returns at once.
 */
#include "../tsan.h"
#include <stdbool.h>

#define EXPORT __attribute__((visibility("default")))
#define PC ((uintptr_t)__builtin_return_address(0))
#define CFA ((uintptr_t)__builtin_dwarf_cfa())

enum { READ = 1, WRITE = 2, RANGE = 256 }; /* enum rt_flags */

static const struct tw_tsan_table *table;
static uint64_t write_key;

EXPORT void twatch_tsan_attach(const struct tw_tsan_table *t);
EXPORT void twatch_tsan_attach(const struct tw_tsan_table *t) {
    if (t->abi != TW_TSAN_ABI) return;
    write_key = 1ull << t->write_bit;
    table = t;
}

static inline uint64_t word(int64_t offset) {
    uint64_t v;
    __asm__ volatile("mov %%fs:(%1), %0" : "=r"(v) : "r"(offset));
    return v;
}

/* True if the granules of an aligned access already carry the thread's epoch. Addresses beyond user space are left to
 * the slow path. */
static inline bool covered(uintptr_t a, uint32_t size, bool write) {
    uint64_t epoch = word(table->epoch);
    uintptr_t cell = (a & ~3ull) ^ (write ? write_key : word(table->read_key));
    if (size > 8) return false;
    if (size == 8) return *(const uint64_t *)cell == epoch;
    return *(const uint32_t *)cell == (uint32_t)epoch;
}

static inline void access(uintptr_t a, uint32_t size, uint32_t flags, uintptr_t pc, uintptr_t cfa) {
    if (__builtin_expect(table == NULL, 0)) return;
    bool aligned = (a & (size - 1)) == 0;
    if (aligned && covered(a, size, flags & WRITE)) return;
    table->access(a, size, flags, pc, cfa);
}

static inline void range(uintptr_t a, size_t size, uint32_t flags, uintptr_t pc, uintptr_t cfa) {
    if (table && size) table->access(a, size, flags | RANGE, pc, cfa);
}

#define ACCESS(name, size, flags)                                                                                      \
    EXPORT void __tsan_##name(void *a);                                                                                \
    void __tsan_##name(void *a) {                                                                                      \
        access((uintptr_t)a, size, flags, PC, CFA);                                                                    \
    }
#define ACCESSES(size)                                                                                                 \
    ACCESS(read##size, size, READ)                                                                                     \
    ACCESS(write##size, size, WRITE)                                                                                   \
    ACCESS(read_write##size, size, READ | WRITE)                                                                       \
    ACCESS(unaligned_read##size, size, READ)                                                                           \
    ACCESS(unaligned_write##size, size, WRITE)                                                                         \
    ACCESS(unaligned_read_write##size, size, READ | WRITE)                                                             \
    ACCESS(volatile_read##size, size, READ)                                                                            \
    ACCESS(volatile_write##size, size, WRITE)                                                                          \
    ACCESS(unaligned_volatile_read##size, size, READ)                                                                  \
    ACCESS(unaligned_volatile_write##size, size, WRITE)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

#define ENTRY(type, name, ...)                                                                                         \
    EXPORT type name(__VA_ARGS__);                                                                                     \
    type name(__VA_ARGS__)

ENTRY(void, __tsan_init, void) {}
ENTRY(void, __tsan_func_entry, void *pc) {
    (void)pc;
}
ENTRY(void, __tsan_func_exit, void) {}
ENTRY(void, __tsan_ignore_thread_begin, void) {}
ENTRY(void, __tsan_ignore_thread_end, void) {}
ENTRY(void, __tsan_read_range, void *a, size_t n) {
    range((uintptr_t)a, n, READ, PC, CFA);
}
ENTRY(void, __tsan_write_range, void *a, size_t n) {
    range((uintptr_t)a, n, WRITE, PC, CFA);
}
ENTRY(void, __tsan_vptr_read, void **a) {
    access((uintptr_t)a, 8, READ, PC, CFA);
}

/* A constructor or destructor stores the vtable pointer that is there already: no write of anything new. */
ENTRY(void, __tsan_vptr_update, void **a, void *value) {
    if (*a != value) access((uintptr_t)a, 8, WRITE, PC, CFA);
}

ENTRY(void *, __tsan_memcpy, void *to, const void *from, size_t n) {
    range((uintptr_t)from, n, READ, PC, CFA);
    range((uintptr_t)to, n, WRITE, PC, CFA);
    return __builtin_memcpy(to, from, n);
}
ENTRY(void *, __tsan_memmove, void *to, const void *from, size_t n) {
    range((uintptr_t)from, n, READ, PC, CFA);
    range((uintptr_t)to, n, WRITE, PC, CFA);
    return __builtin_memmove(to, from, n);
}
ENTRY(void *, __tsan_memset, void *to, int c, size_t n) {
    range((uintptr_t)to, n, WRITE, PC, CFA);
    return __builtin_memset(to, c, n);
}

ENTRY(void, __tsan_acquire, void *obj) {
    if (table) table->acquire((uintptr_t)obj);
}
ENTRY(void, __tsan_release, void *obj) {
    if (table) table->release((uintptr_t)obj);
}

/* ---- atomics: the orders come from the compiler, the operation itself is always sequentially consistent */

static inline void before(volatile void *a, uint32_t bytes, uint32_t kind, int order, uintptr_t pc, uintptr_t cfa) {
    if (table) table->before((uintptr_t)a, bytes, kind, (uint32_t)order & 7u, pc, cfa);
}
static inline void after(const volatile void *a, uint32_t bytes, uint32_t kind, int order) {
    if (table) table->after((uintptr_t)a, bytes, kind, (uint32_t)order & 7u);
}

#define RMW(bits, type, name, expression)                                                                              \
    ENTRY(type, __tsan_atomic##bits##_##name, volatile type *a, type v, int order) {                                   \
        before(a, bits / 8, TW_TSAN_RMW, order, PC, CFA);                                                              \
        type r = expression;                                                                                           \
        after(a, bits / 8, TW_TSAN_RMW, order);                                                                        \
        return r;                                                                                                      \
    }

#define ATOMICS(bits, type)                                                                                            \
    ENTRY(type, __tsan_atomic##bits##_load, const volatile type *a, int order) {                                       \
        before((volatile void *)(uintptr_t)a, bits / 8, TW_TSAN_LOAD, order, PC, CFA);                                 \
        type r = __atomic_load_n(a, __ATOMIC_SEQ_CST);                                                                 \
        after(a, bits / 8, TW_TSAN_LOAD, order);                                                                       \
        return r;                                                                                                      \
    }                                                                                                                  \
    ENTRY(void, __tsan_atomic##bits##_store, volatile type *a, type v, int order) {                                    \
        before(a, bits / 8, TW_TSAN_STORE, order, PC, CFA);                                                            \
        __atomic_store_n(a, v, __ATOMIC_SEQ_CST);                                                                      \
    }                                                                                                                  \
    RMW(bits, type, exchange, __atomic_exchange_n(a, v, __ATOMIC_SEQ_CST))                                             \
    RMW(bits, type, fetch_add, __atomic_fetch_add(a, v, __ATOMIC_SEQ_CST))                                             \
    RMW(bits, type, fetch_sub, __atomic_fetch_sub(a, v, __ATOMIC_SEQ_CST))                                             \
    RMW(bits, type, fetch_and, __atomic_fetch_and(a, v, __ATOMIC_SEQ_CST))                                             \
    RMW(bits, type, fetch_or, __atomic_fetch_or(a, v, __ATOMIC_SEQ_CST))                                               \
    RMW(bits, type, fetch_xor, __atomic_fetch_xor(a, v, __ATOMIC_SEQ_CST))                                             \
    RMW(bits, type, fetch_nand, __atomic_fetch_nand(a, v, __ATOMIC_SEQ_CST))                                           \
    ENTRY(int, __tsan_atomic##bits##_compare_exchange_strong, volatile type *a, type *c, type v, int order,            \
            int other) {                                                                                               \
        before(a, bits / 8, TW_TSAN_RMW, order, PC, CFA);                                                              \
        bool r = __atomic_compare_exchange_n(a, c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                      \
        after(a, bits / 8, TW_TSAN_RMW, r ? order : other);                                                            \
        return r;                                                                                                      \
    }                                                                                                                  \
    ENTRY(int, __tsan_atomic##bits##_compare_exchange_weak, volatile type *a, type *c, type v, int order, int other) { \
        before(a, bits / 8, TW_TSAN_RMW, order, PC, CFA);                                                              \
        bool r = __atomic_compare_exchange_n(a, c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                      \
        after(a, bits / 8, TW_TSAN_RMW, r ? order : other);                                                            \
        return r;                                                                                                      \
    }                                                                                                                  \
    ENTRY(type, __tsan_atomic##bits##_compare_exchange_val, volatile type *a, type c, type v, int order, int other) {  \
        before(a, bits / 8, TW_TSAN_RMW, order, PC, CFA);                                                              \
        bool r = __atomic_compare_exchange_n(a, &c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                     \
        after(a, bits / 8, TW_TSAN_RMW, r ? order : other);                                                            \
        return c;                                                                                                      \
    }

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

ENTRY(void, __tsan_atomic_thread_fence, int order) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (table) table->fence((uint32_t)order & 7u);
}
ENTRY(void, __tsan_atomic_signal_fence, int order) {
    (void)order;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
