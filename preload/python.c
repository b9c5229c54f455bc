/*
 * Finding the Python stack of the calling thread, and merging it into a native one. The text of a frame is made in
 * python_text.c.
 *
 *   _PyRuntime.autoTSSkey --pthread_getspecific--> PyThreadState --(cframe)--> frame --previous--> ... --> NULL
 *
 * Which memory may be read. A thread that holds the interpreter's lock (_PyRuntime says who) may follow its own frames
 * as the interpreter does: nobody else can run Python code, and finalisation needs the lock. A thread without the lock
 * may find that the main thread is finalising and has freed the thread state and unmapped the frames under it; it reads
 * through process_vm_readv, which fails where a load would fault. Every code object and string is checked for its type
 * before it is believed.
 */

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sys/uio.h>

#include "record.h"
#include "sys.h"
#include "python.h"
#include "python_call.h"
#include "python_layout.h"
#include "python_text.h"

enum { OWNER_GENERATOR = 1, OWNER_CSTACK = 3 };
enum { CHAIN = 32, CHAIN_MAX = TW_PYTHON_CHAIN }; /* CHAIN: frames remembered per thread */

static struct {
    const struct tw_python_layout *at;
    uintptr_t runtime;
    uintptr_t eval, eval_end;
    bool unknown; /* an interpreter, but none that can be read */
} py;
struct tw_python_fast tw_python_fast;
__thread struct tw_python_own tw_python_own __attribute__((tls_model("initial-exec")));
uint32_t tw_python_epoch = 1;

uintptr_t tw_python_runtime, tw_python_runtime_size;
__thread uint64_t tw_python_known __attribute__((tls_model("initial-exec")));
__thread uint64_t tw_python_aside __attribute__((tls_model("initial-exec")));

/* ---- set-up ---- */

static const struct tw_python_layout *layout_of(unsigned long version) {
    static const struct tw_python_layout *const known[] = {&tw_python_311, &tw_python_312, &tw_python_313};
    if ((version & 0xf0) != 0xf0) return NULL; /* alphas, betas and candidates moved fields */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i]->version == version >> 16) return known[i];
    return NULL;
}

static bool begins(const char *s, const char *with) {
    while (*with && *s == *with)
        s++, with++;
    return !*with;
}

/* True when the module holds nothing but the interpreter: libpython, or a main program of that name. */
static bool is_interpreter_module(const struct link_map *map) {
    char path[512];
    const char *name = map->l_name;
    if (!name || !*name) {
        long n = tw_sys(SYS_readlink, "/proc/self/exe", path, sizeof path - 1);
        if (n <= 0) return false;
        path[n] = 0;
        name = path;
    }
    const char *base = name;
    for (const char *p = name; *p; p++)
        if (*p == '/') base = p + 1;
    return begins(base, "python") || begins(base, "libpython");
}

static void find_text(const void *base, const struct link_map *map, uintptr_t found[2]) {
    const ElfW(Ehdr) *head = base;
    const ElfW(Phdr) *segment = (const void *)((const char *)base + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++) {
        uintptr_t start = map->l_addr + segment[i].p_vaddr, end = start + segment[i].p_memsz;
        if (segment[i].p_type != PT_LOAD || py.eval < start || py.eval >= end) continue;
        found[0] = start;
        found[1] = end;
    }
}

static void set_fast(const struct tw_python_layout *at, uintptr_t runtime, void *getspecific, const uintptr_t text[2]) {
    struct tw_python_fast *f = &tw_python_fast;
    f->key = runtime + at->rt_key;
    f->holder = runtime + at->rt_holder;
    f->locked = at->rt_locked ? runtime + at->rt_locked : 0;
    __builtin_memcpy(&f->getspecific, &getspecific, sizeof getspecific);
    f->ts_frame = at->ts_frame;
    f->through_cframe = at->cf_frame != TW_PYTHON_NONE;
    f->cf_frame = f->through_cframe ? at->cf_frame : 0;
    f->f_instr = at->f_instr;
    f->f_previous = at->f_previous;
    f->text = text[0];
    __atomic_store_n(&f->text_end, text[1], __ATOMIC_RELEASE); /* last: what asks for the rest asks for this first */
}

