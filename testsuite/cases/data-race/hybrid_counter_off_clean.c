/* Without the option the order of the run counts. */
// CLEAN
// MATRIX
#include "hybrid_counter.c"
