/*
 * The seam between the engine and libtwatch-tsan.so, whose __tsan_* entry points a program compiled with
 * -fsanitize=thread calls. That library exports twatch_tsan_attach; the engine calls it with this table when it starts.
 * Before that there is one thread, and nothing to do.
 */
#ifndef TWATCH_RACE_TSAN_H
#define TWATCH_RACE_TSAN_H

#include <stddef.h>
#include <stdint.h>

enum { TW_TSAN_ABI = 1 };

enum tw_tsan_order {
    TW_TSAN_RELAXED,
    TW_TSAN_CONSUME,
    TW_TSAN_ACQUIRE,
    TW_TSAN_RELEASE,
    TW_TSAN_ACQ_REL,
    TW_TSAN_SEQ_CST
};
enum tw_tsan_kind { TW_TSAN_LOAD = 1, TW_TSAN_STORE = 2, TW_TSAN_RMW = 3 };

struct tw_tsan_table {
    uint32_t abi, write_bit;
    int64_t epoch, read_key; /* offsets from the thread pointer; see x86/x86.h */
    void (*access)(uintptr_t addr, size_t bytes, uint32_t flags, uintptr_t pc, uintptr_t cfa); /* enum rt_flags */
    void (*before)(uintptr_t addr, uint32_t bytes, uint32_t kind, uint32_t order, uintptr_t pc, uintptr_t cfa);
    void (*after)(uintptr_t addr, uint32_t bytes, uint32_t kind, uint32_t order);
    void (*fence)(uint32_t order);
    void (*acquire)(uintptr_t obj);
    void (*release)(uintptr_t obj);
};

#endif
