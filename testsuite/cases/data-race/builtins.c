/* A plain int with release stores and acquire loads by builtins: in machine code a plain variable. Said at less
 * confidence, with the reason; what it publishes is not reported. The same with a sequentially consistent store, or
 * a counter by fetch_add, is an atomic variable. */
// FLAGS: -O2 -g
// COUNT(data-race): 1
// OBJECT(data-race): ready
// MESSAGE(data-race): flag polling
// MESSAGE(data-race): as __atomic builtins with a release store and an acquire load are
#include "step.h"
#include <pthread.h>

static int ready, ready_seq_cst, references = 2, data, data_seq_cst, last;

static void *reader(void *arg) {
    while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) // EXPECT(data-race): polled
        nap_ms(1);
    int sum = data;
    while (!__atomic_load_n(&ready_seq_cst, __ATOMIC_SEQ_CST))
        nap_ms(1);
    sum += data_seq_cst;
    if (__atomic_fetch_sub(&references, 1, __ATOMIC_ACQ_REL) == 1) last = sum;
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, reader, NULL);
    nap_ms(20);
    data = 1;
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE); // EXPECT(data-race): set
    nap_ms(20);
    data_seq_cst = 2;
    __atomic_store_n(&ready_seq_cst, 1, __ATOMIC_SEQ_CST);
    if (__atomic_fetch_sub(&references, 1, __ATOMIC_ACQ_REL) == 1) last = 1;
    pthread_join(t, NULL);
    return last < 1;
}
