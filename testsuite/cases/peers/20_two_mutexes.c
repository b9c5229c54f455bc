/* One condition variable, two mutexes. TSan is silent. */
// EXPECT(cond-two-mutexes)
#include "../cond-two-mutexes/two.c"
