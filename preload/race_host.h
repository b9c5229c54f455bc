/* The shim's side of race/hooks.h: loading the engine, and what it may ask. */
#ifndef TW_RACE_HOST_H
#define TW_RACE_HOST_H

#include "sys.h"

/* In the wrapper of the first thread creation, outside the guard (it calls dlopen). Idempotent. */
void tw_race_host_start(void);
void tw_race_host_forked(void);
/* A new element of a RACE or RACEINFO chunk, zeroed, or NULL; RACE elements keep a lock until tw_race_host_recorded. Inside the guard. */
void *tw_race_host_record(uint32_t kind, size_t bytes);
void tw_race_host_recorded(void *element);

#endif
