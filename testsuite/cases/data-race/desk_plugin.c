/* The box office as a shared object: a static counter in it, sold through a function that the program looks up. */
#include <pthread.h>

static int plugin_tickets = 100;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int sell_one(int locked);
int sell_one(int locked) {
    if (locked) pthread_mutex_lock(&lock);
    int sold = plugin_tickets > 0;
    if (sold) plugin_tickets -= 1;
    if (locked) pthread_mutex_unlock(&lock);
    return sold;
}
