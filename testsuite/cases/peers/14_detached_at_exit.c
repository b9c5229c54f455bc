/* A detached thread alive when the process ends. All three are silent. */
// EXPECT(daemon-killed)
#include "../daemon-killed/running.c"
