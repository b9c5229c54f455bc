/* Two semaphores as locks, hanging. All three hang in silence. */
// HANGS
// EXPECT(deadlock)
#include "../deadlock/two_semaphores.c"
