/* A static counter in a shared object that the program is linked with. */
// MATRIX
// REPEAT: 100
// LINKED: desk_library.c
// OBJECT(data-race): library_tickets
#include <pthread.h>
#include <stddef.h>

int sell_ticket(int locked);

static void *sell(void *arg) {
#ifdef LOCKED
    int sold = sell_ticket(1);
#else
    int sold = sell_ticket(0); // EXPECT(data-race): called from here
#endif
    return sold ? arg : NULL;
}

int main(void) {
    pthread_t t[10];
    for (int i = 0; i < 10; i++)
        pthread_create(&t[i], NULL, sell, NULL);
    for (int i = 0; i < 10; i++)
        pthread_join(t[i], NULL);
    return 0;
}
