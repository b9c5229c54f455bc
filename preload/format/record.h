/*
 * The record: what libtwatch.so writes and twatch reads. This folder is the only one that both halves include.
 *
 * A record is a file that the watched process maps MAP_SHARED, so that what was stored survives any death of the
 * process. It is little-endian, for x86-64, and is read on the machine kind that wrote it.
 *
 *     offset 0      struct twatch_header, one page (TWATCH_PAGE bytes)
 *     then          chunks, each a whole number of pages, each starting with a struct twatch_chunk
 *     alloc_end     end of the last chunk that was handed out (header field); the file may be longer
 *
 * Chunks are handed out under a lock of the writer and appear in any order of kinds. A writer killed between
 * handing out a chunk and writing its head leaves pages of zeros: a reader that finds no chunk head at a page steps on by
 * one page. `used` of a chunk is stored with release semantics after the element it covers is complete; a reader
 * ignores what is behind it. Every element starts at a multiple of 8 bytes.
 *
 * Fixed-size kinds are arrays: element i of a chunk has the id `first_id + i`. Variable-size kinds are sequences of
 * elements that each begin with their own size in bytes (u32, a multiple of 8).
 * Ids start at 1; 0 means "none". Times are nanoseconds of CLOCK_MONOTONIC. Addresses are those of the watched process.
 *
 * What a change costs: appending a kind or using a reserved field keeps TWATCH_RECORD_VERSION; changing the size or
 * meaning of anything bumps it, and a reader refuses other versions by name.
 */
#ifndef TWATCH_FORMAT_RECORD_H
#define TWATCH_FORMAT_RECORD_H

#include <stdint.h>

#define TWATCH_MAGIC "TWATCH\r\n"
#define TWATCH_RECORD_VERSION 1u
#define TWATCH_PAGE 4096u
#define TWATCH_CHUNK_MAGIC 0x4b4e4843u /* "CHNK" */
#define TWATCH_MAX_FRAMES 250u         /* deeper stacks are cut and marked TWATCH_STACK_CUT */
#define TWATCH_NAME_LEN 16u            /* as TASK_COMM_LEN */

/* ---- header ---------------------------------------------------------------------------------------------------- */

enum twatch_end { /* how the process ended; the value at the time of reading when nothing was stored is RUNNING */
    TWATCH_END_RUNNING = 0, /* still running, or killed by a signal before anything could be stored */
    TWATCH_END_EXIT = 1,    /* exit() or return from main; end_code is the status */
    TWATCH_END_FAST = 2,    /* _exit, _Exit, quick_exit; end_code is the status */
    TWATCH_END_ABORT = 3,   /* abort() */
    TWATCH_END_EXEC = 4,    /* replaced by exec; end_text is the new program */
    TWATCH_END_DEADLOCK = 5 /* ended by twatch because of on_deadlock=abort|exit */
};

enum twatch_loss { /* why something was not recorded; one counter each in the header */
    TWATCH_LOSS_SPACE = 0,   /* the file could not grow: disk full, RLIMIT_FSIZE, descriptor gone */
    TWATCH_LOSS_BUDGET = 1,  /* max_record reached */
    TWATCH_LOSS_MEMORY = 2,  /* no private memory */
    TWATCH_LOSS_STACK = 3,   /* a stack was cut or could not be unwound */
    TWATCH_LOSS_THREAD = 4,  /* a thread that could not be given a slot */
    TWATCH_LOSS_OBJECT = 5,  /* a lock that could not be given an id */
    TWATCH_LOSS_DEPENDENCY = 6,
    TWATCH_LOSS_INCIDENT = 7,
    TWATCH_LOSS_RACE = 8,    /* code left alone by the race engine (instructions), see twatch_race_info */
    TWATCH_LOSS_COUNT = 16   /* room to grow */
};

enum twatch_header_flags {
    TWATCH_HDR_DEADLOCK = 1u << 0,  /* a deadlock or stall was found while the process ran */
    TWATCH_HDR_RACES_ON = 1u << 1,  /* the race engine was active */
    TWATCH_HDR_UNDER_RUN = 1u << 2, /* started by `twatch run` */
    TWATCH_HDR_PYTHON = 1u << 3,    /* CPython frames were recorded (TWATCH_FRAME_PYTHON) */
    TWATCH_HDR_FORKED = 1u << 4,    /* the process is a fork child of the process in parent_pid that never exec'ed */
    TWATCH_HDR_MERGED = 1u << 5,    /* no process: the lock orders of many records, made by `twatch merge` (analyzer/join.h) */
    TWATCH_HDR_PYTHON_UNKNOWN = 1u << 6 /* CPython of a version whose frames cannot be read: stacks are native ones */
};

