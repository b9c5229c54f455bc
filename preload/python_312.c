/* CPython 3.12: a frame on the C stack (owner CSTACK) goes before the first frame of an evaluation; strings lost their
   wide form; each interpreter has a global lock of its own, and the main interpreter's lies in _PyRuntime. */
#include "python_layout.h"

const struct tw_python_layout tw_python_312 = {
        .version = 0x030c,
        .rt_key = 1544,
        .rt_holder = 77440,
        .rt_locked = 77448,
        .rt_head = 40,
        .rt_main = 48,
        .ts_thread_id = 136,
        .ts_frame = 56,
        .cf_frame = 0,
        .f_from = 0,
        .f_span = 64,
        .f_code = 0,
        .f_previous = 8,
        .f_instr = 56,
        .f_owner = 70,
        .f_entry = TW_PYTHON_NONE,
        .f_size = 72,
        .co_firstlineno = 68,
        .co_filename = 112,
        .co_qualname = 128,
        .co_linetable = 136,
        .co_traceable = 176,
        .co_code = 192,
        .co_size = 192,
        .u_ascii = 40,
        .u_compact = 56,
};
