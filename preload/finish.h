/* The end of the process: what is stored in the record, and the report that is made of it. */
#ifndef TW_FINISH_H
#define TW_FINISH_H

#include "thread.h"

/* Constructor. Says that this process is observed (TWATCH_SEEN), keeps the environment for the analyzer, and asks to be
 * called at exit. */
void tw_finish_init(char **envp);

/* Constructor part of wrap_process.c: the first to register handlers of fork. */
void tw_process_init(void);
/* A fork child starts anew. */
void tw_finish_forked(void);

/* The process ends now through _exit, abort, exec or by our own action. Not inside the guard. Stores how, and writes
   the report when that is asked for. Nothing happens in a vfork child, which has its parent's memory. Returns the exit
   status to end with: `code`, or that of the option exitcode. */
struct tw_finish {
    uint32_t end; /* enum twatch_end */
    int code;
    uintptr_t pc, cfa;
    const char *text; /* EXEC: the new program; NULL otherwise */
};
int tw_finish(const struct tw_finish *f);
/* exec failed: the record goes on as if nothing had been. */
void tw_finish_undo(void);
/* This process is the one whose record is in memory: not a vfork child, and not a fork child before its restart. */
bool tw_finish_is_ours(void);

/* Starts the analyzer with these arguments behind its name, NULL at the end (at most 8). Inside the guard. As
 * tw_launch. */
int tw_finish_analyze(const char *const *arguments, uint64_t limit_ns, bool kill);

#endif