struct twatch_header {
    char magic[8];            /* TWATCH_MAGIC */
    uint32_t version;         /* TWATCH_RECORD_VERSION */
    uint32_t header_size;     /* TWATCH_PAGE */
    uint64_t alloc_end;       /* bytes handed out so far, header included */
    uint64_t start_ns;        /* CLOCK_MONOTONIC when the library was loaded */
    uint64_t start_realtime_ns;
    uint64_t end_ns;          /* 0 while running */
    uint64_t alive_ns;        /* last time anything slow was recorded: a lower bound of the moment of death */
    int32_t pid, parent_pid;
    uint32_t flags;           /* enum twatch_header_flags */
    uint32_t end;             /* enum twatch_end */
    int32_t end_code;
    uint32_t end_thread;      /* thread that ended the process */
    uint32_t end_stack;
    uint32_t exe;             /* string id: path of the executable */
    uint32_t argv;            /* string id: arguments, each ended by NUL */
    uint32_t cwd;             /* string id */
    uint32_t end_text;        /* string id */
    uint32_t parent_record;   /* string id: path of the record of the process that forked us; 0 if none */
    uint64_t inode_cookie;    /* random, also the key that parent_record's reader can check */
    uint32_t nthreads;        /* thread ids handed out */
    uint32_t nprocs;          /* online processors */
    uint64_t losses[TWATCH_LOSS_COUNT];
    char twatch_version[16];
    uint64_t interval_least_ns; /* shortest wait or hold that the interval log still takes; 0: this writer keeps none */
    uint64_t intervals_dropped; /* waits and holds that were long enough once and are not in the log: it was full */
    uint64_t cpu_ns;            /* processor time of the whole process when it ended; 0 unknown */
    uint64_t idle_since_ns;     /* when its first thread was made */
    uint64_t idle_ns;           /* how long all processors of the machine together were idle from then to the end; 0 unknown */
    char reserved[216];
};

/* ---- chunks ---------------------------------------------------------------------------------------------------- */

enum twatch_chunk_kind {
    TWATCH_CHUNK_NONE = 0,
    TWATCH_CHUNK_STRING = 1,   /* variable: struct twatch_string */
    TWATCH_CHUNK_MODULE = 2,   /* fixed:    struct twatch_module */
    TWATCH_CHUNK_THREAD = 3,   /* fixed:    struct twatch_thread */
    TWATCH_CHUNK_SLOT = 4,     /* fixed:    struct twatch_slot */
    TWATCH_CHUNK_HELD = 5,     /* fixed:    struct twatch_held, overflow of a slot's inline array */
    TWATCH_CHUNK_OBJECT = 6,   /* fixed:    struct twatch_object */
    TWATCH_CHUNK_STACK = 7,    /* variable: struct twatch_stack */
    TWATCH_CHUNK_DEP = 8,      /* variable: struct twatch_dep */
    TWATCH_CHUNK_INCIDENT = 9, /* fixed:    struct twatch_incident */
    TWATCH_CHUNK_STAT = 10,    /* fixed:    struct twatch_stat, contention per object and site */
    TWATCH_CHUNK_USE = 11,     /* fixed:    struct twatch_use, per thread and semaphore/condition/barrier */
    TWATCH_CHUNK_RACE = 12,    /* variable: struct twatch_race */
    TWATCH_CHUNK_RACEINFO = 13,/* fixed:    struct twatch_race_info, one per module looked at */
    TWATCH_CHUNK_INTERVAL = 14,/* fixed:    struct twatch_interval, waits and holds with their times */
    TWATCH_CHUNK_LIKE = 15,    /* variable: struct twatch_like, dependencies that differ from another in the locks only */
    TWATCH_CHUNK_QUEUE = 16    /* fixed:    struct twatch_queue, one per condition variable: how long what was announced waited */
};

