/* CPython 3.13: as 3.12, but the thread state points to the frame itself and the runtime begins with a table of offsets
   that says whether the build runs without a global lock (whose objects are laid out differently). */
#include "python_layout.h"

const struct tw_python_layout tw_python_313 = {
        .version = 0x030d,
        .rt_key = 2160,
        .rt_holder = 96112,
        .rt_locked = 96120,
        .rt_free_threaded = 16,
        .rt_head = 632,
        .rt_main = 640,
        .ts_thread_id = 152,
        .ts_frame = 72,
        .cf_frame = TW_PYTHON_NONE,
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
        .co_traceable = 184,
        .co_code = 200,
        .co_size = 200,
        .u_ascii = 40,
        .u_compact = 56,
};
