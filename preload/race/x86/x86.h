/*
 * The seam between the race engine's runtime (preload/race) and the x86-64 instrumentation (this folder, the only place
 * that knows an instruction).
 *
 * A module's code is decoded, straight-line runs of it are copied to trampolines with a check in front of every shared
 * memory access, and the first 5 bytes of each run are overwritten with a jump to its copy. Calls stay at their
 * original addresses, so return addresses, unwinding and function pointers stay true.
 *
 * The shadow. A granule is 4 bytes; each has a 32-bit write cell and, for every reader region, a 32-bit read cell:
 *
 *     write cell of a:            (a & ~3) ^ (1 << write_bit)
 *     calling thread's read cell: (a & ~3) ^ fs:[read_key]
 *
 * An inline check compares the cells of an access (one for up to 4 bytes, two at once for 8, two or four pairs for 16
 * and 32; an access that straddles a granule leaves its last cell to the slow path of the others) with fs:[epoch], and
 * calls hooks.slow when one differs. So a cell may hold exactly the thread's epoch only when nothing is left to record
 * for an access of up to 4 bytes anywhere in the granule; a runtime that tracks single bytes stores another value until
 * the granule is covered. Shadow that is not mapped faults in the check: the runtime maps it in its SIGSEGV handler and
 * returns (x86_translate tells that the pc is ours).
 *
 * Order. Checks run before their access and in program order, never moved over an atomic instruction, a fence, a branch
 * or a call; a check may run some instructions early. A plain load that acts as an acquire is therefore seen before it
 * has read: the runtime must acquire again from that variable at the thread's next slow call. Accesses to the same
 * address that an earlier check in the run covers have no check of their own; a read followed by a write of the same
 * location in the run is checked once, as X86_SITE_WRITE|X86_SITE_READ.
 */
#ifndef TWATCH_RACE_X86_H
#define TWATCH_RACE_X86_H

#include <stddef.h>
#include <stdint.h>

/*
 * The program's registers at a check, as the hooks see them. Good for unwinding; scratch registers that are dead at the
 * check (or hold the saved flags) may have other values. sp is the program's, before any push of ours.
 */
struct x86_regs {
    uint64_t rsp, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rsi, rdx, rcx, rax, rdi;
};

/* An ordinary function, but that it takes the stack as it comes. sp: the program's. kind: enum x86_quick. */
typedef int x86_quick_hook(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind);

/*
 * What the slow paths call, on the thread's own stack, below its red zone. They may run in any instrumented code of the
 * program: inside its signal handlers, its malloc, between its system calls. They must keep errno and all vector,
 * mask and x87 state: build them with -mgeneral-regs-only and pass anything else through x86_call_with_vectors.
 */
struct x86_hooks {
    /* An access of x86_site(site).size bytes at addr whose cells differ from the epoch. */
    void (*slow)(uintptr_t addr, uint32_t site, const struct x86_regs *regs);
    /* A string instruction: bytes at addr, read or written; called once for each side. Forward direction. */
    void (*range)(uintptr_t addr, size_t bytes, int is_write, uint32_t site, const struct x86_regs *regs);
    /*
     * An atomic read-modify-write brackets the instruction: `before` releases the caller's clock into the location,
     * `after` acquires from it. Called in pairs on one thread, nothing of the program between them but the
     * instruction and signal handlers.
     */
    void (*atomic_before)(uintptr_t addr, uint32_t site, const struct x86_regs *regs);
    void (*atomic_after)(uintptr_t addr, uint32_t site, const struct x86_regs *regs);
    /* A full fence: mfence, or a locked operation on the top of the stack. Called after it. */
    void (*fence)(uint32_t site, const struct x86_regs *regs);
    /* By the kind of access (enum x86_quick), asked before slow: not 0 when nothing is left for it to do. NULL: slow is
     * called at once. */
    x86_quick_hook *const *quick;
};

enum x86_quick {
    X86_QUICK_SIZE = 7, /* logarithm of the size in bytes */
    X86_QUICK_WRITE = 8,
    X86_QUICK_LOAD = 16, /* X86_SITE_MOV that reads */
    X86_QUICK_KINDS = 32
};

enum { X86_SLOTS = 4 };

/* Offsets from fs (initial-exec TLS of the runtime) of the words that checks use; the same for every thread. */
struct x86_layout {
    int32_t epoch;    /* uint64_t: the 32-bit epoch in both halves */
    int32_t read_key; /* uint64_t: XOR of an address with it gives this thread's read cell */
    int32_t slots; /* uint64_t[X86_SLOTS]: spilled registers. Save and restore them around the program's signal handlers
                    */
    int32_t bias;  /* uint32_t: a write cell of this value says "atomic variable, only this thread has used it", and
                      the atomic hooks are not called; a value that no cell has switches it off */
    uint32_t write_bit; /* 32..46 */
};

enum x86_mode {
    X86_CHECKS,      /* the real thing */
    X86_TRAMPOLINES, /* copies without checks: what the jumps alone cost, and a test of the relocation */
};

struct x86_config {
    struct x86_layout layout;
    struct x86_hooks hooks;
    enum x86_mode mode;
    int selftest;          /* fill original code that nothing may reach with int3 */
    const char *cache_dir; /* NULL: $XDG_CACHE_HOME/twatch, ~/.cache/twatch, else /tmp/twatch-<uid>; "": no cache */
    void (*say)(const char *text); /* one line for the user; may be NULL */
};