struct twatch_chunk {
    uint32_t magic;     /* TWATCH_CHUNK_MAGIC, written last */
    uint16_t kind;      /* enum twatch_chunk_kind */
    uint16_t pages;     /* size of the chunk in TWATCH_PAGE */
    uint64_t offset;    /* its own offset in the file: a guard against stray magics */
    uint32_t first_id;  /* fixed-size kinds: id of the first element */
    uint32_t elem_size; /* fixed-size kinds; 0 otherwise */
    uint32_t owner;     /* thread id of the only writer; 0: any, under a lock */
    uint32_t used;      /* bytes of complete elements behind this head */
};

/* ---- strings and modules ---------------------------------------------------------------------------------------- */

struct twatch_string {
    uint32_t size;   /* of the element, multiple of 8 */
    uint32_t id;
    uint32_t length; /* of text, without padding */
    char text[];
};

enum { TWATCH_BUILD_ID_MAX = 32 };

struct twatch_module {    /* one mapped ELF object, main program first */
    uint64_t bias;        /* load address minus link address (dlpi_addr) */
    uint64_t start, end;  /* of its PT_LOAD segments as mapped */
    uint32_t path;        /* string id; the main program's is the executable */
    uint32_t loaded_seq;  /* module sequence number when it came; stacks carry the number at capture */
    uint32_t unloaded_seq;/* 0 while mapped */
    uint8_t build_id_len;
    uint8_t build_id[TWATCH_BUILD_ID_MAX];
    uint8_t pad[3];
};

/* ---- threads ---------------------------------------------------------------------------------------------------- */

enum twatch_thread_end {
    TWATCH_THREAD_RUNNING = 0,
    TWATCH_THREAD_RETURNED = 1,  /* return from the start routine */
    TWATCH_THREAD_EXITED = 2,    /* pthread_exit, thrd_exit */
    TWATCH_THREAD_CANCELLED = 3,
    TWATCH_THREAD_PROCESS = 4,   /* still there when the process ended */
    TWATCH_THREAD_NOT_STARTED = 5/* pthread_create failed */
};

enum twatch_thread_flags {
    TWATCH_THREAD_DETACHED_BORN = 1u << 0, /* created detached */
    TWATCH_THREAD_DETACHED = 1u << 1,      /* detached, by whatever way */
    TWATCH_THREAD_JOINED = 1u << 2,
    TWATCH_THREAD_FOREIGN = 1u << 3,       /* not seen at birth (raw clone, or older than the library) */
    TWATCH_THREAD_MAIN = 1u << 4,
    TWATCH_THREAD_C11 = 1u << 5,
    TWATCH_THREAD_CANCEL_SENT = 1u << 6,
    TWATCH_THREAD_LISTENING = 1u << 7, /* when the process ended it slept in a system call that waits for others: epoll, poll, accept, ... */
    TWATCH_THREAD_PYTHON_DONE = 1u << 8, /* a thread of CPython's making whose Python part is over: joined for Python, and a moment from its end */
    TWATCH_THREAD_WRITING = 1u << 9, /* when the process ended it was inside a call that writes to a file */
    TWATCH_THREAD_LEAVING = 1u << 10 /* it has called pthread_exit, or its start routine has returned */
};

/*
 * Segments order what create and join order: a thread's segment number grows by one at each create and each join that it makes.
 * Everything in the parent up to parent_segment happens before the thread; everything of the thread happens before
 * segment join_segment of the joiner.
 */
struct twatch_thread {
    uint32_t parent, ordinal;      /* thread id; 1-based number among the parent's children */
    uint32_t parent_segment;
    uint32_t segment;              /* current */
    int32_t tid;                   /* kernel id; 0 until it started */
    uint32_t flags;                /* enum twatch_thread_flags */
    uint32_t end;                  /* enum twatch_thread_end */
    uint32_t slot;                 /* slot id while alive, 0 after */
    uint64_t handle;               /* pthread_t */
    uint64_t start_routine;        /* address */
    uint64_t birth_ns, end_ns, join_ns;
    uint64_t cpu_ns;               /* CPU time at the end; 0 if unknown */
    uint64_t stack_lo, stack_hi;   /* 0 if unknown */
    uint32_t create_stack, end_stack, join_stack, detach_stack;
    uint32_t joiner, join_segment; /* thread id; 0 if never joined */
    uint32_t detacher;
    uint32_t nchildren;
    uint32_t join_timeouts;        /* timed or try joins on this thread that gave up */
    uint32_t acquisitions_lo;      /* lock operations recorded by this thread, low word (statistics) */
    char name[TWATCH_NAME_LEN];    /* last name set */
};

