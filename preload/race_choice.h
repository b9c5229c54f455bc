/*
 * What races=sample watches next: words of the global data by turns, and in between what threads are about to touch,
 * first of all what was seen in two of them. Under the lock of race_watch.c, inside the guard.
 */
#ifndef TW_RACE_CHOICE_H
#define TW_RACE_CHOICE_H

#include <ucontext.h>

#include "thread.h"

/* The thread uses the address; flags: enum tw_race_insn_flags. When the last one to do so was another, it is shared. */
void tw_choice_use(uintptr_t address, uint32_t thread, uint32_t flags);
/* Somebody writes there. */
bool tw_choice_written(uintptr_t address);
/* It is an atomic variable: never again. */
void tw_choice_leave_alone(uintptr_t address);
/* A race was seen there: after a few it is left alone. */
void tw_choice_caught(uintptr_t address);
/* What the thread that was interrupted there will touch next, once around the loop that it may be in. */
void tw_choice_ahead(const struct tw_thread *t, const ucontext_t *uc);
/* The next address for watchpoint `number`, none of the `n` that are watched; 0: none. *suspect: two threads use it. */
uintptr_t tw_choice_next(uint32_t number, bool *suspect, const uintptr_t *watched, uint32_t n);

/* General registers of an interrupted thread in hardware order: 16 of them. */
void tw_choice_registers(const ucontext_t *uc, uint64_t *r);
static inline uintptr_t tw_choice_pc(const ucontext_t *uc) {
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}

#endif
