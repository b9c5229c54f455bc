#include "symbol/own.h"

#include <stddef.h>
#include <string.h>

static const char *const own_module_roots[] = {
        "/usr/lib/", "/lib/", "/lib64/", "/usr/lib64/", "/lib32/", "/usr/libexec/", "/snap/", "linux-vdso", "[vdso]"};

static const char *const own_file_roots[] = {"/usr/include/", "/usr/lib/", "/usr/share/", "/lib/", "/build/glibc",
        "/usr/src/debug/", "../sysdeps/", "./sysdeps/", "../nptl/", "./nptl/", "/rustc/"};

/* Parts of a path that mark the C and C++ libraries wherever they were installed or built. */
static const char *const own_file_parts[] = {"/include/c++/", "/libstdc++-v3/", "/sysdeps/", "/site-packages/",
        "/dist-packages/", "/nptl/", "/csu/libc-start", "<frozen "};

static const char *const own_runtime_names[] = {
        "libc.so", "libc-2", "libpthread", "ld-linux", "ld-2", "libtwatch", "libtsan", "linux-vdso", "[vdso]"};

/* The C++ library is a runtime too, but a frame in it says more than one in libc: it stays a place of last resort. */
static const char *const own_library_names[] = {"libstdc++", "libc++", "libgcc_s", "libgomp", "libunwind"};

static const char *own_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool own_starts(const char *text, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strncmp(text, list[i], strlen(list[i])) == 0) return true;
    return false;
}

#define OWN_STARTS(text, list) own_starts(text, list, sizeof list / sizeof *list)

bool own_is_runtime_module(const char *path) {
    return OWN_STARTS(own_base(path), own_runtime_names);
}

bool own_is_system_module(const char *path) {
    return OWN_STARTS(path, own_module_roots) || own_is_runtime_module(path) ||
           OWN_STARTS(own_base(path), own_library_names);
}

bool own_is_system_file(const char *path) {
    if (OWN_STARTS(path, own_file_roots)) return true;
    for (size_t i = 0; i < sizeof own_file_parts / sizeof *own_file_parts; i++)
        if (strstr(path, own_file_parts[i])) return true;
    return false;
}
