/* CPython 3.11: the frame chain starts at a _PyCFrame on the C stack, and each evaluation marks its first frame with
 * is_entry. */
#include "python_layout.h"

const struct tw_python_layout tw_python_311 = {
        .version = 0x030b,
        .rt_key = 592,
        .rt_holder = 576,
        .ts_thread_id = 152,
        .ts_frame = 56,
        .cf_frame = 8,
        .f_from = 32,
        .f_span = 32,
        .f_code = 32,
        .f_previous = 48,
        .f_instr = 56,
        .f_owner = 69,
        .f_entry = 68,
        .f_size = 72,
        .co_firstlineno = 72,
        .co_filename = 112,
        .co_qualname = 128,
        .co_linetable = 136,
        .co_traceable = 168,
        .co_code = 184,
        .co_size = 184,
        .u_ascii = 48,
        .u_compact = 72,
};