/* ---- objects ---------------------------------------------------------------------------------------------------- */

enum twatch_object_kind {
    TWATCH_OBJ_NONE = 0,
    TWATCH_OBJ_MUTEX = 1,
    TWATCH_OBJ_RWLOCK = 2,
    TWATCH_OBJ_SPIN = 3,
    TWATCH_OBJ_SEM = 4,
    TWATCH_OBJ_COND = 5,
    TWATCH_OBJ_BARRIER = 6,
    TWATCH_OBJ_ONCE = 7,
    TWATCH_OBJ_FUTEX = 8,  /* a word waited for through syscall(SYS_futex) */
    TWATCH_OBJ_GUARD = 9,  /* C++ static-initialisation guard */
    TWATCH_OBJ_THREAD = 10,/* only in waits: a join */
    TWATCH_OBJ_KEY = 11,   /* thread-specific key; address is the key number */
    TWATCH_OBJ_EVENTS = 12 /* only in uses and intervals: waits for a descriptor; type: enum twatch_events_type, init_value: its number */
};

enum twatch_object_type { /* sub-type: mutex types; rwlock kinds share the numbers of their own */
    TWATCH_TYPE_DEFAULT = 0,
    TWATCH_TYPE_RECURSIVE = 1,
    TWATCH_TYPE_ERRORCHECK = 2,
    TWATCH_TYPE_ADAPTIVE = 3,
    TWATCH_TYPE_RW_PREFER_READER = 0,
    TWATCH_TYPE_RW_PREFER_WRITER_NONRECURSIVE = 4
};

enum twatch_events_type { /* of an object of kind EVENTS */
    TWATCH_EVENTS_SET = 1,    /* an epoll set */
    TWATCH_EVENTS_ONE = 2,    /* read from, or accepted at */
    TWATCH_EVENTS_SEVERAL = 3 /* poll or select: all such waits are one object */
};

enum twatch_object_flags {
    TWATCH_OBJF_INIT_SEEN = 1u << 0,  /* *_init was called: create_stack is its stack */
    TWATCH_OBJF_DEAD = 1u << 1,       /* destroyed, freed or unmapped: the address may carry a newer generation */
    TWATCH_OBJF_DESTROYED = 1u << 2,  /* *_destroy was called */
    TWATCH_OBJF_PSHARED = 1u << 3,
    TWATCH_OBJF_ROBUST = 1u << 4,
    TWATCH_OBJF_PI = 1u << 5,
    TWATCH_OBJF_C11 = 1u << 6,
    TWATCH_OBJF_NAMED = 1u << 7,      /* named semaphore: name is a string id in init_value2 */
    TWATCH_OBJF_IN_DEP = 1u << 8,     /* referenced by a dependency or incident: the id is never reused */
    TWATCH_OBJF_HEAP = 1u << 9,       /* inside a malloc block */
    TWATCH_OBJF_STACK = 1u << 10,     /* on a thread's stack */
    TWATCH_OBJF_FOREIGN_POST = 1u << 11, /* semaphore: posted by a thread that held no permit: a signal, not a lock */
    TWATCH_OBJF_SELF_POST = 1u << 12,    /* semaphore: posted by a thread that had taken a permit */
    TWATCH_OBJF_PROTECT = 1u << 13,      /* PTHREAD_PRIO_PROTECT */
    TWATCH_OBJF_SHARED = 1u << 14,       /* used by another thread than its creator */
    TWATCH_OBJF_COUNTED = 1u << 15       /* has contention records: the id is never reused */
};

enum twatch_object_links { /* of dependencies, since it was made */
    TWATCH_OBJL_HELD = 1u << 30,   /* others were taken under it */
    TWATCH_OBJL_WANTED = 1u << 31  /* it was taken under others */
};

struct twatch_object {
    uint64_t address;
    uint64_t create_site;   /* return address of the init call, or of the first acquisition */
    uint32_t generation;    /* of this address, from 1 */
    uint32_t create_stack;  /* stack of the init call (INIT_SEEN) or of the first acquisition */
    uint32_t creator;       /* thread id */
    uint8_t kind, type;
    uint16_t flags;
    uint32_t init_value;    /* semaphore: initial value; barrier: count */
    uint32_t init_value2;   /* semaphore: string id of the name; semaphore: see use records for the maximum */
    uint64_t acquisitions;  /* seen so far, flushed lazily from the threads' caches */
    uint32_t max_value;     /* semaphore: highest value computed; cond: number of distinct mutexes */
    uint32_t reused_ms;     /* until then, in milliseconds from start_ns, the record served objects that are dead; 0: its first */
    uint32_t destroy_stack;
    uint32_t links;         /* mutex, rwlock, spin: enum twatch_object_links, and below it the number of short dependencies that name it;
                               other kinds: the library's own */
};

