/* The report of a hang without the analyzer: modules and offsets instead of symbols. Raw writes on stderr; any state of
 * the process. Inside the guard. */
#ifndef TW_HANG_TEXT_H
#define TW_HANG_TEXT_H

#include "thread.h"

void tw_hang_text(struct tw_thread *t, uint32_t group);

#endif
