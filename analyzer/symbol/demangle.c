#include "symbol/demangle.h"

#include "base/arena.h"

#include <dlfcn.h>
#include <stdbool.h>
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

/* "$u7b$" and the like, of rustc's legacy mangling (rustc-demangle, "legacy"); the number of bytes read, 0: none of
 * them.
 */
static size_t demangle_rust_escape(const char *in, char *out) {
    static const struct {
        const char *name;
        char c;
    } names[] = {{"$SP$", '@'}, {"$BP$", '*'}, {"$RF$", '&'}, {"$LT$", '<'}, {"$GT$", '>'}, {"$LP$", '('},
            {"$RP$", ')'}, {"$C$", ','}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(in, names[i].name, strlen(names[i].name)) == 0) {
            *out = names[i].c;
            return strlen(names[i].name);
        }
    if (strncmp(in, "$u", 2) != 0) return 0;
    char *end;
    unsigned long code = strtoul(in + 2, &end, 16);
    if (*end != '$' || end == in + 2 || code < ' ' || code > '~') return 0;
    *out = (char)code;
    return (size_t)(end - in) + 1;
}

/* Rust's older names end in "::h" and a hash that changes with every build: without it, and readable, in place. */
static void demangle_rust(char *name) {
    size_t n = strlen(name);
    char *hash = n > 19 ? name + n - 19 : NULL;
    if (!hash || strncmp(hash, "::h", 3) != 0 || strspn(hash + 3, "0123456789abcdef") != 16) return;
    *hash = 0;
    char *out = name;
    for (const char *in = name; *in;) {
        bool start = in == name || (in[-1] == ':' && in - 1 > name && in[-2] == ':');
        if (start && in[0] == '_' && in[1] == '$') in++; /* a name may not start with a dollar sign */
        size_t escape = *in == '$' ? demangle_rust_escape(in, out) : 0;
        if (escape) {
            in += escape;
            out++;
        } else if (in[0] == '.' && in[1] == '.') {
            *out++ = ':';
            *out++ = ':';
            in += 2;
        } else
            *out++ = *in++;
    }
    *out = 0;
}

const char *demangle(struct arena *a, const char *name) {
    if (strncmp(name, "_Z", 2) != 0 || strlen(name) > DEMANGLE_LONGEST) return name;
    demangle_function *cxa = demangle_find();
    if (!cxa) return name;
    int status = 0;
    char *plain = cxa(name, NULL, NULL, &status);
    if (status == 0 && plain) demangle_rust(plain);
    const char *result = status == 0 && plain ? arena_str(a, plain) : name;
    free(plain);
    return result;
}
