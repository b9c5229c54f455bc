/*
 * Symbols: from a module and an address in it to functions, places in source files and names of variables. This folder
 * is the only user of libdw. Everything runs offline and in one thread; nothing here is for signal handlers.
 *
 *     struct symbol_cache    the opened ELF and DWARF files, one a report: a thousand records of one program share them
 *     struct symbols         one record's view: its modules and stacks, read through struct symbol_source
 *
 * Every distinct pc is looked up once; a module's file is opened at the first pc in it and a compilation unit's lines
 * are read at the first pc in that unit. All returned memory lives until symbol_free() of the struct symbols that it
 * came from. All text may come from a hostile program: printers escape it, this folder does not.
 */
#ifndef TWATCH_SYMBOL_H
#define TWATCH_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol_cache;
struct symbols;

/* ---- what a record gives ---------------------------------------------------------------------------------------- */

struct symbol_module { /* as struct twatch_module, with the strings resolved */
    const char *path;  /* "" unknown; kept by reference, must outlive the struct symbols */
    uint64_t bias, start, end;
    uint32_t loaded_seq, unloaded_seq; /* unloaded_seq 0: until the end */
    const uint8_t *build_id;
    size_t build_id_len; /* 0 none */
};

struct symbol_raw_stack {
    const uint64_t *pc; /* innermost first */
    uint32_t npc;
    uint32_t module_seq;
    uint16_t flags; /* enum twatch_stack_flags */
};

/* Modules are copied; module 0 is the executable. The callbacks are asked again and again, with ids that may be
 * nonsense. */
struct symbol_source {
    const struct symbol_module *modules;
    size_t nmodules;
    bool (*stack)(void *context, uint32_t id, struct symbol_raw_stack *out); /* false: no such stack */
    const char *(*string)(void *context, uint32_t id);                       /* NULL: no such string */
    void *context;
};

/* ---- what comes out --------------------------------------------------------------------------------------------- */

struct symbol_frame {
    const char *function; /* demangled; NULL unknown */
    const char *linkage;  /* the mangled name, where that is another; NULL none */
    const char *file;     /* as far as known an absolute path, with strip_path_prefix cut; NULL unknown */
    const char *path;     /* the same without the cut: to open the source */
    uint32_t line, column;
    const char *module; /* path of the module; NULL when the pc is in none; for Python frames "python" */
    uint64_t offset;    /* of the pc, from the module's link address 0 */
    uint64_t pc;
    bool inlined; /* its caller is the next frame, at the same pc */
    bool own; /* project code: not libc, not the C++ library, not the loader, not ours, not under a system directory */
    bool python;
};

struct symbol_trace {                         /* innermost first, inlined frames expanded */
    const struct symbol_frame *const *frames; /* shared between traces */
    size_t nframes;
    bool cut; /* deeper than what was recorded */
};

struct symbol_options {
    const char *strip_path_prefix; /* "" or NULL none */
    const char *debug_root;        /* NULL: "/usr/lib/debug" */
    bool debuginfod; /* ask the servers of DEBUGINFOD_URLS for missing files; off unless the user wants it */
    bool no_source;  /* do not open source files */
};

/* ---- life ------------------------------------------------------------------------------------------------------- */

/* Never NULL: out of memory ends the program, as everywhere in the analyzer. `options` NULL: all defaults. */
struct symbol_cache *symbol_cache_new(const struct symbol_options *options);
void symbol_cache_free(struct symbol_cache *cache);

/* `source` is copied; what it points to must outlive the result, but for the modules. */
struct symbols *symbol_new(struct symbol_cache *cache, const struct symbol_source *source);
void symbol_free(struct symbols *symbols);

/* ---- code ------------------------------------------------------------------------------------------------------- */

/* The frames of stack `id`. An unknown id gives an empty trace, never NULL. Cached. */
const struct symbol_trace *symbol_stack(struct symbols *symbols, uint32_t id);

/*
 * The frames of one address. A return address (`precise` false) is looked up one byte before. `seq` is the module
 * sequence number of the moment, 0 for "any module that ever covered it, the newest first".
 */
const struct symbol_trace *symbol_pc(struct symbols *symbols, uint64_t pc, bool precise, uint32_t seq);

/* The stack when it is not 0, otherwise the single return address `site`, otherwise empty: what a finding's step has.
 */
const struct symbol_trace *symbol_place(struct symbols *symbols, uint32_t stack, uint64_t site);

/*
 * The innermost frame of project code, otherwise the innermost one that is not libtwatch's nor libc's, otherwise the
 * first; NULL when the trace is empty.
 */
const struct symbol_frame *symbol_first_own(const struct symbol_trace *trace);

/*
 * The text that a fingerprint is made of for one side: function and file name of the first own frame
 * ("deposit@bank.c"), with no directory, line, address or compiler suffix (.isra.0, .cold); "module+0x1234" when there
 * are no symbols; "?" when nothing is known. Never NULL nor empty.
 */