/* ---- live state ------------------------------------------------------------------------------------------------- */

enum twatch_mode { TWATCH_MODE_EXCLUSIVE = 0, TWATCH_MODE_SHARED = 1 };

enum twatch_held_flags {
    TWATCH_HELD_TRY = 1,    /* taken by trylock */
    TWATCH_HELD_TIMED = 2,
    TWATCH_HELD_SITE_ONLY = 4, /* stack is 0 or one frame: the site had been demoted */
    TWATCH_HELD_DEPPED = 8, /* an inner lock was taken while this was held; no longer set */
    TWATCH_HELD_KIND_SHIFT = 4 /* the upper four bits: enum twatch_object_kind */
};

enum { /* of twatch_held.recursion */
    TWATCH_HELD_RECURSION = 0x7fff,
    TWATCH_HELD_CLOCKED = 0x8000 /* how long it is held is being measured: giving it back takes the slow path, as recursion does */
};

struct twatch_held {
    uint64_t address;   /* of the object; 0: empty (removed out of order, a write in progress) */
    uint32_t object;    /* id; 0: the lock was not looked up yet (a busy site, nothing else held): the newest object at the address, if there is one */
    uint32_t stack;     /* of the acquisition; 0 when only site is known */
    uint64_t site;      /* return address of the acquiring call */
    uint8_t mode, flags;
    uint16_t recursion; /* further acquisitions by the same thread, in the bits of TWATCH_HELD_RECURSION */
    uint32_t depth;     /* where the caller stood on the thread's stack: (stack_hi - stack pointer) / 8; 0 unknown */
};

enum twatch_wait_flags {
    TWATCH_WAIT_TIMED = 1u << 0,   /* has a time limit: counts as alive */
    TWATCH_WAIT_POLL = 1u << 1,    /* a try in a loop */
    TWATCH_WAIT_REPORTED = 1u << 2, /* part of a deadlock that was said */
    TWATCH_WAIT_SHARED = 1u << 3    /* another process may end it: counts as alive */
};

enum { TWATCH_SLOT_HELD = 10 };

/*
 * One per live thread, reused after it ended. The wait_* fields are a seqlock: wait_seq is odd while they change.
 * The thread itself is the only writer of everything here, but for `thread`.
 */
struct twatch_slot {
    uint32_t thread;       /* id of the thread that owns the slot; 0: free */
    uint32_t nheld;        /* entries of the held array in use; entries with address 0 are skipped */
    uint64_t held_offset;  /* file offset of the held array: the inline one, or a HELD chunk's first element */
    uint32_t held_capacity;
    uint32_t wait_seq;
    uint8_t wait_kind;     /* enum twatch_object_kind; 0: not waiting */
    uint8_t wait_mode;     /* enum twatch_mode wanted */
    uint16_t wait_flags;   /* enum twatch_wait_flags */
    uint32_t wait_object;  /* object id */
    uint32_t wait_mutex;   /* cond: the mutex given back for the wait (object id) */
    uint32_t wait_thread;  /* join: the thread waited for */
    uint32_t wait_stack;
    uint32_t wait_count;   /* contended waits so far */
    uint64_t wait_since_ns;
    uint64_t wait_deadline_ns; /* CLOCK_MONOTONIC, as far as known; 0 none */
    uint64_t wait_address;
    uint64_t ops;          /* lock operations, flushed lazily */
    uint64_t reserved[2];
    struct twatch_held held[TWATCH_SLOT_HELD];
};

/* ---- stacks ----------------------------------------------------------------------------------------------------- */

enum twatch_stack_flags {
    TWATCH_STACK_CUT = 1u << 0,     /* deeper than TWATCH_MAX_FRAMES, or unwinding stopped early */
    TWATCH_STACK_SITE = 1u << 1,    /* only the return address is known */
    TWATCH_STACK_PRECISE0 = 1u << 2, /* pc[0] is the instruction itself (race access, signal), not a return address */
    TWATCH_STACK_ASKS = 1u << 3,     /* the lock is taken by a function of Python's library that only asks how others are doing (see busy-wait) */
    TWATCH_STACK_JOINS = 1u << 4     /* a function of Python's library waits for a thread to end, which only that thread can end */
};