enum x86_site_flag {
    X86_SITE_READ = 1,
    X86_SITE_WRITE = 2,
    X86_SITE_RMW = 4, /* part of an update: one instruction that reads and writes (X86_SITE_ATOMIC: atomically), or the
                         load or the store of a load, computation and store of the same place */
    X86_SITE_MOV = 8, /* a single mov of 1, 2, 4 or 8 bytes, no part of an update: what a C11 atomic load or store is */
    X86_SITE_SPIN = 16,   /* a read in a spin-wait loop: it acquires */
    X86_SITE_ATOMIC = 32, /* lock prefix or xchg */
    X86_SITE_FENCE = 64,
    X86_SITE_STRING = 128,
};

/* A place in the program that accesses memory. pc is the original instruction's run-time address; its module's bias is
 * subtracted in vaddr. */
struct x86_site {
    uintptr_t pc;
    uint64_t vaddr;
    uint32_t module; /* number of the module, in order of x86_prepare; see x86_module_path */
    uint32_t size;   /* bytes; of one element for X86_SITE_STRING; 0 for a fence */
    uint32_t flags;  /* enum x86_site_flag */
};

/* Why code was left without checks. Counted in accesses, except the first three: functions. */
enum x86_left {
    X86_LEFT_DECODE, /* functions with bytes that do not decode */
    X86_LEFT_TABLE,  /* functions with a jump whose targets are not all known */
    X86_LEFT_ODD,    /* functions that use what the copier does not do (std, far transfers, odd calling
                        conventions) */
    X86_LEFT_SHORT,  /* no room for a jump */
    X86_LEFT_VECTOR, /* gather, scatter, masked vector accesses */
    X86_LEFT_STATE,  /* fxsave, xsave and the like */
    X86_LEFT_N,
};

struct x86_stats {
    uint64_t text_bytes, covered_bytes; /* code; code of functions that unwind information describes */
    uint64_t functions, runs, runs_patched;
    uint64_t accesses; /* to shared memory: not stack, TLS or read-only */
    uint64_t checks, dropped, hoisted, spilled, flags_saved, atomics, strings, fences;
    uint64_t left[X86_LEFT_N];
    uint64_t code_bytes; /* of trampolines */
    uint64_t analyse_us, emit_us, patch_us;
    uint32_t from_cache;
};

struct x86_module;

/* Call once, before anything else here, with one thread in the process. 0, or -1 when a layout value cannot be encoded.
 */
int x86_init(const struct x86_config *config);

/*
 * Analyses the module mapped at bias from the file path, or takes the result from the cache. Changes no code. Uses
 * mmap, open, read, write, rename, never malloc; keeps errno. Calls of x86_prepare, x86_patch and x86_forget must not
 * overlap. NULL when the module cannot be instrumented, with *why a constant text.
 */
struct x86_module *x86_prepare(const char *path, uintptr_t bias, const char **why);

/*
 * Puts the jumps into the module's code. No other thread may be executing it: call before the process has a second
 * thread, or before a newly loaded object's constructors have run. Functions that a saved program counter on the
 * calling thread's stack shows to be interrupted in mid-run are left alone. 0, or -1 with *why (code may not become
 * writable: MDWE, SELinux).
 */
int x86_patch(struct x86_module *module, const char **why);

/* The code range [start, end) is about to be unmapped: its trampolines are out of use. Its sites stay
 * known, and when the same module is prepared again, it keeps them. */
void x86_forget(uintptr_t start, uintptr_t end);

/* Any thread, any context. 0 when site is not one of ours. */
int x86_site(uint32_t site, struct x86_site *out);
/* The short form for slow paths: size | flags << 8; 0 when site is not one of ours. */
uint32_t x86_site_access(uint32_t site);
/* Whether the program looks at what an update in one instruction gives (its flags); true where that is not known. */
int x86_site_result_used(uint32_t site);
const char *x86_module_path(uint32_t module);
void x86_module_stats(uint32_t module, struct x86_stats *out);
uint32_t x86_module_count(void);

/*
 * The original address of what runs at pc, when pc is in a trampoline; 0 when it is not. Any context. *pushed: the
 * return address that the trampoline has on the stack and the original would not have yet, or 0. A signal handler is
 * shown the original pc. The rest of the machine is the trampoline's (a check may have borrowed registers): where the
 * handler leaves the pc alone, execution must go on at the pc that was interrupted and nowhere else.
 *
 * Where it sends the program to another original pc, that may be overwritten: x86_copy_of is the address to go to
 * instead, after a push of *push when that is not 0. 0: the original is what runs there.
 */
uintptr_t x86_translate(uintptr_t pc, uintptr_t *pushed);
uintptr_t x86_copy_of(uintptr_t pc, uintptr_t *push);
/*
 * Is pc the instruction of a check that reads a cell? *cell: the address that it reads, by the registers in the
 * ucontext. skip: the ucontext then goes on behind it as if the cell had been 0, which is no epoch. Any context.
 */
int x86_check_at(uintptr_t pc, void *ucontext, uintptr_t *cell, int skip);

/* Is the calling thread the only one of the process, as the kernel counts? What was made by a raw clone counts too. */
int x86_alone(void);

/* Calls fn(arg) with the vector, mask and x87 state saved around it. */
void x86_call_with_vectors(void (*fn)(void *), void *arg);

#endif
