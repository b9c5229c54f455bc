/* The plugin is loaded by a thread, when others already run. */
// SHARED: desk_plugin.c
// OBJECT(data-race): plugin_tickets
#include "step.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int (*sell_one)(int locked);
static const char *self;

static void *load(void *arg) {
    char path[4096];
    snprintf(path, sizeof path, "%.*s/desk_plugin.so", (int)(strrchr(self, '/') - self), self);
    void *plugin = dlopen(path, RTLD_NOW);
    if (plugin) *(void **)&sell_one = dlsym(plugin, "sell_one");
    step(1);
    return arg;
}

static void *sell(void *arg) {
    await(1);
    int sold = sell_one(0); // EXPECT(data-race): called from here
    return sold ? arg : NULL;
}

int main(int argc, char **argv) {
    pthread_t t[6];
    (void)argc;
    self = argv[0];
    for (int i = 1; i < 6; i++)
        pthread_create(&t[i], NULL, sell, NULL);
    pthread_create(&t[0], NULL, load, NULL);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    return 0;
}