/* A Python frame is a pc with the top 16 bits 0x5059 ("PY"); the low 32 bits are the string id of "function\nfile\nline". */
#define TWATCH_FRAME_PYTHON 0x5059000000000000ull
#define TWATCH_FRAME_PYTHON_MASK 0xffff000000000000ull

struct twatch_stack {  /* innermost frame first; pcs are return addresses */
    uint32_t size;
    uint32_t id;
    uint32_t module_seq;
    uint16_t nframes;
    uint16_t flags;
    uint64_t pc[];
};

/* ---- lock dependencies ------------------------------------------------------------------------------------------- */

enum twatch_dep_flags {
    TWATCH_DEP_TRY = 1u << 0,   /* every instance was a trylock: holds, never wants */
    TWATCH_DEP_TIMED = 1u << 1, /* every wanting instance had a time limit */
    TWATCH_DEP_SELF = 1u << 2   /* the object is in its own held set (recursive or read after read) */
};

enum twatch_dep_held_flags {
    /* Every time, the thread had initialised this lock itself and no other had used it yet: it was not published, and nobody could wait for it. */
    TWATCH_DEP_HELD_FRESH = 1u << 0
};

struct twatch_dep_held {
    uint32_t object;
    uint32_t stack;    /* where it was taken; 0: see site */
    uint64_t site;
    uint32_t mode;
    uint32_t flags;    /* enum twatch_dep_held_flags */
};

enum { TWATCH_DEP_SEGMENTS = 8 };

struct twatch_dep { /* thread took `object` while holding held[]; one element per distinct (thread, object, mode, site, held set) */
    uint32_t size;
    uint32_t thread;
    uint32_t object;
    uint32_t stack;
    uint64_t site;
    uint8_t mode;
    uint8_t flags;
    uint16_t nheld;
    uint32_t nsegments;   /* distinct segments it was seen in; the first four and the last four are kept */
    uint64_t count;       /* sightings; the later ones are sampled */
    uint32_t segments[TWATCH_DEP_SEGMENTS]; /* [0..3] the first, [4..7] a ring of the last: index 4 + (n - 1) % 4 for the n-th, n > 4 */
    struct twatch_dep_held held[];
};

/*
 * A dependency that has everything in common with an earlier one of its thread but the locks themselves, as those of a table of locks have: the same stacks,
 * sites and modes, none of the dep flags, no held flags. The size of held[] is that of the earlier one's.
 */
struct twatch_like {
    uint32_t size;
    uint32_t of;       /* file offset of the struct twatch_dep, divided by 8; 0: the element is free */
    uint32_t object;
    uint32_t segment;  /* the only one that it was seen in */
    uint32_t count;
    uint32_t held[];   /* objects */
};

/* ---- incidents -------------------------------------------------------------------------------------------------- */

enum twatch_incident_kind {
#define INCIDENT(name, number, text) TWATCH_INCIDENT_##name = number,
#include "incidents.def"
#undef INCIDENT
    TWATCH_INCIDENT_END
};

struct twatch_incident { /* something wrong, or worth saying, seen when it happened; equal ones are counted */
    uint32_t kind;       /* enum twatch_incident_kind */
    uint32_t thread;     /* who did it */
    uint32_t object;     /* on what; 0 none */
    uint32_t object2;    /* meaning per kind, see incidents.def */
    uint32_t stack;      /* of the call */
    uint32_t other_thread;
    uint32_t other_stack;
    uint32_t group;      /* incidents of one deadlock or fork share a number; 0 none */
    uint64_t first_ns, last_ns;
    uint64_t count;
    uint64_t aux;        /* meaning per kind */
};

/* ---- statistics ------------------------------------------------------------------------------------------------- */

struct twatch_stat { /* contended acquisitions of one object at one site */
    uint32_t object;
    uint32_t stack;
    uint64_t site;
    uint64_t contended;
    uint64_t wait_ns, wait_max_ns;
    uint64_t holds, hold_ns, hold_max_ns; /* of the contended (timed) ones only */
};

