#include "symbol/demangle.h"

#include "base/arena.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Recursion in the demangler grows with the name; a name from a hostile file is not worth a stack overflow. */
enum { DEMANGLE_LONGEST = 4096 };

typedef char *demangle_function(const char *name, char *buffer, size_t *length, int *status);

/*
 * __cxa_demangle of the C++ ABI comes from the C++ library, which is opened when the first C++ name is met: a C
 * program's report needs no C++ library on the machine.
 */
static demangle_function *demangle_find(void) {
    static demangle_function *found;
    static int tried;
    if (tried) return found;
    tried = 1;
    void *library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libc++abi.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library) *(void **)&found = dlsym(library, "__cxa_demangle");
    return found;
}

const char *demangle(struct arena *a, const char *name) {
    if (strncmp(name, "_Z", 2) != 0 || strlen(name) > DEMANGLE_LONGEST) return name;
    demangle_function *cxa = demangle_find();
    if (!cxa) return name;
    int status = 0;
    char *plain = cxa(name, NULL, NULL, &status);
    const char *result = status == 0 && plain ? arena_str(a, plain) : name;
    free(plain);
    return result;
}
