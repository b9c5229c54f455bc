#include "race_host.h"
#include "key.h"

#include "config.h"
#include "held.h"
#include "modules.h"
#include "race/hooks.h"
#include "race/runtime.h"
#include "race_sample.h"
#include "real.h"
#include "stack.h"
#include "heap.h"
#include "wrap_signal.h"

const struct tw_race_ops *tw_race;

static struct tw_stream race_stream = {.kind = TWATCH_CHUNK_RACE};
static struct tw_table race_infos = TW_TABLE(TWATCH_CHUNK_RACEINFO, struct twatch_race_info, 1);

static uint32_t thread_id(void) { return tw_self && !tw_self->ended ? tw_self->id : 0; }

static uint32_t stack_here(uintptr_t pc, uintptr_t sp, const void *regs) {
    struct tw_thread *t = tw_self;
    if (!t || t->ended) return 0;
    struct tw_race_regs *r = (struct tw_race_regs *)(uintptr_t)regs;
    if (!r) return tw_stack_here(t, pc, sp);
    const uint64_t *g = r->gpr;
    uint32_t id = tw_stack_at(t, &(struct tw_stack_regs){.rbx = g[TW_RACE_RBX], .rbp = g[TW_RACE_RBP], .r12 = g[TW_RACE_R12], .r13 = g[TW_RACE_R13],
                                  .r14 = g[TW_RACE_R14], .r15 = g[TW_RACE_R15], .rsp = sp, .rip = pc},
            r->slot, TW_RACE_SLOTS, &r->nslots);
    const struct twatch_stack *s = tw_stack_by_id(id);
    r->whole = s && s->nframes == r->nslots + 1;
    return id;
}

static uint32_t held(uint32_t *objects, uint32_t max) {
    struct tw_thread *t = tw_self;
    uint32_t n = 0;
    if (!t || t->ended) return 0;
    for (uint32_t i = 0; i < t->slot->nheld && n < max; i++)
        if (t->held[i].address) objects[n++] = tw_held_resolve(t, &t->held[i]);
    return n;
}

static uint32_t kind(uintptr_t address) {
    struct tw_thread *t = tw_self;
    const struct twatch_held *h = t && !t->ended ? tw_held_find(t, address) : NULL;
    if (h) return tw_held_kind(h);
    const struct twatch_object *o = tw_object_at(tw_object_find(address));
    return o ? o->kind : 0;
}

/* RACE elements keep the stream's lock from record to record_done: they are rare, and another thread's must not come between. */
void *tw_race_host_record(uint32_t kind, size_t bytes) {
    uint32_t id;
    if (kind == TWATCH_CHUNK_RACEINFO) return tw_table_new(&race_infos, &id, TWATCH_LOSS_RACE);
    tw_lock_take(&race_stream.lock);
    void *e = tw_stream_append(&race_stream, (uint32_t)((bytes + 7) & ~(size_t)7), 0);
    if (!e) tw_lock_give(&race_stream.lock);
    return e;
}

/* Which function's variable it is. */
static void find_frame(struct twatch_race *r) {
    const struct twatch_thread *d = tw_thread_desc(r->owner_thread);
    const struct tw_thread *owner = d && d->end == TWATCH_THREAD_RUNNING && d->slot ? tw_thread_private(d->slot) : NULL;
    uintptr_t top;
    if (!owner || owner->id != r->owner_thread || !tw_stack_frame_of(owner, r->side[1].address, &r->block, &top)) return;
    r->block_size = top ? top - r->side[1].address : 0;
}

void tw_race_host_recorded(void *element) {
    const struct twatch_chunk *c = race_stream.chunk;
    if (!c || (char *)element < (const char *)(c + 1) || (char *)element >= (const char *)c + c->pages * TWATCH_PAGE) return; /* a RACEINFO */
    struct twatch_race *r = element;
    uint32_t key, owner;
    /* Made by that thread, too: its memory may have gone back and be somebody else's by now. */
    if (r->where == TWATCH_WHERE_HEAP && tw_key_value_of(r->block, &key, &owner) && owner == r->alloc_thread) {
        r->side[0].key = key;
        r->owner_thread = owner;
        tw_object_keep(key);
    }
    if (r->where == TWATCH_WHERE_STACK) find_frame(r);
    for (uint32_t i = 0; i < r->side[0].nlocks + r->side[1].nlocks; i++) tw_object_keep(r->locks[i]);
    tw_stream_seal(&race_stream, element);
    tw_lock_give(&race_stream.lock);
}

static const char *option(const char *key) { return tw_config_by_name(key); }
static void say(const char *text) { tw_sys_say("twatch: %s\n", text); }

static int enter(void) { return tw_enter() != NULL; }
static void leave(void) {
    if (tw_self) tw_leave(tw_self);
}

TW_EXPORT const struct tw_race_host twatch_race_host;
const struct tw_race_host twatch_race_host = {.abi = 1, .thread_id = thread_id, .stack_here = stack_here, .held = held, .object_at = tw_object_find,
        .record = tw_race_host_record, .record_done = tw_race_host_recorded, .string = tw_store_string, .memory = tw_sys_memory, .module_id = tw_modules_find,
        .option = option, .say = say, .real = tw_real_by_name, .enter = enter, .leave = leave, .loss = tw_store_loss, .kind = kind};

/* The engine stands beside this library; it is not looked for anywhere else. */
static bool engine_path(char *path, size_t size) {
    Dl_info info;
    if (!dladdr((void *)tw_race_host_start, &info) || !info.dli_fname) return false;
    size_t dir = 0;
    for (size_t i = 0; info.dli_fname[i]; i++)
        if (info.dli_fname[i] == '/') dir = i + 1;
    if (dir + sizeof "libtwatch-race.so" > size) return false;
    tw_sys_copy(path, info.dli_fname, dir);
    tw_sys_copy(path + dir, "libtwatch-race.so", sizeof "libtwatch-race.so");
    return true;
}

static bool tried;

static void race_start(char *path, size_t size) {
    if (tw_sys_streq(tw_config_text(TW_OPTION_races), "off") || !engine_path(path, size)) return;
    void *engine = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!engine) {
        tw_sys_say("twatch: races are off: %s\n", dlerror());
        return;
    }
    const struct tw_race_ops *(*start)(const struct tw_race_host *);
    *(void **)&start = dlsym(engine, "twatch_race_start");
    if (start) tw_race = start(&twatch_race_host);
    if (!tw_race) return;
    tw_header->flags |= TWATCH_HDR_RACES_ON;
    tw_wrap_signal_race();
    tw_heap_race();
}

void tw_race_host_start(void) {
    static char path[4096];
    tw_sample_wake();
    if (tried) return;
    tried = true;
    if (tw_sys_streq(tw_config_text(TW_OPTION_races), "sample"))
        tw_sample_start(tw_wrap_signal_traps);
    else
        race_start(path, sizeof path);
    tw_heap_early(false);
}

void tw_race_host_forked(void) {
    race_stream = (struct tw_stream){.kind = TWATCH_CHUNK_RACE};
    tw_table_forget(&race_infos);
    if (tw_sample_on) tried = false; /* the watchpoints are the parent's */
    tw_sample_forked();
}
