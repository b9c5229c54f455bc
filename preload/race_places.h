/*
 * Which code is the program's own, and its global data word by word: what races=sample watches. Inside the guard. The
 * executable and its own shared objects, as races=on has it (options races_only, races_skip, races_system).
 */
#ifndef TW_RACE_PLACES_H
#define TW_RACE_PLACES_H

#include "sys.h"

/* Learns of modules that have come since. Cheap when there are none. */
void tw_places_refresh(void);
/* True if pc is in the program's own code; *text: where its segment begins. */
bool tw_places_code(uintptr_t pc, uintptr_t *text);
/* True if the address is in a module's writable data. */
bool tw_places_data(uintptr_t address);
/* The next word of global data to be watched, every module in proportion to its size; 0: there is none. */
uintptr_t tw_places_next(void);
/* The watchpoint on an address was set; it hit; threads were held for so long. For the report. */
void tw_places_count(uint32_t other_places, uint32_t hits, uint64_t held_ns);
void tw_places_forked(void);

#endif
