/* Saying that threads wait for ever, and what on_deadlock wants done about it. Inside the guard. */
#ifndef TW_HANG_H
#define TW_HANG_H

#include "thread.h"

/* The incidents of the group are in the record. Writes the report on stderr and acts: returns with on_deadlock=report,
   never otherwise. Works while hung threads hold any lock of libc, without memory and without descriptors; takes at
   most some ten seconds. */
void tw_hang_report(struct tw_thread *t, uint32_t group);
/* With hang_timeout: starts the watcher. */
void tw_hang_watch(void);
bool tw_hang_watching(void);
void tw_hang_forked(void);

#endif
