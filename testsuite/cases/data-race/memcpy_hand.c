/* libc's hands: one thread copies a block with memcpy while another reads it. */
// FLAGS: -O1 -g -fno-builtin
#include <pthread.h>
#include <string.h>

static char board[256];
static int sum;

static void *writer(void *arg) {
    char local[256];
    memset(local, 7, sizeof local);
    memcpy(board, local, sizeof board); // EXPECT(data-race): written by memcpy
    return arg;
}

static void *reader(void *arg) {
    int n = 0;
    for (int i = 0; i < 256; i++)
        n += board[i]; // EXPECT(data-race): read here
    sum = n;
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, writer, NULL);
    pthread_create(&u, NULL, reader, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return sum < 0;
}