struct twatch_use {  /* what one thread did with one semaphore, condition variable or barrier */
    uint32_t object, thread;
    uint64_t waits;          /* sem_wait/cond_wait/barrier_wait that returned success */
    uint64_t blocked;        /* of those, the ones that had to block */
    uint64_t timeouts;       /* timed waits that gave up; failed tries */
    uint64_t wait_ns, wait_max_ns;
    uint64_t posts;          /* sem_post, cond_signal, cond_broadcast */
    uint64_t broadcasts;     /* cond; semaphore used as a signal: permits that lay there for nobody after each of posts_to_nobody, itself included, all together */
    uint64_t posts_to_nobody;/* signals and broadcasts when nobody waited; semaphore used as a signal: posts of a permit more than there were waiters */
    uint64_t empty_wakeups;  /* cond: woke and waited again on the same object without anything in between */
    int64_t balance;         /* semaphores: permits taken minus given back by this thread */
    uint32_t mutex;          /* cond: the mutex used with it last */
    uint32_t wait_stack;     /* first wait */
    uint32_t post_stack;     /* first post */
    uint32_t level;          /* cond: waiters that this thread's broadcasts were for, all together, up to the highest value;
                                semaphore: 1 + the lowest value that this thread found when it posted, 0: it never did */
    uint64_t first_ns, last_ns; /* first and last blocked wait or post; the first one exactly, the last one coarsely;
                                   EVENTS: last_ns is when the wait began that the thread is in, while level is 1 */
};

/*
 * How long what signals announced waited until a thread fetched it. A signal that a waiting thread was there for is measured. Those that reached nobody
 * are put together in spans: from the first of them to the next wait at the condition variable, for who begins to wait has seen that nothing is left.
 */
struct twatch_queue {
    uint32_t object;         /* condition variable; 0: the element is free */
    uint32_t next_free;      /* while it is free: id of another free element; 0 none */
    uint64_t met, met_ns, met_max_ns; /* signals that a thread waited for: from the signal to the return of the wait; broadcasts are not among them */
    uint64_t left, left_ns;  /* signals of spans that are over; from each to its fetching, all together, as if they had been fetched evenly over their span */
    uint64_t open, open_since_ns, open_ns; /* the span that is not over: its signals; when the first came; how long after it they came, all together */
};

/* ---- waits and holds in time --------------------------------------------------------------------------------------- */

enum twatch_interval_what {
    TWATCH_INTERVAL_NONE = 0, /* being written, or given up: skip it */
    TWATCH_INTERVAL_WAIT = 1,
    TWATCH_INTERVAL_HOLD = 2
};

enum twatch_interval_flags {
    TWATCH_INTERVAL_VAIN = 1u << 0,   /* a wait that ended without what was waited for: time limit, cancelled */
    TWATCH_INTERVAL_LATE = 1u << 1,   /* a hold that began before start_ns: it was first looked at when its thread went to wait */
    TWATCH_INTERVAL_SHARED = 1u << 2, /* for reading: others may have held it, too */
    TWATCH_INTERVAL_AT_END = 1u << 3  /* a hold that was not over when the process ended */
};

/*
 * A wait or a hold of interval_least_ns or longer. Every wait that blocked is measured; of the holds the first ones at each place, a sample
 * after that, those that followed a long wait, and those during which the thread waited for something else. The log is
 * bounded: when it is full interval_least_ns rises and the short ones make room, so that elements are in no order.
 */
struct twatch_interval {
    uint32_t thread;
    uint32_t object;  /* object id; 0: a join, or unknown */
    uint32_t stack;   /* of the call that waited, or took the lock */
    uint32_t other;   /* join: the thread that was joined; cond: object id of the mutex given back */
    uint8_t what;     /* enum twatch_interval_what, written last */
    uint8_t kind;     /* enum twatch_object_kind */
    uint16_t flags;   /* enum twatch_interval_flags */
    uint32_t reserved;
    uint64_t start_ns;
    uint64_t duration_ns;
};

/* ---- races ------------------------------------------------------------------------------------------------------ */

enum twatch_race_side_flags {
    TWATCH_RACE_WRITE = 1u << 0,
    TWATCH_RACE_ATOMIC = 1u << 1,
    TWATCH_RACE_RMW = 1u << 2,     /* half of a read-modify-write */
    TWATCH_RACE_RANGE = 1u << 3,   /* through a libc function: mem*, str*, read, ... */
    TWATCH_RACE_FREE = 1u << 4,    /* the memory was freed */
    TWATCH_RACE_ALIGNED_MOV = 1u << 5, /* a single aligned mov: may be a C11 atomic */
    TWATCH_RACE_SPIN = 1u << 6,    /* a read in a spin-wait loop */
    TWATCH_RACE_LOCKS_UNKNOWN = 1u << 7 /* no locks are named because none were asked for */
};

