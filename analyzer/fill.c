#include "fill.h"

#include "base/mem.h"
#include "finding/names.h"
#include "model/interval.h"
#include "role/role.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- symbols and names ---------------------------------------------------------------------------------------------
 */

static bool fill_stack(void *context, uint32_t id, struct symbol_raw_stack *out) {
    const struct twatch_stack *s = model_stack(context, id);
    if (!s) return false;
    *out = (struct symbol_raw_stack){.pc = s->pc, .npc = s->nframes, .module_seq = s->module_seq, .flags = s->flags};
    return true;
}

static const char *fill_string(void *context, uint32_t id) {
    return model_string(context, id, NULL);
}

struct symbols *fill_symbols(struct symbol_cache *cache, const struct model *m) {
    struct symbol_module *modules = mem_new((size_t)m->modules.n + 1, sizeof *modules);
    size_t n = 0;
    for (uint32_t id = 1; id < m->modules.n; id++) {
        const struct twatch_module *x = model_module(m, id);
        if (!x) continue;
        size_t length = x->build_id_len <= TWATCH_BUILD_ID_MAX ? x->build_id_len : 0;
        modules[n++] = (struct symbol_module){model_string(m, x->path, NULL), x->bias, x->start, x->end, x->loaded_seq,
                x->unloaded_seq, x->build_id, length};
    }
    struct symbols *s =
            symbol_new(cache, &(struct symbol_source){modules, n, fill_stack, fill_string, (void *)(uintptr_t)m});
    free(modules);
    return s;
}

static const char *fill_variable(void *ctx, uint64_t address) {
    const struct symbol_data *d = symbol_data(ctx, address, 0);
    return d ? d->name : NULL;
}

static const char *fill_variable_class(void *ctx, uint64_t address) {
    const struct symbol_data *d = symbol_data(ctx, address, 0);
    return d ? d->class : NULL;
}

static const char *fill_local(void *ctx, uint64_t pc, uint64_t below) {
    const struct symbol_data *d = symbol_local(ctx, pc, below);
    return d ? d->name : NULL;
}

static const char *fill_tls_variable(void *ctx, uint64_t address, uint64_t handle) {
    const struct symbol_data *d = symbol_tls(ctx, address, handle);
    return d ? d->name : NULL;
}

static int fill_atomic_type(const struct symbol_data *d) {
    if (!d || d->atomic == SYMBOL_ATOMIC_UNKNOWN) return -1;
    return d->atomic == SYMBOL_ATOMIC_YES;
}

static int fill_atomic(void *ctx, uint64_t address) {
    return fill_atomic_type(symbol_data(ctx, address, 0));
}

static int fill_local_atomic(void *ctx, uint64_t pc, uint64_t below) {
    return fill_atomic_type(symbol_local(ctx, pc, below));
}

static const char *fill_function(void *ctx, uint64_t address) {
    return address ? symbol_function(ctx, address) : NULL;
}

static uint64_t fill_start(void *ctx, uint64_t pc) {
    return pc ? symbol_start(ctx, pc) : 0;
}

static const char *fill_brief(void *ctx, uint32_t stack, uint64_t site) {
    const struct symbol_frame *f = symbol_first_own(symbol_place(ctx, stack, site));
    return f ? symbol_brief(ctx, f) : NULL;
}

static const char *fill_key(void *ctx, uint32_t stack, uint64_t site) {
    const char *key = symbol_key(ctx, stack, site);
    return strcmp(key, "?") == 0 ? NULL : key;
}

static const char *fill_argument(void *ctx, uint32_t stack, const char *callee) {
    return symbol_argument(ctx, symbol_first_own(symbol_stack(ctx, stack)), callee);
}

static const char *fill_expression(void *ctx, uint32_t stack, uint64_t pc) {
    const struct symbol_trace *t = stack ? symbol_stack(ctx, stack) : symbol_pc(ctx, pc, true, 0);
    return t->nframes ? symbol_expression(ctx, t->frames[0]) : NULL;
}

void fill_namer(struct model *m, struct symbols *symbols) {
    m->namer = (struct namer){.ctx = symbols,
            .variable = fill_variable,
            .variable_class = fill_variable_class,
            .tls_variable = fill_tls_variable,
            .local = fill_local,
            .local_atomic = fill_local_atomic,
            .atomic = fill_atomic,
            .function = fill_function,
            .start = fill_start,
            .brief = fill_brief,
            .key = fill_key,
            .argument = fill_argument,
            .expression = fill_expression};
}

