/*
 * What tw_race_host.stack_here is given as `regs`: the general registers at the instrumented instruction, as the
 * hardware numbers them, so that the unwinder can start there.
 *
 *     pc is the address of the accessing instruction itself (mark the stack TWATCH_STACK_PRECISE0); sp is its stack
 * pointer. regs == NULL: only pc and sp are known. pc is then a return address; unwind from the current frame and drop
 * the frames whose stack pointer is below sp; the first that is kept is pc's.
 *
 * slot[] is written by the host: the addresses of the stack words that hold the return addresses of the stack it
 * returned. The engine keeps the pair (slots, values) and asks again only when one of them has changed, so a hit needs
 * no call at all. nslots = 0 when the host does not know them (the engine then asks each time); a stack with more than
 * TW_RACE_SLOTS frames is answered with 0.
 *
 * Vector registers: the engine saves them around every call of the host, the host need not.
 */
#ifndef TWATCH_RACE_RUNTIME_H
#define TWATCH_RACE_RUNTIME_H

#include <stdint.h>

enum { TW_RACE_SLOTS = 24 };

enum tw_race_reg {
    TW_RACE_RAX,
    TW_RACE_RCX,
    TW_RACE_RDX,
    TW_RACE_RBX,
    TW_RACE_RSP,
    TW_RACE_RBP,
    TW_RACE_RSI,
    TW_RACE_RDI,
    TW_RACE_R8,
    TW_RACE_R9,
    TW_RACE_R10,
    TW_RACE_R11,
    TW_RACE_R12,
    TW_RACE_R13,
    TW_RACE_R14,
    TW_RACE_R15
};

struct tw_race_regs {
    uint64_t gpr[16]; /* enum tw_race_reg */
    uint32_t nslots;  /* out: 0..TW_RACE_SLOTS */
    uint32_t whole;   /* out: 1: the stack has no return address but those in slot[], even if there are none */
    uint64_t slot[TW_RACE_SLOTS]; /* out */
};

#endif
