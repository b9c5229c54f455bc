/* The same under its lock. */
// CLEAN
// MATRIX
// REPEAT: 100
// LINKED: desk_library.c
#define LOCKED
#include "ticket_library.c"
