/* The seed on deadlock: "a resource asked for several times, and those who ask cannot give it back". The shortest form.
 */
// HANGS
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t resource = PTHREAD_MUTEX_INITIALIZER;

static void inner(void) {
    pthread_mutex_lock(&resource); // EXPECT(self-deadlock): asked for again
    pthread_mutex_unlock(&resource);
}

int main(void) {
    pthread_mutex_lock(&resource); // EXPECT(self-deadlock): taken
    inner();
    pthread_mutex_unlock(&resource);
    puts("never");
    return 0;
}
