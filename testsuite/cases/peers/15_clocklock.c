/* The clock variants. TSan and Helgrind report falsely. */
// CLEAN
#include "../unlock-not-held/clocklock_clean.c"
