/* The unrelated lock protects something, which tells the second thread nothing. */
// FLAGS: -O2 -g
// OPTIONS: hybrid=1
// OBJECT(data-race): hits
// EXPECT(data-race)
// COUNT(data-race): 1
#define COUNTED
#include "hybrid_counter.c"
