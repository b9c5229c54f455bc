/* The same under its lock. */
// CLEAN
// MATRIX
// REPEAT: 100
// SHARED: desk_plugin.c
#define LOCKED
#include "ticket_plugin.c"