const char *symbol_key(struct symbols *symbols, uint32_t stack, uint64_t site);

/* "pool_new (pool.c:12)", or "app+0x1234", or "0x7f...": one frame in a few words, for names and messages. Never NULL.
 */
const char *symbol_brief(struct symbols *symbols, const struct symbol_frame *frame);

/* Name of the function that starts at or covers `address` (a start routine); NULL unknown. */
const char *symbol_function(struct symbols *symbols, uint64_t address);

/* Where the function of `pc` begins, by the unwind tables, which stripped binaries have too; 0 unknown. */
uint64_t symbol_start(struct symbols *symbols, uint64_t pc);

/* Index of the module that `address` lies in at `seq` (0: any), -1 none. */
int symbol_module_of(struct symbols *symbols, uint64_t address, uint32_t seq);

/* ---- data ------------------------------------------------------------------------------------------------------- */

enum symbol_atomic {
    SYMBOL_ATOMIC_UNKNOWN, /* no debug information about this place */
    SYMBOL_ATOMIC_NO,
    SYMBOL_ATOMIC_YES /* _Atomic in C, std::atomic or std::atomic_flag in C++ */
};

struct symbol_data {
    const char *name; /* "accounts[3].lock", "pool.queue.mutex", "counter", "table+0x18" without debug information */
    const char *variable; /* the variable alone: "accounts" */
    const char *type;     /* of the innermost member named: "int", "pthread_mutex_t"; NULL unknown */
    const char *class; /* the place with indices left out, "accounts[].lock": the same for every element of an array */
    const char *file;  /* where the variable is declared; NULL unknown */
    uint32_t line;
    const char *module;
    uint64_t size;        /* bytes of the innermost thing named; 0 unknown */
    const char *function; /* the function that a static local variable belongs to; NULL none */
    bool is_static;       /* not visible outside its file */
    enum symbol_atomic atomic;
};

/*
 * The variable of static storage at `address`; NULL when it lies in no module's data or nothing is known. A lock is
 * named at its first byte: the walk into members stops at types that are locks themselves (pthread_mutex_t, std::mutex,
 * mtx_t ...), and goes as deep as it can for everything else.
 */
const struct symbol_data *symbol_data(struct symbols *symbols, uint64_t address, uint32_t seq);

/*
 * The same for a __thread variable: `address` is what was touched, `thread_pointer` the owner's pthread_t (the x86-64
 * fs base). Knows the variables of the executable, whose TLS block lies right below the thread pointer; NULL otherwise.
 */
const struct symbol_data *symbol_tls(struct symbols *symbols, uint64_t address, uint64_t thread_pointer);

/*
 * The local variable in a frame: `pc` is a return address in the function, `below` how far under the frame's canonical
 * address the place is. `function` is whose variable it is. NULL: nothing known.
 */
const struct symbol_data *symbol_local(struct symbols *symbols, uint64_t pc, uint64_t below);

/*
 * The argument text of the call on a source line, for naming what was created there: for a frame whose line reads
 * `pthread_mutex_init(&pool->lock, NULL)` and `callee` "pthread_mutex_init" gives "pool->lock". NULL when the line
 * cannot be read or looks otherwise.
 */
const char *symbol_argument(struct symbols *symbols, const struct symbol_frame *frame, const char *callee);

/*
 * The expression that an instruction of `frame` touches, from its source line and column: "d->ticket" for the memory
 * behind a pointer, which no address can name. NULL when there is no column, no source, or the line shows no clear
 * expression of a member or element.
 */
const char *symbol_expression(struct symbols *symbols, const struct symbol_frame *frame);

/* One line of a source file, without its newline; NULL when it is not there. Cached per file. `path` as
 * symbol_frame.path. */
const char *symbol_source_line(struct symbols *symbols, const char *path, uint32_t line);

/* ---- what was missing ------------------------------------------------------------------------------------------- */

enum symbol_state {
    SYMBOL_UNTRIED,    /* no such module */
    SYMBOL_FULL,       /* debug information found */
    SYMBOL_TABLE,      /* only the ELF symbol table */
    SYMBOL_STRIPPED,   /* file found, no symbols at all */
    SYMBOL_MISSING,    /* file not there */
    SYMBOL_OTHER_BUILD /* the file on disk has another build-id than the record: not used */
};

/* State of module `index`, whose file is opened for it; *why (may be NULL) gets a sentence for the report when
 * something is missing, otherwise NULL. */
enum symbol_state symbol_module_state(struct symbols *symbols, size_t index, const char **why);

/* Is module `index` the project's: the executable, or not in a system directory? */
bool symbol_module_own(const struct symbols *symbols, size_t index);
size_t symbol_module_count(const struct symbols *symbols);
const struct symbol_module *symbol_module_get(const struct symbols *symbols, size_t index);

#endif
