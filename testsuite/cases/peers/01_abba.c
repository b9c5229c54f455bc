/* AB/BA in two threads. Peers: TSan and Helgrind report, DRD does not. */
// EXPECT(lock-order-cycle)
#include "../lock-order-cycle/abba.c"
