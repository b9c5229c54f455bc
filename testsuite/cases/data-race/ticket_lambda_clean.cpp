// The same under its lock.
// CLEAN
// MATRIX
// REPEAT: 100
#define LOCKED
#include "ticket_lambda.cpp"
