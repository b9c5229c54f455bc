/* The same under its lock. */
// FLAGS: -O2 -g
// CLEAN
// OPTIONS: races=sample
#define LOCKED
#include "sample_ticket.c"
