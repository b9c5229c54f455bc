/*
 * What the shim tells the race engine. The engine lives in a module of its own (libtwatch-race.so), loaded at the first
 * thread creation when races are on; until then, and when it is off, tw_race is NULL and each call site costs one load
 * and test.
 *
 * All functions run inside the recording guard of the calling thread (they may not call libc, allocate, or take libc
 * locks), except patch(), which runs in pthread_create before the first thread exists. `obj` is the address of the
 * synchronisation object; addresses are sync variables to the engine: release(obj) joins the caller's clock into obj's,
 * acquire(obj) the reverse.
 */
#ifndef TWATCH_RACE_HOOKS_H
#define TWATCH_RACE_HOOKS_H

#include <stddef.h>
#include <stdint.h>

struct tw_thread;

struct tw_race_ops {
    /* Called after every successful acquire and before every release of anything that orders memory. */
    void (*acquire)(uintptr_t obj);
    void (*release)(uintptr_t obj);
    /* Read side of a rwlock: a release that later readers need not see but later writers must. */
    void (*release_shared)(uintptr_t obj);
    /* The object died (destroy, free of its memory): forget its clock. */
    void (*forget)(uintptr_t obj);
    /* Thread life. create: in the parent before the real create. start: first thing in the child. end: last thing in
     * the thread. join: after a join of thread id. */
    void (*create)(uint32_t child);
    void (*start)(uint32_t thread, uintptr_t stack_lo, uintptr_t stack_hi);
    void (*end)(uint32_t thread);
    void (*join)(uint32_t thread);
    /* Memory: new (contents undefined, nobody may have an old claim on it) and dead (a later access by another thread
     * is a race). */
    void (*fresh)(uintptr_t addr, size_t size);
    void (*dead)(uintptr_t addr, size_t size);
    /* Range accesses that libc does for the program; site is the return address into the program. */
    void (*range)(uintptr_t addr, size_t size, int is_write, uintptr_t site, uintptr_t cfa);
    /* A module was loaded (before its constructors run, where possible) or is about to be unmapped. */
    void (*module_loaded)(uintptr_t bias, const char *path);
    void (*module_unloading)(uintptr_t start, uintptr_t end);
    /* fork: in the child, the only thread goes on. */
    void (*forked)(void);
    /* Read side of a rwlock: sees what writers released, not what other readers did. acquire() in its place hides races
     * between readers. */
    void (*acquire_shared)(uintptr_t obj);
    /*
     * Signals. handler_enter: first thing in the shim's own signal handler, with its ucontext; it gives the interrupted
     * code's original program counter back into the context, keeps what the instrumentation had spilled in save
     * (TW_RACE_SAVE words), and returns the pc it found. handler_leave: last thing, with the same save: execution goes
     * on where it was. save[TW_RACE_SAVE - 1] is set by the caller: the object that senders of the signal released, or
     * 0. fault: true when a SIGSEGV/SIGBUS at `address` was the engine's own and is mended: return from the handler.
     */
    uintptr_t (*handler_enter)(void *ucontext, uint64_t *save);
    void (*handler_leave)(void *ucontext, uint64_t *save, uintptr_t pc);
    int (*fault)(void *ucontext, uintptr_t address);
    /* As fresh and dead, for the malloc family: site and cfa are of the program's call (TW_CALLER, TW_CFA), for the
     * report's "allocated at" and "freed at". */
    void (*fresh_at)(uintptr_t addr, size_t size, uintptr_t site, uintptr_t cfa);
    void (*dead_at)(uintptr_t addr, size_t size, uintptr_t site, uintptr_t cfa);
    /* A release of an object whose first byte the program's own inlined code reads (static-initialisation guards): its
     * plain loads acquire. In place of release(). */
    void (*publish)(uintptr_t obj);
    /* A malloc block that is older than the engine, and the stack id of its allocation. */
    void (*block)(uintptr_t addr, size_t size, uint32_t stack);
    /*
     * A signal that no instruction of the program caused must not run its handler in the middle of the engine's work:
     * the handler may wait for a thread that waits for the engine, or never return. busy: the caller is in such work.
     * defer: at its end the thread's signal mask is set to `mask`. Both in the shim's signal handler; defer with all
     * signals blocked.
     */
    int (*busy)(void);
    void (*defer)(uint64_t mask);
    /* Where the program's mapping of this size should lie, when it leaves the place to the kernel: a hint, or 0. Any
     * context. */
    uintptr_t (*place)(size_t size);
    /* Is there nothing to be said of a range access that the calling thread makes now? Then range() need not be called.
     * Any context, outside the guard too. */
    int (*known)(uintptr_t addr, size_t size, int is_write);
    /* As fresh_at, of a block that dies as a whole: its last bytes, from size to whole, are new with it. */
    void (*fresh_block)(uintptr_t addr, size_t size, size_t whole, uintptr_t site, uintptr_t cfa);
};

enum { TW_RACE_SAVE = 8 };

extern __attribute__((visibility("hidden"))) const struct tw_race_ops *tw_race;

/* What the engine may ask of the shim (the shim exports one symbol, twatch_race_host, that the engine finds by dlsym).
 */
struct tw_race_host {
    uint32_t abi;                /* 1 */
    uint32_t (*thread_id)(void); /* of the caller; 0 unknown */
    uint32_t (*stack_here)(uintptr_t pc, uintptr_t sp,
            const void *regs); /* stack id for the instrumented instruction pc; regs: see race/runtime.h */
    uint32_t (*held)(uint32_t *objects, uint32_t max); /* object ids held by the caller */
    uint32_t (*object_at)(uintptr_t addr);             /* id of a lock at an address, 0 none */
    void *(*record)(uint32_t kind,
            size_t bytes); /* a new element of a RACE or RACEINFO chunk, zeroed, or NULL; seal with record_done */
    void (*record_done)(void *element);
    uint32_t (*string)(const char *text, size_t length); /* string id */
    void *(*memory)(size_t bytes); /* zeroed private memory that is never given back; NULL when there is none */
    uint32_t (*module_id)(uintptr_t addr);
    const char *(*option)(const char *key); /* value of an option, as text */
    void (*say)(const char *text);          /* one line on stderr, prefixed "twatch: " */
    void *(*real)(const char *name);        /* the real libc function of an intercepted name, NULL if unknown */
    int (*enter)(void);                     /* recording guard: 0 if already inside */
    void (*leave)(void);
    void (*loss)(uint32_t kind, uint64_t n); /* enum twatch_loss */
    uint32_t (*kind)(uintptr_t addr); /* enum twatch_object_kind of what the caller holds, or is known, at an address; 0
                                         none */
};

#endif
