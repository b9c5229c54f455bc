/* Whose code a frame is: the project's own, or a library's. */
#ifndef TWATCH_OWN_H
#define TWATCH_OWN_H

#include <stdbool.h>

/* True for a path of the system: /usr/lib, /lib, /usr/include, the loader, libtwatch, and what they were built from. */
bool own_is_system_module(const char *path);
bool own_is_system_file(const char *path);

/* libc, libpthread, the loader and libtwatch: never the place to blame, not even when nothing else is left. */
bool own_is_runtime_module(const char *path);

#endif