/* ---- one run -------------------------------------------------------------------------------------------------------
 */

static const struct report_count fill_loss_names[TWATCH_LOSS_COUNT] = {
        [TWATCH_LOSS_SPACE] = {"space", "times the record could not grow (disk full or limited)", 0},
        [TWATCH_LOSS_BUDGET] = {"budget", "times the record had reached max_record", 0},
        [TWATCH_LOSS_MEMORY] = {"memory", "times there was no memory to record with", 0},
        [TWATCH_LOSS_STACK] = {"stack", "stacks were cut short or could not be unwound", 0},
        [TWATCH_LOSS_THREAD] = {"thread", "threads could not be recorded", 0},
        [TWATCH_LOSS_OBJECT] = {"object", "locks could not be recorded", 0},
        [TWATCH_LOSS_DEPENDENCY] = {"dependency", "lock orders could not be recorded", 0},
        [TWATCH_LOSS_INCIDENT] = {"incident", "incidents could not be recorded", 0},
        [TWATCH_LOSS_RACE] = {"race", "instructions were not watched for races", 0},
};

static void fill_losses(struct report_run *run, struct arena *a, const struct model *m) {
    struct report_count *list = arena_array(a, TWATCH_LOSS_COUNT, sizeof *list);
    run->complete = m->nmissing == 0 && (m->header->end != TWATCH_END_RUNNING);
    for (size_t i = 0; i < TWATCH_LOSS_COUNT; i++) {
        if (!m->header->losses[i]) continue;
        struct report_count *c = &list[run->nlosses++];
        *c = fill_loss_names[i];
        if (!c->key)
            *c = (struct report_count){"other", "things of a kind that this version does not know were lost", 0};
        c->n = m->header->losses[i];
        if (i != TWATCH_LOSS_RACE) run->complete = false;
    }
    run->losses = list;
}

static void fill_exit(struct report_run *run, const struct model *m) {
    run->exit_code = m->header->end_code;
    switch ((enum twatch_end)m->header->end) {
    case TWATCH_END_EXIT:
    case TWATCH_END_FAST:
        run->exit = REPORT_EXIT_STATUS;
        return;
    case TWATCH_END_DEADLOCK:
        run->exit = REPORT_EXIT_HUNG;
        return;
    case TWATCH_END_ABORT:
        run->exit = REPORT_EXIT_SIGNAL;
        run->exit_code = 6;
        return;
    case TWATCH_END_EXEC:
        run->exit = REPORT_EXIT_EXEC;
        return;
    case TWATCH_END_RUNNING:
        break;
    }
    run->exit = m->live ? REPORT_EXIT_RUNNING : REPORT_EXIT_KILLED;
    run->exit_code = 0;
}

static void fill_argv(struct report_run *run, struct arena *a, const struct model *m) {
    size_t length = 0, n = 0;
    const char *text = model_string(m, m->header->argv, &length);
    const char **list = arena_array(a, length + 1, sizeof *list);
    for (const char *at = text; at < text + length; at += strlen(at) + 1)
        list[n++] = at;
    run->argv = list;
    run->nargv = n;
}

static const char *fill_ended(const struct model *m, const struct twatch_thread *t) {
    switch ((enum twatch_thread_end)t->end) {
    case TWATCH_THREAD_RETURNED:
        return "returned";
    case TWATCH_THREAD_EXITED:
        return "called pthread_exit";
    case TWATCH_THREAD_CANCELLED:
        return "was cancelled";
    case TWATCH_THREAD_PROCESS:
        return t->flags & TWATCH_THREAD_MAIN ? "ended the process" : "still ran when the process ended";
    case TWATCH_THREAD_NOT_STARTED:
        return "could not be started";
    case TWATCH_THREAD_RUNNING:
        break;
    }
    return m->live ? "runs" : "still there at the end";
}

