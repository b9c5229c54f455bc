/* AB/BA in one thread. TSan and Helgrind report falsely. */
// CLEAN
#include "../lock-order-cycle/single_thread_clean.c"
