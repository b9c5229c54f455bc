/* C11 mutexes AB/BA. TSan and DRD crash. */
// EXPECT(lock-order-cycle)
#include "../lock-order-cycle/c11.c"
