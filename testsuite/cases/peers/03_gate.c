/* AB/BA under a gate lock. TSan and Helgrind report falsely. */
// CLEAN
#include "../lock-order-cycle/gate_clean.c"
