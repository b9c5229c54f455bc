/* Neighbouring fields, array elements and bit-fields of different words belong to different threads. */
// CLEAN
// MATRIX
#include <pthread.h>
#include <string.h>

static struct {
    char a[3], b[5];
    unsigned x : 4;
    unsigned : 0;
    unsigned y : 4;
} s;
static short parts[4];

static void *left(void *arg) {
    for (int i = 0; i < 100; i++) {
        memcpy(s.a, "ab", 3);
        s.x = (unsigned)i & 15;
        parts[0]++;
        parts[2]++;
    }
    return arg;
}

static void *right(void *arg) {
    for (int i = 0; i < 100; i++) {
        memcpy(s.b, "wxyz", 5);
        s.y = (unsigned)i & 15;
        parts[1]++;
        parts[3]++;
    }
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, left, NULL);
    pthread_create(&u, NULL, right, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
