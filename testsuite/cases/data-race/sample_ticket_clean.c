/* The same under its lock. */
// FLAGS: -O2 -g
// CLEAN
// OPTIONS: races=sample
// TIMEOUT: 240
#define LOCKED
#include "sample_ticket.c"
