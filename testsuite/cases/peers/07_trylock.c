/* The inner lock is only tried for. Helgrind reports falsely. */
// CLEAN
#include "../lock-order-cycle/all_trylock_clean.c"
