/* Given back by another thread. */
// EXPECT(unlock-not-owner)
#include "../unlock-not-owner/other_thread.c"
