/* Reading the interpreter's memory, and the text of one Python frame. For python.c only. */
#ifndef TW_PYTHON_TEXT_H
#define TW_PYTHON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tw_python_layout;

struct tw_python_reader {
    bool direct; /* the caller holds the interpreter's lock: plain loads are safe */
    int pid;     /* of the process, for the careful way */
};

/* Copy n bytes from addr; false, and nothing believed, when they are not there. */
bool tw_python_read(const struct tw_python_reader *r, uintptr_t addr, void *to, size_t n);

/* Finds the types that objects are checked against; false when the interpreter hides them. */
bool tw_python_text_init(const struct tw_python_layout *at);

/* What a function does with the lock that it takes. */
enum tw_python_role {
    TW_PYTHON_WORKS,
    TW_PYTHON_ASKS,  /* looks, under the lock, how others are doing, and gives it back: threading.active_count, Queue.empty, Future.done */
    TW_PYTHON_JOINS, /* waits for the end of a thread: Thread.join */
    TW_PYTHON_HELPS, /* takes it for its caller: Condition.__enter__ */
};

/* string_id("function\nfile\nline") for a code object and the address of its current instruction; 0 when it is none. */
uint32_t tw_python_text(const struct tw_python_reader *r, uintptr_t code, uintptr_t instr, uint32_t (*string_id)(const char *, size_t),
        enum tw_python_role *role);

void tw_python_text_forked(void); /* in the child: texts have no ids yet */

#endif
