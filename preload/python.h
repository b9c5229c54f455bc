/*
 * Python frames in place of the interpreter's own. When the process is CPython 3.11, 3.12 or 3.13, a native stack that
 * runs through _PyEval_EvalFrameDefault is rewritten: each of the interpreter's frames becomes the Python functions
 * that it was running, and the interpreter's own C functions between them disappear. Nothing of the interpreter is ever
 * called; its structures are read, and never without proof that the memory is there (see python.c). In other programs,
 * and in interpreters whose layout is not known, nothing happens.
 *
 * Layouts are those of CPython's Include/internal/pycore_{frame,interp,runtime}.h and
 * Include/cpython/{code,pystate,unicodeobject}.h; the line table is described in CPython's Objects/locations.md.
 */
#ifndef TW_PYTHON_H
#define TW_PYTHON_H

#include "sys.h"

/* Look for an interpreter in the process. Returns 1 when its layout is known. For the constructor: asks the loader for
   symbols. May be called again after a module was loaded. */
int tw_python_init(void);

/* 1 when stacks of this process are rewritten. */
int tw_python_active(void);

/* True when the process carries an interpreter, and tw_python_init did not know it. */
bool tw_python_unknown(void);

/* A value that changes when the Python stack of the calling thread changes; 0 without one. About 15 ns and 1 ns a frame
   when the thread holds the interpreter's lock, about a microsecond otherwise (only a thread that is about to block is
   in that place). Inside the recording guard. */
uint64_t tw_python_fingerprint(void);

/* Rewrite the native stack pc[0..n), innermost first, of the calling thread in place; the array has room for max
   entries. Python frames become TWATCH_FRAME_PYTHON | string_id("function\nfile\nline"). Returns the new number of
   entries; n when there was nothing to rewrite. *flags gets what the innermost function is known for (enum twatch_stack_flags: ASKS, JOINS). Inside the recording guard, not in a thread with less than 8 KiB of
   stack left. */
unsigned tw_python_merge(
        uint64_t *pc, unsigned n, unsigned max, uint32_t (*string_id)(const char *text, size_t length), uint32_t *flags);

/* The pthread_t of the thread for whose end the calling thread is about to wait at this semaphore, if its stack says that it joins one
   (TWATCH_STACK_JOINS); 0: not known. Where joins are made so the semaphore stands in a frame of the caller. */
uint64_t tw_python_joined(uintptr_t semaphore);

void tw_python_forked(void); /* in the child: texts have no ids yet */

/* 1 when the calling thread was started by the interpreter at start_routine and has no Python state any more: asked when it takes the mutex of the
   global lock, which such a thread does for the last time to give the lock up, before anybody who joined it can run. */
int tw_python_thread_done(uintptr_t start_routine);

/* The Python frames of the calling thread are those of this fingerprint until they are said not to be (0): for a thread that waits without the
   interpreter's lock, and would have to ask the kernel. */
extern TW_HIDDEN __thread uint64_t tw_python_known __attribute__((tls_model("initial-exec")));
static inline void tw_python_frames_stay(uint64_t print) {
    tw_python_known = print;
}

/* The caller is about to take or give up the interpreter's global lock (both begin with its mutex): its Python frames may change hereafter. What they
   were is remembered while it goes without the lock, in a C library that takes locks of its own. */
extern TW_HIDDEN __thread uint64_t tw_python_aside __attribute__((tls_model("initial-exec")));
static inline void tw_python_lock_moves(void) {
    tw_python_aside = 0;
}

/* 1 when addr lies in the interpreter's static state: its global lock and what belongs to it, which is not the
   program's doing. One load, one subtraction and one comparison; always 0 in other programs. */
extern uintptr_t tw_python_runtime, tw_python_runtime_size;
static inline int tw_python_is_interpreter_lock(uintptr_t addr) {
    return addr - tw_python_runtime < tw_python_runtime_size;
}

#endif
