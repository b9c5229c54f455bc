/* The box office as a library that the program is linked with: a static counter, sold through its interface. */
#include <pthread.h>

static int library_tickets = 100;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int sell_ticket(int locked);
int sell_ticket(int locked) {
    if (locked) pthread_mutex_lock(&lock);
    int sold = library_tickets > 0;
    if (sold) library_tickets -= 1;
    if (locked) pthread_mutex_unlock(&lock);
    return sold;
}
