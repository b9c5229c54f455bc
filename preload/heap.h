/* Memory that the program had before the race engine came. */
#ifndef TW_HEAP_H
#define TW_HEAP_H

#include <stdbool.h>

/* Constructor, when races are on: allocations are noted from now on. With one thread. */
void tw_heap_early(bool on);
/* The engine has started, still with one thread: tell it the blocks. */
void tw_heap_race(void);

#endif
