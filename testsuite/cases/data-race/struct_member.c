/* A member of an array element is named table[12].count. */
// FLAGS: -O2 -g
#include <pthread.h>

static struct entry {
    long key;
    int count;
} table[32];

static void *hit(void *arg) {
    table[12].count++; // EXPECT(data-race): the member
    return arg;
}

// OBJECT(data-race): table[12].count
int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, hit, NULL);
    pthread_create(&u, NULL, hit, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
