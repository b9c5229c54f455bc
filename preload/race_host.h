/* The shim's side of race/hooks.h: loading the engine, and what it may ask. */
#ifndef TW_RACE_HOST_H
#define TW_RACE_HOST_H

/* In the wrapper of the first thread creation, outside the guard (it calls dlopen). Idempotent. */
void tw_race_host_start(void);
void tw_race_host_forked(void);

#endif