/* The interpreter's static state, which holds its global lock: in CPython 3.7 and later, whatever else is known of it. Its size, 0: not found. */
static uintptr_t find_runtime(uintptr_t runtime) {
    Dl_info info;
    ElfW(Sym) *symbol = NULL;
    if (!runtime || !dladdr1((void *)runtime, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol) return 0;
    tw_python_runtime = runtime;
    tw_python_runtime_size = symbol->st_size;
    return symbol->st_size;
}

int tw_python_init(void) {
    Dl_info info;
    ElfW(Sym) *symbol = NULL;
    struct link_map *map = NULL;
    if (py.at) return 1;
    py.unknown = dlsym(RTLD_DEFAULT, "Py_InitializeEx") != NULL;
    uintptr_t runtime = (uintptr_t)dlsym(RTLD_DEFAULT, "_PyRuntime"), size = find_runtime(runtime);
    const unsigned long *version = dlsym(RTLD_DEFAULT, "Py_Version");
    const struct tw_python_layout *at = version ? layout_of(*version) : NULL;
    void *eval = dlsym(RTLD_DEFAULT, "_PyEval_EvalFrameDefault");
    void *getspecific = dlsym(RTLD_DEFAULT, "pthread_getspecific");
    if (!at || !size || !eval || !getspecific || !tw_python_text_init(at)) return 0;
    if (size <= at->rt_locked || size <= at->rt_holder) return 0;
    if (at->rt_free_threaded && tw_python_load(runtime + at->rt_free_threaded)) return 0;
    py.runtime = runtime;
    if (!dladdr1(eval, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol) return 0;
    py.eval = (uintptr_t)eval;
    py.eval_end = py.eval + symbol->st_size;
    uintptr_t text[2] = {0, 0};
    if (dladdr1(eval, &info, (void **)&map, RTLD_DL_LINKMAP) && map && is_interpreter_module(map))
        find_text(info.dli_fbase, map, text);
    set_fast(at, runtime, getspecific, text);
    py.at = at;
    py.unknown = false;
    return 1;
}

bool tw_python_unknown(void) {
    return py.unknown;
}

int tw_python_active(void) {
    return py.at != NULL;
}

/* ---- the thread ---- */

/* The caller's state and how it may be read; false without a state, or with one that is not the caller's (a layout that
   is not what it should be, or a state that was freed under a daemon thread). */
static bool open_reader(struct tw_python_reader *r, uintptr_t *state) {
    uint64_t owner = 0;
    *state = tw_python_state();
    if (!*state) return false;
    r->direct = tw_python_holds_lock(*state);
    r->pid = r->direct ? 0 : (int)tw_sys(SYS_getpid);
    return tw_python_read(r, *state + py.at->ts_thread_id, &owner, sizeof owner) &&
           owner == (uint64_t)__builtin_thread_pointer();
}

static uintptr_t first_frame(const struct tw_python_reader *r, uintptr_t state) {
    uint64_t p = 0;
    if (!tw_python_read(r, state + py.at->ts_frame, &p, sizeof p)) return 0;
    if (py.at->cf_frame != TW_PYTHON_NONE && (!p || !tw_python_read(r, p + py.at->cf_frame, &p, sizeof p))) return 0;
    return p;
}

uint64_t tw_python_joined(uintptr_t semaphore) {
    if (!py.at || !py.at->park_event) return 0;
    uintptr_t event = tw_python_load(semaphore - py.at->park_event), ident = (event & ~(uintptr_t)7) - py.at->event_ident;
    return event > 4096 && tw_sys_readable((const void *)ident, sizeof(uint64_t)) ? tw_python_load(ident) : 0;
}

int tw_python_thread_done(uintptr_t start_routine) {
    return py.at && start_routine >= tw_python_fast.text && start_routine < tw_python_fast.text_end && !tw_python_state();
}

/* ---- fingerprint ---- */

static inline uint64_t field(const char *span, uint16_t offset) {
    uint64_t v;
    __builtin_memcpy(&v, span + offset, sizeof v);
    return v;
}

__thread struct tw_python_chain tw_python_chains[TW_PYTHON_CHAINS] __attribute__((tls_model("initial-exec")));

/* h grows as a polynomial: 1, then times a constant plus an instruction, for each frame. */
__attribute__((noinline)) uint64_t tw_python_print_anew(uintptr_t frame, struct tw_python_chain *c) {
    const uintptr_t instr = tw_python_fast.f_instr, previous = tw_python_fast.f_previous;
    uint64_t h = 1, weight = 1, first = frame ? tw_python_load(frame + instr) : 0;
    uint32_t n = 0;
    c->first = 0; /* not to be used while it changes: a signal handler may come by */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    const uintptr_t top = frame;
    for (; frame && n < CHAIN_MAX; n++) {
        uint64_t at = tw_python_load(frame + instr), next = tw_python_load(frame + previous);
        if (n) weight *= TW_PYTHON_STIR;
        h = tw_python_stir(h, at);
        if (n < TW_PYTHON_KEPT) c->at[n].instr = at, c->at[n].next = next;
        frame = next;
    }
    if (n > 0 && n <= TW_PYTHON_KEPT && !frame) {
        c->n = n;
        c->weight = weight;
        c->rest = h - weight * first;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        c->first = top;
    }
    return (h ^ h >> 29) | 1;
}

/* What this thread's frames were when it was last asked without the lock: read in one system call while they are still the same. */
static __thread struct {
    uintptr_t state, cframe;
    unsigned n;
    uintptr_t frame[CHAIN];
} seen;

struct ahead { /* the answer to that call */
    uint64_t owner, current, first;
    char span[CHAIN][64]; /* f_span bytes a frame, without gaps */
};

/* Reads what `seen` names; the number of frames that are there, 0 when the beginning is not what it was. */
static unsigned read_ahead(struct ahead *a, uintptr_t state, int pid) {
    const struct tw_python_layout *at = py.at;
    bool through = at->cf_frame != TW_PYTHON_NONE;
    struct iovec from[CHAIN + 3] = {{(void *)(state + at->ts_thread_id), 8}, {(void *)(state + at->ts_frame), 8}};
    from[2] = through ? (struct iovec){(void *)(seen.cframe + at->cf_frame), 8} : from[1];
    for (unsigned k = 0; k < seen.n; k++) from[k + 3] = (struct iovec){(void *)(seen.frame[k] + at->f_from), at->f_span};
    struct iovec to = {a, 24 + (size_t)seen.n * at->f_span};
    if (seen.state != state || !seen.n || tw_sys(SYS_process_vm_readv, pid, &to, 1, from, seen.n + 3, 0) != (long)to.iov_len) return 0;
    bool same = a->owner == (uint64_t)__builtin_thread_pointer() && a->first == seen.frame[0] && (!through || a->current == seen.cframe);
    return same ? seen.n : 0;
}

/* The slow way to the first frame, remembered for the next time; 0: none. */
static uintptr_t find_first(struct tw_python_reader *r, uintptr_t state) {
    uint64_t p = 0;
    seen.n = 0;
    if (!open_reader(r, &state)) return 0;
    if (py.at->cf_frame != TW_PYTHON_NONE && tw_python_read(r, state + py.at->ts_frame, &p, sizeof p)) seen.cframe = p;
    seen.state = state;
    return first_frame(r, state);
}

static __attribute__((noinline)) uint64_t fingerprint_careful(uintptr_t state) {
    struct tw_python_reader r = {.pid = (int)tw_sys(SYS_getpid)};
    struct ahead a;
    unsigned known = read_ahead(&a, state, r.pid), i = 0;
    uintptr_t frame = known ? a.first : find_first(&r, state);
    uint64_t h = 1;
    for (; frame && i < CHAIN_MAX; i++) {
        char one[64];
        const char *got = &a.span[0][0] + (size_t)i * py.at->f_span;
        if (i >= known || seen.frame[i] != frame) {
            known = 0; /* what was read ahead from here on belongs to other frames */
            if (!tw_python_read(&r, frame + py.at->f_from, one, py.at->f_span)) break;
            got = one;
        }
        if (i < CHAIN) seen.frame[i] = frame;
        h = tw_python_stir(h, field(got, (uint16_t)(py.at->f_instr - py.at->f_from)));
        frame = field(got, (uint16_t)(py.at->f_previous - py.at->f_from));
    }
    seen.n = i < CHAIN ? i : CHAIN;
    return (h ^ h >> 29) | 1;
}

/* Other interpreters of the process may have global locks of their own, whose comings and goings are not seen. */
static bool one_interpreter(void) {
    const struct tw_python_layout *at = py.at;
    return !at->rt_head || tw_python_load(py.runtime + at->rt_head) == tw_python_load(py.runtime + at->rt_main);
}

uint64_t tw_python_fingerprint(void) {
    if (!py.at) return 0;
    if (tw_python_known) return tw_python_known;
    uintptr_t state = tw_python_state();
    if (!state) return 0;
    if (TW_LIKELY(tw_python_holds_lock(state))) return tw_python_print(tw_python_current(state));
    if (tw_python_aside) return tw_python_aside;
    uint64_t print = fingerprint_careful(state);
    if (one_interpreter()) tw_python_aside = print;
    return print;
}

/* ---- merging ---- */

struct walk {
    struct tw_python_reader reader;
    uintptr_t frame; /* next one to take */
    unsigned steps;
    enum tw_python_role role; /* of the innermost function, its helpers aside */
    uint64_t print;           /* when frames are read without the interpreter's lock, or were; 0: they are not */
    uint32_t at;              /* frames taken so far, as long as they are kept or were */
    bool keep;                /* they are being kept */
    uint32_t (*string_id)(const char *, size_t);
    uint64_t *out;
    unsigned n, max;
};

/* A frame that was made but has not begun is not on Python's own stack listing either. */
static bool has_begun(const struct walk *w, const char *frame, uintptr_t code) {
    uint32_t traceable = 0;
    if (frame[py.at->f_owner] == OWNER_GENERATOR) return true;
    if (!tw_python_read(&w->reader, code + py.at->co_traceable, &traceable, sizeof traceable)) return false;
    return field(frame, py.at->f_instr) >= code + py.at->co_code + 2ull * traceable;
}

/* The frame at w->frame: its text, 0 when it shows none, and whether its evaluation ends with it. False: there is none. */
static bool read_frame(struct walk *w, uint32_t *id, bool *last) {
    const struct tw_python_layout *at = py.at;
    char frame[80];
    if (!w->frame || w->steps++ >= CHAIN_MAX || !tw_python_read(&w->reader, w->frame, frame, at->f_size)) return false;
    w->frame = field(frame, at->f_previous);
    bool marker = at->f_entry == TW_PYTHON_NONE && frame[at->f_owner] == OWNER_CSTACK;
    uintptr_t code = field(frame, at->f_code);
    *last = marker || (at->f_entry != TW_PYTHON_NONE && frame[at->f_entry]);
    *id = 0;
    if (marker || !has_begun(w, frame, code)) return true;
    enum tw_python_role role = TW_PYTHON_WORKS;
    *id = tw_python_text(&w->reader, code, field(frame, at->f_instr), w->string_id, &role);
    if (w->role == TW_PYTHON_HELPS) w->role = role;
    return true;
}

/* Reading a frame without the interpreter's lock takes a dozen system calls, and a C library may come by with the same frames and another stack of its own
   each time: what they were is kept with their fingerprint. */
static __thread struct {
    uint64_t print, last; /* bit i of last: frame i ends its evaluation */
    uint32_t n, id[CHAIN];
} kept __attribute__((tls_model("initial-exec")));

static void keep_frame(struct walk *w, bool there, uint32_t id, bool last) {
    uint32_t i = w->at++;
    if (w->keep && !there && i <= CHAIN) kept.print = w->print, kept.n = i;
    if (!there || i >= CHAIN) {
        w->keep = false;
        return;
    }
    kept.id[i] = id;
    kept.last = (kept.last & ~(1ull << i)) | (uint64_t)last << i;
}

void tw_python_forked(void) {
    kept.print = 0;
    tw_python_text_forked();
}

static bool next_frame(struct walk *w, uint32_t *id, bool *last) {
    if (w->print && kept.print == w->print) {
        if (w->at >= kept.n) return false;
        *id = kept.id[w->at];
        *last = kept.last >> w->at & 1;
        w->at++;
        return true;
    }
    bool there = read_frame(w, id, last);
    if (w->keep) keep_frame(w, there, *id, *last);
    return there;
}

/* Append the frames of one evaluation, or of all that are left. */
static void take_frames(struct walk *w, bool all) {
    uint32_t id = 0;
    bool last = false;
    while (next_frame(w, &id, &last)) {
        if (id && w->n < w->max) w->out[w->n++] = TWATCH_FRAME_PYTHON | id;
        if (last && !all) return;
    }
}

static bool in_eval(uint64_t pc) {
    return pc > py.eval && pc <= py.eval_end;
}

/* One Python stack into a native one. The outermost evaluation seen takes all frames that are left: an evaluation whose
   native frame lies in a part that the compiler split off is not recognised, and a native stack may have been cut. */
static unsigned merge(struct walk *w, uint64_t *pc, unsigned n) {
    uint64_t out[TWATCH_MAX_FRAMES];
    unsigned evals = 0, left = w->max;
    for (unsigned i = 0; i < n; i++)
        evals += in_eval(pc[i]);
    w->out = out;
    w->max = left < TWATCH_MAX_FRAMES ? left : TWATCH_MAX_FRAMES;
    for (unsigned i = 0; i < n; i++) {
        if (in_eval(pc[i]))
            take_frames(w, --evals == 0);
        else if ((pc[i] <= tw_python_fast.text || pc[i] > tw_python_fast.text_end) && w->n < w->max)
            out[w->n++] = pc[i];
    }
    take_frames(w, true);
    if (!w->n) return n;
    tw_sys_copy(pc, out, w->n * sizeof *out);
    return w->n;
}

unsigned tw_python_merge(
        uint64_t *pc, unsigned n, unsigned max, uint32_t (*string_id)(const char *text, size_t length), uint32_t *flags) {
    struct walk w = {.string_id = string_id, .max = max, .role = TW_PYTHON_HELPS};
    uintptr_t state;
    if (!py.at || !open_reader(&w.reader, &state)) return n;
    w.frame = first_frame(&w.reader, state);
    w.print = w.reader.direct ? 0 : tw_python_known ? tw_python_known : tw_python_aside;
    w.keep = w.print && kept.print != w.print;
    if (w.keep) kept.print = 0;
    if (w.frame) n = merge(&w, pc, n);
    *flags = w.role == TW_PYTHON_ASKS ? TWATCH_STACK_ASKS : w.role == TW_PYTHON_JOINS ? TWATCH_STACK_JOINS : 0;
    return n;
}