/* "waits for mutex accounts[3].lock for 41 s, holding 2 locks". */
static const char *fill_state(struct arena *a, const struct model *m, uint32_t thread) {
    const struct model_state *s = model_state_of(m, thread);
    if (!s || (!s->waiting && !s->nheld)) return NULL;
    const char *what = "", *since = "", *holds = "";
    if (s->waiting) {
        what = s->slot->wait_thread ? arena_printf(a, "joins thread %u", s->slot->wait_thread)
                                    : arena_printf(a, "waits for %s %s", names_kind(s->slot->wait_kind),
                                              names_object(m, a, s->slot->wait_object));
        double seconds = model_seconds(s->slot->wait_since_ns, m->now_ns);
        if (seconds > 0) since = arena_printf(a, " for %s", names_duration(a, (uint64_t)(seconds * 1e9)));
    }
    if (s->nheld == 1) {
        const struct twatch_object *o = model_object(m, s->held[0].object);
        holds = arena_printf(a, "%sholds %s %s", s->waiting ? "; " : "", names_kind(o ? o->kind : 0),
                names_object(m, a, s->held[0].object));
    } else if (s->nheld)
        holds = arena_printf(a, "%sholds %u locks", s->waiting ? "; " : "", s->nheld);
    return arena_printf(a, "%s%s%s", what, since, holds);
}

static uint64_t fill_since(uint64_t ns, uint64_t start) {
    return ns > start ? ns - start : 0;
}

static void fill_thread(
        struct report_thread *out, struct arena *a, const struct model *m, uint32_t id, const struct twatch_thread *t) {
    uint64_t start = m->header->start_ns;
    *out = (struct report_thread){.id = id,
            .parent = t->parent,
            .ordinal = t->ordinal,
            .joiner = t->joiner,
            .name = names_thread_short(m, a, id),
            .start = m->namer.function ? m->namer.function(m->namer.ctx, t->start_routine) : NULL,
            .create_stack = t->create_stack,
            .birth_ns = fill_since(t->birth_ns, start),
            .end_ns = t->end == TWATCH_THREAD_RUNNING || t->end == TWATCH_THREAD_PROCESS ? 0
                                                                                         : fill_since(t->end_ns, start),
            .join_ns = fill_since(t->join_ns, start),
            .cpu_ns = t->cpu_ns,
            .ended = fill_ended(m, t),
            .state = fill_state(a, m, id),
            .detached = t->flags & TWATCH_THREAD_DETACHED,
            .joined = t->flags & TWATCH_THREAD_JOINED};
}

static void fill_threads(struct report_run *run, struct arena *a, const struct model *m) {
    struct report_thread *list = arena_array(a, m->threads.n, sizeof *list);
    uint32_t *at = mem_new((size_t)m->threads.n + 1, sizeof *at); /* thread id -> place + 1 */
    for (uint32_t id = 1; id < m->threads.n; id++) {
        const struct twatch_thread *t = model_thread(m, id);
        if (!t) continue;
        fill_thread(&list[run->nthreads++], a, m, id, t);
        at[id] = (uint32_t)run->nthreads;
    }
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        const struct twatch_object *o = u ? model_object(m, u->object) : NULL;
        if (o && o->kind != TWATCH_OBJ_EVENTS && u->thread < m->threads.n && at[u->thread])
            list[at[u->thread] - 1].wait_ns += u->wait_ns;
    }
    free(at);
    run->threads = list;
}

static void fill_interval(struct report_interval *out, struct arena *a, const struct model *m,
        const struct twatch_interval *i, const char **names) {
    const struct twatch_object *o = model_object(m, i->object);
    uint64_t start = m->header->start_ns, length = fill_since(m->now_ns, start), end = i->start_ns - start + i->duration_ns;
    *out = (struct report_interval){.thread = i->thread,
            .stack = i->stack,
            .hold = i->what == TWATCH_INTERVAL_HOLD,
            .open = i->flags & INTERVAL_OPEN,
            .vain = i->flags & TWATCH_INTERVAL_VAIN,
            .late = i->flags & TWATCH_INTERVAL_LATE,
            .kind = names_kind(i->kind),
            .name = "",
            .start_ns = i->start_ns - start < length ? i->start_ns - start : length,
            .end_ns = end < length ? end : length};
    if (i->kind == TWATCH_OBJ_THREAD)
        out->name = names_thread_short(m, a, i->other);
    else if (o)
        out->name = names[i->object] ? names[i->object] : (names[i->object] = names_object(m, a, i->object));
}

static void fill_intervals(struct report_run *run, struct arena *a, const struct model *m) {
    struct report_interval *list = arena_array(a, m->intervals.n, sizeof *list);
    const char **names = mem_new((size_t)m->objects.n + 1, sizeof *names); /* asked for once each */
    for (size_t i = 0; i < m->intervals.n; i++)
        fill_interval(&list[i], a, m, model_interval(m, i), names);
    free(names);
    run->intervals = list;
    run->nintervals = m->intervals.n;
    run->interval_least_ns = m->header->interval_least_ns;
    run->intervals_dropped = m->header->intervals_dropped;
}

