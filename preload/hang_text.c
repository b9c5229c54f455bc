#include "hang_text.h"

#include "held.h"
#include "modules.h"
#include "real.h"

enum { MOST_THREADS = 256, MOST_FRAMES = 40 };

static const char *kind_name(uint32_t kind) {
    static const char *const names[] = {"something", "mutex", "rwlock", "spin lock", "semaphore", "condition variable",
            "barrier", "pthread_once", "futex", "static initialisation", "thread", "key"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : names[0];
}

static int name_module(struct dl_phdr_info *info, size_t size, void *arg) {
    struct {
        uintptr_t pc;
        const char *name;
        uintptr_t offset;
    } *want = arg;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type != PT_LOAD || want->pc < start || want->pc - start >= info->dlpi_phdr[i].p_memsz)
            continue;
        want->name = info->dlpi_name && info->dlpi_name[0] ? info->dlpi_name : "(program)";
        want->offset = want->pc - info->dlpi_addr;
        return 1;
    }
    return 0;
}

static void say_stack(uint32_t id) {
    const struct twatch_stack *s = tw_stack_by_id(id);
    for (uint32_t i = 0; s && i < s->nframes && i < MOST_FRAMES; i++) {
        struct {
            uintptr_t pc;
            const char *name;
            uintptr_t offset;
        } at = {(uintptr_t)s->pc[i], NULL, 0};
        tw_modules_iterate(name_module, &at);
        if (at.name)
            tw_sys_say("        #%u %s+0x%x\n", (uint64_t)i, at.name, (uint64_t)at.offset);
        else
            tw_sys_say("        #%u 0x%x\n", (uint64_t)i, s->pc[i]);
    }
}

static void say_held(const struct tw_thread *t, const struct twatch_slot *s) {
    for (uint32_t i = 0; i < s->nheld && i < s->held_capacity; i++) {
        if (!t->held[i].address) continue;
        const struct twatch_object *o = tw_object_at(t->held[i].object);
        tw_sys_say("    holds %s 0x%x, taken at\n", kind_name(o ? o->kind : 0), t->held[i].address);
        say_stack(t->held[i].stack);
    }
}

static void say_thread(uint32_t slot, uint64_t now) {
    const struct twatch_slot *s = tw_thread_slot(slot);
    const struct twatch_thread *d = s && s->thread ? tw_thread_desc(s->thread) : NULL;
    const struct tw_thread *t = d ? tw_thread_private(slot) : NULL;
    if (!t) return;
    tw_sys_say(
            "  T%u %s (tid %u)%s\n", (uint64_t)s->thread, d->name, (uint64_t)d->tid, s->wait_kind ? "" : ": running");
    if (s->wait_kind) {
        uint32_t holder = s->wait_kind == TWATCH_OBJ_THREAD ? 0 : tw_thread_holder(s->wait_address, NULL);
        uint64_t ms = now > s->wait_since_ns ? (now - s->wait_since_ns) / 1000000 : 0;
        if (s->wait_kind == TWATCH_OBJ_THREAD)
            tw_sys_say("    waits for the end of thread T%u for %u ms at\n", (uint64_t)s->wait_thread, ms);
        else if (holder)
            tw_sys_say("    waits for %s 0x%x, held by T%u, for %u ms at\n", kind_name(s->wait_kind), s->wait_address,
                    (uint64_t)holder, ms);
        else
            tw_sys_say("    waits for %s 0x%x for %u ms at\n", kind_name(s->wait_kind), s->wait_address, ms);
        say_stack(s->wait_stack);
    }
    say_held(t, s);
}

/* Those of the hang first. */
void tw_hang_text(struct tw_thread *t, uint32_t group) {
    (void)t;
    uint64_t now = tw_sys_now();
    uint32_t said = 0, slots = tw_thread_slots(), live = 0;
    tw_sys_say("twatch: threads of process %u wait for ever (hang %u); the threads:\n", (uint64_t)tw_header->pid,
            (uint64_t)group);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 1; i <= slots; i++) {
            const struct twatch_slot *s = tw_thread_slot(i);
            if (!s || !s->thread) continue;
            bool of_hang = s->wait_kind && s->wait_flags & TWATCH_WAIT_REPORTED;
            if (of_hang == (pass == 1)) continue;
            live++;
            if (said >= MOST_THREADS) continue;
            said++;
            say_thread(i, now);
        }
    }
    if (live > said) tw_sys_say("twatch: and %u threads more; all are in the record\n", (uint64_t)(live - said));
    if (tw_store_has_file()) tw_sys_say("twatch: read %s with `twatch report`\n", tw_store_path());
}
