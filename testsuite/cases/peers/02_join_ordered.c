/* AB/BA, but the first thread is joined before the second exists. TSan and Helgrind report falsely. */
// CLEAN
#include "../lock-order-cycle/join_ordered_clean.c"