struct twatch_race_side {
    uint32_t thread;
    uint32_t stack;      /* TWATCH_STACK_PRECISE0: pc[0] is the accessing instruction; 0 if lost, then pc only */
    uint64_t pc;
    uint64_t address;
    uint32_t size;       /* bytes */
    uint32_t flags;      /* enum twatch_race_side_flags */
    uint32_t nlocks;     /* objects held, in the array behind the element: side 0's first */
    uint32_t key;        /* side 0, HEAP: the thread-specific key whose value in owner_thread the block is; 0 none */
};

enum twatch_race_flags {
    TWATCH_RACE_HYBRID = 1u << 0, /* found by lock sets only: the hand-over of a lock ordered the two in this run */
    TWATCH_RACE_SAMPLED = 1u << 1 /* seen in the act by hardware watchpoints (races=sample) */
};

enum twatch_race_where { TWATCH_WHERE_UNKNOWN, TWATCH_WHERE_GLOBAL, TWATCH_WHERE_HEAP, TWATCH_WHERE_STACK, TWATCH_WHERE_TLS };

struct twatch_race {
    uint32_t size;
    uint32_t flags;          /* enum twatch_race_flags */
    uint32_t where;          /* enum twatch_race_where */
    uint32_t owner_thread;   /* STACK, TLS, and HEAP with a key: whose */
    uint64_t block, block_size; /* HEAP: the malloc block. STACK: an address in the function whose frame it is, and how far
                                   below the frame's canonical address; 0 unknown */
    uint32_t alloc_stack;
    uint32_t alloc_thread;
    uint32_t usual_lock;     /* object id held by the other accesses to this place; 0 none or unknown */
    uint32_t usual_count;
    uint64_t count;
    uint64_t first_ns;
    struct twatch_race_side side[2]; /* [0] the earlier access, [1] the one that found it */
    uint32_t locks[];        /* object ids, side[0].nlocks then side[1].nlocks */
};

enum twatch_race_info_flags {
    TWATCH_RACE_INFO_CACHED = 1u << 0, /* from the cache */
    /*
     * races=sample: accesses are the module's words of writable data, instrumented those that were watched for a while.
     * Of the whole process, in the first element: functions are the other places that were watched, functions_left the
     * times that a watchpoint hit, emit_us for how long threads were held at an access. reason: why sampling ended.
     */
    TWATCH_RACE_INFO_SAMPLED = 1u << 1
};

struct twatch_race_info { /* coverage of the race engine for one module */
    uint32_t module;
    uint32_t flags;          /* enum twatch_race_info_flags */
    uint64_t accesses, instrumented, left; /* instructions that touch shared memory */
    uint64_t functions, functions_left;
    uint64_t text_bytes, copy_bytes;
    uint64_t analyse_us, emit_us;
    uint32_t reason;         /* string id, why the module was left alone; 0 if it was not */
    uint32_t reserved;
};

#define TWATCH_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " changed size: bump TWATCH_RECORD_VERSION")
TWATCH_SIZE(twatch_header, 520);
TWATCH_SIZE(twatch_chunk, 32);
TWATCH_SIZE(twatch_module, 72);
TWATCH_SIZE(twatch_thread, 152);
TWATCH_SIZE(twatch_object, 64);
TWATCH_SIZE(twatch_held, 32);
TWATCH_SIZE(twatch_slot, 416);
TWATCH_SIZE(twatch_stack, 16);
TWATCH_SIZE(twatch_dep, 72);
TWATCH_SIZE(twatch_like, 20);
TWATCH_SIZE(twatch_dep_held, 24);
TWATCH_SIZE(twatch_incident, 64);
TWATCH_SIZE(twatch_stat, 64);
TWATCH_SIZE(twatch_use, 120);
TWATCH_SIZE(twatch_queue, 72);
TWATCH_SIZE(twatch_interval, 40);
TWATCH_SIZE(twatch_race, 144);
TWATCH_SIZE(twatch_race_info, 88);
#undef TWATCH_SIZE

#endif
