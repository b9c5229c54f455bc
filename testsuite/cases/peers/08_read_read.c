/* Two rwlocks read in both orders. TSan and Helgrind report falsely. */
// CLEAN
#include "../lock-order-cycle/read_read_clean.c"
