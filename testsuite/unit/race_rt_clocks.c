/*
 * The engine's runtime against a made-up shim: threads are switched by hand through the ops table, so every order is
 * exact. Linked with the objects of preload/race and preload/race/x86.
 */
#include "ops.h"
#include "record.h"
#include "shadow.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct tw_race_ops *twatch_race_start(const struct tw_race_host *host);

static __thread uint32_t me;
static uint32_t next_id = 1, races;
static const struct tw_race_ops *ops;
static char element[4096];

static uint32_t thread_id(void) {
    return me;
}
static uint32_t stack_here(uintptr_t pc, uintptr_t sp, const void *regs) {
    (void)pc, (void)sp, (void)regs;
    return 1;
}
static uint32_t held(uint32_t *objects, uint32_t max) {
    (void)objects, (void)max;
    return 0;
}
static void *record(uint32_t kind, size_t bytes) {
    if (kind == TWATCH_CHUNK_RACE) races++;
    return memset(element, 0, bytes);
}
static void record_done(void *e) {
    (void)e;
}
static uint32_t string(const char *s, size_t n) {
    (void)s, (void)n;
    return 1;
}
static uint32_t module_id(uintptr_t a) {
    (void)a;
    return 1;
}
static const char *option(const char *key) {
    return strcmp(key, "races_only") == 0 ? "nothing-of-that-name" : "";
}
static void say(const char *s) {
    puts(s);
}
static int enter(void) {
    return 1;
}
static void leave(void) {}
static void loss(uint32_t kind, uint64_t n) {
    (void)kind, (void)n;
}

static const struct tw_race_host host = {.abi = 1,
        .thread_id = thread_id,
        .stack_here = stack_here,
        .held = held,
        .record = record,
        .record_done = record_done,
        .string = string,
        .module_id = module_id,
        .option = option,
        .say = say,
        .enter = enter,
        .leave = leave,
        .loss = loss};

/* One access of the calling thread, at a site of its own. */
static void touch(void *p, size_t n, uint32_t flags, uintptr_t pc) {
    struct rt_place place = {
            .key = pc | 1ull << 63, .pc = pc, .sp = (uintptr_t)&place, .size = (uint32_t)n, .flags = flags};
    if (!rt_enter(&rt_tls)) abort();
    rt_access(&rt_tls, (uintptr_t)p, n, &place);
    rt_leave(&rt_tls);
}

static void expect(const char *what, uint32_t n) {
    if (races != n) {
        printf("%s: %u races, not %u\n", what, races, n);
        exit(1);
    }
    races = 0;
}

struct job {
    void (*run)(void *);
    void *arg;
    uint32_t id;
};

static void *start(void *arg) {
    struct job *j = arg;
    me = j->id;
    ops->start(me, 0, 0);
    j->run(j->arg);
    ops->end(me);
    return NULL;
}

/* Runs in a thread of its own and returns when it has ended; joined: the caller comes after it. */
static void in_thread(void (*run)(void *), void *arg, bool joined) {
    struct job j = {run, arg, ++next_id};
    pthread_t t;
    ops->create(j.id);
    pthread_create(&t, NULL, start, &j);
    pthread_join(t, NULL);
    if (joined) ops->join(j.id);
}

static uintptr_t site = 0x1000;
static void write4(void *p) {
    touch(p, 4, RT_WRITE, site += 16);
}
static void write1(void *p) {
    touch(p, 1, RT_WRITE, site += 16);
}
static void read4(void *p) {
    touch(p, 4, RT_READ, site += 16);
}
static int lock_word;
static void locked_write(void *p) {
    ops->acquire((uintptr_t)&lock_word);
    write4(p);
    ops->release((uintptr_t)&lock_word);
}
static void shared_write(void *p) {
    ops->acquire_shared((uintptr_t)&lock_word);
    write4(p);
    ops->release_shared((uintptr_t)&lock_word);
}
static void burn(void *p) { /* a clock runs out, several times */
    (void)p;
    for (uint32_t i = 0; i < 3u << RT_CLOCK_BITS; i++) {
        if (!rt_enter(&rt_tls)) abort();
        rt_clock_bump(&rt_tls);
        rt_leave(&rt_tls);
    }
}

static void burn_all(void *p) { /* every slot's clock runs out: the shadow is wiped and clocks start again */
    (void)p;
    for (uint32_t i = 0; i < RT_SLOTS + 100; i++) {
        uint64_t e = rt_epoch(rt_slot_of((uint32_t)rt_tls.epoch), RT_CLOCK_LAST);
        rt_tls.epoch = e << 32 | e;
        if (!rt_enter(&rt_tls)) abort();
        rt_leave(&rt_tls);
    }
}

static uint32_t cells[64];

int main(void) {
    me = 1;
    ops = twatch_race_start(&host);
    if (!ops) return 77; /* no address space here */
    in_thread(write4, &cells[0], false);
    in_thread(write4, &cells[0], false);
    expect("two writers", 1);
    in_thread(write4, &cells[1], true);
    in_thread(read4, &cells[1], true);
    write4(&cells[1]);
    expect("create and join", 0);
    in_thread(read4, &cells[2], false);
    in_thread(read4, &cells[2], false);
    expect("two readers", 0);
    in_thread(write4, &cells[2], false);
    expect("a writer after two readers", 2);
    in_thread(write1, (char *)&cells[3], false);
    in_thread(write1, (char *)&cells[3] + 1, false);
    expect("neighbouring bytes", 0);
    in_thread(write1, (char *)&cells[3] + 1, false);
    expect("the same byte", 1);
    in_thread(locked_write, &cells[4], false);
    in_thread(locked_write, &cells[4], false);
    expect("one lock", 0);
    in_thread(shared_write, &cells[5], false);
    in_thread(shared_write, &cells[5], false);
    expect("writers that hold a lock for reading", 1);
    in_thread(write4, &cells[6], false);
    ops->fresh((uintptr_t)&cells[6], 4);
    in_thread(write4, &cells[6], false);
    expect("new memory", 0);
    for (int i = 0; i < 3000; i++)
        in_thread(locked_write, &cells[7], i % 2);
    expect("many threads", 0);
    in_thread(burn, NULL, true);
    in_thread(write4, &cells[8], false);
    in_thread(write4, &cells[8], false);
    expect("after clocks ran out", 1);
    in_thread(burn_all, NULL, true);
    in_thread(locked_write, &cells[7], false);
    in_thread(locked_write, &cells[7], false);
    expect("after a reset, with a lock", 0);
    in_thread(write4, &cells[9], false);
    in_thread(write4, &cells[9], false);
    expect("after a reset", 1);
    puts("ok");
    return 0;
}
