/* C++ names. */
#ifndef TWATCH_DEMANGLE_H
#define TWATCH_DEMANGLE_H

struct arena;

/* `name` readable when it is a mangled C++ (or old Rust) name, otherwise `name` itself. The result lives in `a`. */
const char *demangle(struct arena *a, const char *name);

#endif
