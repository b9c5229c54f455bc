/* A wakeup sent before the wait. All three hang in silence. */
// HANGS
// EXPECT(lost-wakeup)
// ALLOW(stall, lost-wakeup)
#include "../stall/lost_wakeup.c"
