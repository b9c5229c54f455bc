/*
 * A bar on standard error for work that takes longer than a second. Nothing is drawn unless standard error is a
 * terminal, and nothing stays on it. One piece of work at a time; one thread.
 */
#ifndef TWATCH_PROGRESS_H
#define TWATCH_PROGRESS_H

#include <stdint.h>

/* Work of `total` steps begins, 0: nobody knows how many. `what` ("reading records") must live until the end. */
void progress_start(const char *what, uint64_t total);

/* So many steps are done. Reads the clock, and at most ten times a second writes: cheap enough for every record and
 * every finding. Without a start it does nothing. */
void progress_step(uint64_t done);

/* Something was found: counted where the number of steps is not known. */
void progress_found(void);

/* Still at it, for slow steps. */
void progress_alive(void);

/* Takes the bar off the terminal: before anything else is written there. The next step draws it again. */
void progress_clear(void);

/* The work is done: takes the bar off. */
void progress_end(void);

/* No bar from now on. */
void progress_never(void);

#endif
