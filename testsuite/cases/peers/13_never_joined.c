/* Threads that are never joined. Helgrind and DRD are silent. */
// EXPECT(thread-leak)
#include "../thread-leak/never_joined.c"
