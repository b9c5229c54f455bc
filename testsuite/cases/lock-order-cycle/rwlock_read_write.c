/* Each thread holds one rwlock for reading and writes the other. */
#include "step.h"
#include <pthread.h>

static pthread_rwlock_t users = PTHREAD_RWLOCK_INITIALIZER, groups = PTHREAD_RWLOCK_INITIALIZER;

static void *add_group(void *arg) {
    pthread_rwlock_rdlock(&users);  // EXPECT(lock-order-cycle): held for reading
    pthread_rwlock_wrlock(&groups); // EXPECT(lock-order-cycle): wanted for writing
    pthread_rwlock_unlock(&groups);
    pthread_rwlock_unlock(&users);
    step(1);
    return arg;
}

static void *add_user(void *arg) {
    await(1);
    pthread_rwlock_rdlock(&groups); // EXPECT(lock-order-cycle): held for reading
    pthread_rwlock_wrlock(&users);  // EXPECT(lock-order-cycle): wanted for writing
    pthread_rwlock_unlock(&users);
    pthread_rwlock_unlock(&groups);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, add_group, NULL);
    pthread_create(&b, NULL, add_user, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
