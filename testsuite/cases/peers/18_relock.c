/* A normal mutex taken twice. TSan and Helgrind hang in silence. */
// HANGS
// EXPECT(self-deadlock)
#include "../self-deadlock/relock.c"
