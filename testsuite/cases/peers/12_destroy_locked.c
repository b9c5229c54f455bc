/* Destroyed while held. */
// EXPECT(destroy-locked)
// ALLOW(lock-held-at-thread-exit)
#include "../destroy-locked/mutex.c"
