/* A cycle of three, every edge shown. Helgrind shows one edge. */
// EXPECT(lock-order-cycle)
// STEPS(lock-order-cycle): 6
#include "../lock-order-cycle/three.c"