/* races=sample looks at a share; which one is part of what the report says. NULL: the run was not sampled. */
static const char *fill_sampled(struct arena *a, const struct model *m) {
    uint64_t words = 0, watched = 0, others = 0, hits = 0, held_us = 0;
    bool sampled = false;
    for (size_t i = 0; i < m->race_infos.n; i++) {
        const struct twatch_race_info *x = model_race_info(m, i);
        if (!(x->flags & TWATCH_RACE_INFO_SAMPLED)) continue;
        sampled = true;
        words += x->accesses;
        watched += x->instrumented;
        others += x->functions;
        hits += x->functions_left;
        held_us += x->emit_us;
    }
    if (!sampled) return NULL;
    return arena_printf(a,
            "races=sample: %" PRIu64 " of %" PRIu64 " words of global data (%.1f %%) and %" PRIu64
            " times other memory in use were watched for a moment; %" PRIu64
            " accesses were seen, threads held at them for %.1f ms together",
            watched, words, words ? 100.0 * (double)watched / (double)words : 100.0, others, hits, (double)held_us / 1000);
}

/* What the race engine watched of each module. */
static void fill_coverage(struct report_run *run, struct arena *a, const struct model *m) {
    struct report_coverage *list = arena_array(a, m->race_infos.n, sizeof *list);
    for (size_t i = 0; i < m->race_infos.n; i++) {
        const struct twatch_race_info *x = model_race_info(m, i);
        const struct twatch_module *module = model_module(m, x->module);
        if (x->flags & TWATCH_RACE_INFO_SAMPLED) continue;
        list[run->ncoverage++] = (struct report_coverage){
                .module = module ? model_string(m, module->path, NULL) : "an unknown module",
                .reason = x->reason ? model_string(m, x->reason, NULL) : NULL,
                .accesses = x->accesses,
                .watched = x->instrumented < x->accesses ? x->instrumented : x->accesses,
                .functions = x->functions,
                .functions_left = x->functions_left < x->functions ? x->functions_left : x->functions};
    }
    run->coverage = list;
}

static void fill_missing(struct report_run *run, struct arena *a, const struct model *m, struct symbols *symbols) {
    size_t modules = symbols ? symbol_module_count(symbols) : 0;
    const char *sampled = fill_sampled(a, m), **list = arena_array(a, m->nmissing + modules + 2, sizeof *list);
    for (size_t i = 0; i < m->nmissing; i++)
        list[run->nmissing++] = m->missing[i];
    if (m->header->flags & TWATCH_HDR_PYTHON_UNKNOWN)
        list[run->nmissing++] = "Python of a version that is not known (3.11, 3.12 and 3.13 are): stacks show the interpreter's own functions";
    for (size_t i = 0; i < modules; i++) {
        const char *why = NULL;
        if (symbol_module_own(symbols, i)) symbol_module_state(symbols, i, &why);
        if (why) list[run->nmissing++] = why;
    }
    if (sampled) list[run->nmissing++] = sampled;
    run->missing = list;
}

void fill_run(struct report_run *run, struct arena *a, const struct model *m, struct symbols *symbols) {
    *run = (struct report_run){.record = m->path,
            .exe = model_string(m, m->header->exe, NULL),
            .cwd = model_string(m, m->header->cwd, NULL),
            .pid = m->header->pid,
            .parent_pid = m->header->parent_pid,
            .length_ns = fill_since(m->now_ns, m->header->start_ns),
            .across = (m->header->flags & TWATCH_HDR_MERGED) != 0,
            .symbols = symbols};
    for (uint32_t id = 1; id < m->objects.n; id++) {
        const struct twatch_object *o = model_object(m, id);
        if (!o || o->kind == TWATCH_OBJ_KEY || o->kind == TWATCH_OBJ_EVENTS) continue;
        run->nlocks++;
        run->nacquisitions += o->acquisitions;
    }
    fill_exit(run, m);
    fill_argv(run, a, m);
    fill_losses(run, a, m);
    if (!run->across) fill_threads(run, a, m); /* a joined record's threads are placeholders */
    if (!run->across) fill_intervals(run, a, m);
    if (!run->across) run->roles = role_build(m, a);
    fill_missing(run, a, m, symbols);
    fill_coverage(run, a, m);
    fill_contention(run, a, m);
}
