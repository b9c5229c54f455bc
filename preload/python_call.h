/*
 * The Python call under way in the calling thread, in line: what the fast path of a lock needs to know of it. For
 * python.c and the semaphore wrappers, whose semaphores are Python's locks. A thread that holds the interpreter's lock
 * may follow its own frames (see python.c); in any other, and in other programs, there is no frame to be had here.
 */
#ifndef TW_PYTHON_CALL_H
#define TW_PYTHON_CALL_H

#include <pthread.h>

#include "sys.h"

enum { TW_PYTHON_CHAIN = 1000 }; /* frames followed before a chain counts as broken */

/* Set once by tw_python_init; all zeros, and so an empty range of code, while no interpreter is known. */
struct tw_python_fast {
    uintptr_t text, text_end; /* code of the module with the interpreter; empty when it also carries a program */
    uintptr_t key;    /* where the interpreter keeps the key of its thread states: int initialised, pthread_key_t */
    uintptr_t holder; /* where it says which state holds its lock */
    uintptr_t locked; /* where it says that it is held: int; 0: holder is NULL when it is not */
    void *(*getspecific)(pthread_key_t);    /* libc's: only reads thread-local memory */
    uint32_t ts_frame, f_instr, f_previous; /* offsets in bytes, see python_layout.h */
    uint32_t cf_frame;
    bool through_cframe; /* the state points to a struct that points to the frame, at cf_frame */
};
extern TW_HIDDEN struct tw_python_fast tw_python_fast;

static inline uint64_t tw_python_load(uintptr_t address) {
    return *(const volatile uint64_t *)address;
}

static inline uint32_t tw_python_load32(uintptr_t address) {
    return *(const volatile uint32_t *)address;
}

/* The thread state of the caller, 0 if it has none. */
static inline uintptr_t tw_python_state(void) {
    const struct tw_python_fast *f = &tw_python_fast;
    return tw_python_load32(f->key) ? (uintptr_t)f->getspecific(tw_python_load32(f->key + 4)) : 0;
}

/* What it was when it was asked for last, good while epoch is tw_python_epoch: until this thread sets a value of the
 * key, or somebody deletes a key. For calls of the interpreter that come through our wrappers: those that set the
 * value do so, too. */
extern TW_HIDDEN __thread struct tw_python_own {
    uintptr_t state;
    uint32_t epoch;
} tw_python_own __attribute__((tls_model("initial-exec")));
extern TW_HIDDEN uint32_t tw_python_epoch; /* never 0 */

static inline uintptr_t tw_python_state_known(void) {
    if (!tw_python_load32(tw_python_fast.key)) return 0;
    uint32_t epoch = __atomic_load_n(&tw_python_epoch, __ATOMIC_ACQUIRE);
    if (TW_UNLIKELY(tw_python_own.epoch != epoch)) {
        tw_python_own.state = tw_python_state();
        tw_python_own.epoch = epoch;
    }
    return tw_python_own.state;
}

/* After the calling thread has set the value of a key; after a key was deleted. */
static inline void tw_python_key_set(pthread_key_t key) {
    const struct tw_python_fast *f = &tw_python_fast;
    if (TW_UNLIKELY(f->key != 0) && key == tw_python_load32(f->key + 4)) tw_python_own.epoch = 0;
}
static inline void tw_python_key_deleted(void) {
    uint32_t next = __atomic_add_fetch(&tw_python_epoch, 1, __ATOMIC_RELEASE);
    if (next == 0) __atomic_add_fetch(&tw_python_epoch, 1, __ATOMIC_RELEASE);
}

static inline bool tw_python_holds_lock(uintptr_t state) {
    const struct tw_python_fast *f = &tw_python_fast;
    return tw_python_load(f->holder) == state && (!f->locked || tw_python_load32(f->locked));
}

/* The frame that runs; the caller holds the interpreter's lock. 0: none. */
static inline uintptr_t tw_python_current(uintptr_t state) {
    uintptr_t frame = tw_python_load(state + tw_python_fast.ts_frame);
    return tw_python_fast.through_cframe && frame ? tw_python_load(frame + tw_python_fast.cf_frame) : frame;
}

