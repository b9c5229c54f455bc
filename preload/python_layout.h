/*
 * Where CPython keeps what python.c reads: offsets in bytes, one table per minor version, each in a file named for it.
 * The numbers hold for all final releases of the minor version on x86-64 without --with-trace-refs and without
 * --disable-gil; python.c checks at run time that they do.
 */
#ifndef TW_PYTHON_LAYOUT_H
#define TW_PYTHON_LAYOUT_H

#include <stdint.h>

enum { TW_PYTHON_NONE = 0xffff }; /* this version has no such field */

struct tw_python_layout {
    uint32_t version; /* major << 8 | minor */
    /* _PyRuntimeState */
    uint32_t rt_key;           /* autoTSSkey: int initialised, pthread_key_t */
    uint32_t rt_holder;        /* the thread state that holds the global lock, or held it last */
    uint32_t rt_locked;        /* int, 1 while held; 0: rt_holder is NULL when nobody does */
    uint32_t rt_free_threaded; /* uint64_t, must be 0; 0: no such field */
    uint32_t rt_head, rt_main; /* newest and main interpreter; 0: all share one global lock */
    /* PyThreadState */
    uint16_t ts_thread_id;
    uint16_t ts_frame; /* the current frame, or the _PyCFrame that points to it */
    uint16_t cf_frame; /* in _PyCFrame */
    /* _PyInterpreterFrame; f_span bytes from f_from on hold code, previous and instr */
    uint16_t f_from, f_span;
    uint16_t f_code, f_previous, f_instr;
    uint16_t f_owner;
    uint16_t f_entry; /* char, 1 in the first frame of an evaluation; NONE: a frame of owner CSTACK goes before it */
    uint16_t f_size;  /* without locals */
    /* PyCodeObject; the first co_size bytes hold all of it */
    uint16_t co_firstlineno, co_filename, co_qualname, co_linetable, co_traceable, co_code, co_size;
    /* A thread that waits for the end of another parks at an event in the other's ThreadHandle (Python/parking_lot.c,
       Modules/_threadmodule.c): bytes from its semaphore back to the address of the event, and from the word with the
       event back to the pthread_t. 0: it waits otherwise */
    uint16_t park_event, event_ident;
    /* PyASCIIObject, PyCompactUnicodeObject */
    uint16_t u_ascii, u_compact; /* sizes */
};

extern const struct tw_python_layout tw_python_311, tw_python_312, tw_python_313;

#endif
