/* A thread ends with a mutex. TSan is silent. */
// EXPECT(lock-held-at-thread-exit)
// ALLOW(lock-held-at-exit)
#include "../lock-held-at-thread-exit/early_return.c"