/* The frame of the call to the interpreter that returns to pc; 0: it is none, or may not be looked at. */
static inline uintptr_t tw_python_calling(uintptr_t pc) {
    const struct tw_python_fast *f = &tw_python_fast;
    if (pc - f->text - 1 >= f->text_end - f->text) return 0;
    uintptr_t state = tw_python_state_known();
    return state && tw_python_holds_lock(state) ? tw_python_current(state) : 0;
}

/* The argument of the instruction under way: a code unit is an opcode and its argument, one byte each. CALL counts its
   arguments, BEFORE_WITH has 0. */
static inline unsigned tw_python_argument(uintptr_t frame) {
    uintptr_t instr = tw_python_load(frame + tw_python_fast.f_instr);
    return instr ? *(const volatile unsigned char *)(instr + 1) : 1;
}

/* An instruction lies in its code object, so that its address names both. */
#define TW_PYTHON_STIR 0x9e3779b97f4a7c15ull
static inline uint64_t tw_python_stir(uint64_t h, uint64_t instr) {
    return h * TW_PYTHON_STIR + instr;
}

/*
 * A chain of frames seen before. Following `previous` from frame to frame is one load after the other; comparing with
 * what they were is many at a time. Each address is only looked at when the frame above it still points there. The instructions of all
 * frames but the first must be what they were; that of the first one makes the difference between the lines of a function.
 */
enum { TW_PYTHON_CHAINS = 8, TW_PYTHON_KEPT = 16 };
struct tw_python_chain {
    uint64_t rest, weight; /* the fingerprint is rest + weight times the first frame's instruction */
    uintptr_t first;       /* frame 0; 0: nothing is kept */
    uint32_t n;
    struct {
        uint64_t next, instr; /* as they stand in a frame of 3.11, where one comparison does for both */
    } at[TW_PYTHON_KEPT];     /* at[n - 1].next is 0 */
};
extern TW_HIDDEN __thread struct tw_python_chain tw_python_chains[TW_PYTHON_CHAINS] __attribute__((tls_model("initial-exec")));

typedef int tw_python_pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef char tw_python_bytes __attribute__((vector_size(16)));

/* Follows the frames, and remembers them. */
uint64_t tw_python_print_anew(uintptr_t frame, struct tw_python_chain *c);

/* The fingerprint of this frame and those below it, never 0; see tw_python_fingerprint. */
static inline uint64_t tw_python_print(uintptr_t frame) {
    const uintptr_t instr = tw_python_fast.f_instr, previous = tw_python_fast.f_previous;
    struct tw_python_chain *c = &tw_python_chains[(frame * 0x9e3779b1u >> 20) % TW_PYTHON_CHAINS];
    if (TW_UNLIKELY(!frame)) return 1;
    if (TW_UNLIKELY(c->first != frame || tw_python_load(frame + previous) != c->at[0].next)) return tw_python_print_anew(frame, c);
    const uint32_t n = c->n;
    uintptr_t at = c->at[0].next;
    if (TW_LIKELY(instr == previous + 8)) {
        for (uint32_t i = 1; i < n; i++) {
            tw_python_pair now = *(const tw_python_pair *)(at + previous), was = *(const tw_python_pair *)&c->at[i];
            if (TW_UNLIKELY(__builtin_ia32_pmovmskb128((tw_python_bytes)(now == was)) != 0xffff)) return tw_python_print_anew(frame, c);
            at = c->at[i].next;
        }
    } else {
        for (uint32_t i = 1; i < n; i++) {
            if (TW_UNLIKELY(tw_python_load(at + instr) != c->at[i].instr || tw_python_load(at + previous) != c->at[i].next))
                return tw_python_print_anew(frame, c);
            at = c->at[i].next;
        }
    }
    uint64_t h = c->rest + c->weight * tw_python_load(frame + instr);
    return (h ^ h >> 29) | 1;
}

#endif
