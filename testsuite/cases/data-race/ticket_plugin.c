/* A dlopened plugin's static counter. The blamed line is the plugin's; this file's is the caller. */
// MATRIX
// REPEAT: 100
// SHARED: desk_plugin.c
// OBJECT(data-race): plugin_tickets
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int (*sell_one)(int locked);

static void *sell(void *arg) {
#ifdef LOCKED
    int sold = sell_one(1);
#else
    int sold = sell_one(0); // EXPECT(data-race): called from here
#endif
    return sold ? arg : NULL;
}

int main(int argc, char **argv) {
    char path[4096];
    const char *variant = strstr(strrchr(argv[0], '/'), "-");
    pthread_t t[10];
    (void)argc;
    snprintf(path, sizeof path, "%.*s/desk_plugin%s.so", (int)(strrchr(argv[0], '/') - argv[0]), argv[0],
            variant ? variant : "");
    void *plugin = dlopen(path, RTLD_NOW);
    if (!plugin) return 1;
    *(void **)&sell_one = dlsym(plugin, "sell_one");
    for (int i = 0; i < 10; i++)
        pthread_create(&t[i], NULL, sell, NULL);
    for (int i = 0; i < 10; i++)
        pthread_join(t[i], NULL);
    return 0;
}
