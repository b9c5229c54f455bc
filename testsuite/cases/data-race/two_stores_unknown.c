/* Without debug information two plain stores may be atomic ones: V8 and others publish so, each thread the same value. Doubt, no error. */
// FLAGS: -O2 -s
// COUNT(data-race): 1
// EXPECT(data-race)
// SEVERITY(data-race): warning
// MESSAGE(data-race): two writes in no order
// MESSAGE(data-race): if it is declared atomic, all is well
#include <pthread.h>
#include <stdatomic.h>

static _Atomic(const char *) table;

static void *setup(void *arg) {
    atomic_store_explicit(&table, "table", memory_order_relaxed);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, setup, NULL);
    pthread_create(&u, NULL, setup, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return table == NULL;
}
