/* A real AB/BA hang. All three peers hang in silence. */
// HANGS
// EXPECT(deadlock)
// THREADS(deadlock): 2
#include "../deadlock/two.c"
