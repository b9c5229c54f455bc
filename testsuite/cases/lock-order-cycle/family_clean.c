/* A table of locks, each taken in front of its neighbour's in another table by two threads: thousands of dependencies
   with the same stacks, all of them in one order. */
#include "family.h"

// CLEAN
int main(void) {
    start();
    each(pair);
    each(pair);
    finish();
    return 0;
}
