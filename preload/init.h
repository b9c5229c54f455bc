/* The library's own start, and its restart in a fork child. */
#ifndef TW_INIT_H
#define TW_INIT_H

#include <stdbool.h>

/* Called when tw_live->on reads 0: true if this is a child of a fork that was not seen (raw clone), and recording has been started anew. */
bool tw_init_restart(void);
/* In the child of a fork: everything starts anew, in private memory; held locks of the calling thread are kept. The guard of the thread must be set; it is when it returns. */
void tw_init_forked(void);
/* For tw_thread_forked only: every other part forgets what it knew. */
void tw_init_forget_all(void);
/* No more recording, for good. */
void tw_init_stop(void);

#endif
