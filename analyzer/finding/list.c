#include "finding/list.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "finding/fingerprint.h"
#include "finding/names.h"

#include <string.h>

struct draft {
    struct finding_list *list;
    const struct model *m;
    struct finding *f;
    VEC(struct finding_thread) threads;
    VEC(struct finding_object) objects;
    VEC(struct finding_step) steps;
    VEC(uint32_t) held; /* of the last step */
    struct strbuf detail;
};

void list_free(struct finding_list *list) {
    vec_free(&list->all);
    arena_free(&list->arena);
}

/* How many different places its first steps show. */
static uint32_t list_places(const struct finding *f) {
    enum { MOST = 8 };
    uint32_t places = 0;
    for (size_t i = 0; i < f->nsteps && i < MOST; i++) {
        const struct finding_step *s = &f->steps[i];
        size_t k = 0;
        while (k < i && (f->steps[k].site != s->site || (!s->site && f->steps[k].stack != s->stack)))
            k++;
        places += k == i;
    }
    return places;
}

/* Those that are one for the user (merge.h) come together, the one that shows most first: it stands for all. */
static int list_compare(const void *pa, const void *pb) {
    const struct finding *a = *(const struct finding *const *)pa, *b = *(const struct finding *const *)pb;
    if (a->severity != b->severity) return a->severity > b->severity ? -1 : 1;
    int order = strcmp(a->rule->name, b->rule->name);
    if (order == 0) order = strcmp(a->fingerprint, b->fingerprint);
    if (order == 0 && a->run != b->run) order = a->run < b->run ? -1 : 1;
    if (order == 0) order = (int)list_places(b) - (int)list_places(a);
    if (order == 0) order = strcmp(a->message, b->message);
    return order;
}

void list_sort(struct finding_list *list) {
    if (list->all.n > 1) qsort(list->all.at, list->all.n, sizeof list->all.at[0], list_compare);
}

size_t list_count(const struct finding_list *list, enum severity at_least) {
    size_t n = 0;
    for (size_t i = 0; i < list->all.n; i++) {
        const struct finding *f = list->all.at[i];
        n += f->severity >= at_least && !f->suppressed && f->baseline != BASELINE_KNOWN;
    }
    return n;
}

struct draft *draft_begin(struct finding_list *list, const struct rule *rule, const struct model *m) {
    struct draft *d = mem_new(1, sizeof *d);
    d->list = list;
    d->m = m;
    d->f = arena_alloc(&list->arena, sizeof *d->f);
    d->f->rule = rule;
    d->f->severity = rule->severity;
    d->f->confidence = CONFIDENCE_CONFIRMED;
    d->f->run = m->run;
    d->f->count = 1;
    d->f->message = rule->title;
    return d;
}

uint32_t draft_thread(struct draft *d, uint32_t thread) {
    for (size_t i = 0; i < d->threads.n; i++)
        if (d->threads.at[i].id == thread) return (uint32_t)i;
    const struct twatch_thread *t = model_thread(d->m, thread);
    struct finding_thread x = {.id = thread, .name = names_thread_short(d->m, &d->list->arena, thread)};
    if (t) {
        x.created_stack = t->create_stack;
        x.parent = t->parent;
    }
    vec_push(&d->threads, x);
    return (uint32_t)d->threads.n - 1;
}

uint32_t draft_absent_thread(struct draft *d, const char *name) {
    uint32_t at = draft_thread(d, 0);
    d->threads.at[at].name = arena_str(&d->list->arena, name);
    return at;
}

static int32_t draft_add_object(struct draft *d, struct finding_object x) {
    x.label = arena_printf(&d->list->arena, "%s%zu", x.id ? "L" : "V", d->objects.n + 1);
    vec_push(&d->objects, x);
    return (int32_t)d->objects.n - 1;
}

int32_t draft_object(struct draft *d, uint32_t object) {
    const struct twatch_object *o = model_object(d->m, object);
    if (!o) return -1;
    for (size_t i = 0; i < d->objects.n; i++)
        if (d->objects.at[i].id == object) return (int32_t)i;
    return draft_add_object(d, (struct finding_object){.id = object,
                                       .kind = names_kind(o->kind),
                                       .name = names_object(d->m, &d->list->arena, object),
                                       .address = o->address,
                                       .created_stack = o->create_stack});
}

int32_t draft_variable(struct draft *d, const char *kind, const char *name, uint64_t address, uint32_t created_stack) {
    return draft_add_object(d, (struct finding_object){.kind = arena_str(&d->list->arena, kind),
                                       .name = arena_str(&d->list->arena, name),
                                       .address = address,
                                       .created_stack = created_stack});
}

static void draft_seal_held(struct draft *d) {
    if (d->held.n == 0) return;
    uint32_t *copy = arena_array(&d->list->arena, d->held.n, sizeof *copy);
    memcpy(copy, d->held.at, d->held.n * sizeof *copy);
    struct finding_step *s = &d->steps.at[d->steps.n - 1];
    s->held = copy;
    s->nheld = (uint32_t)d->held.n;
    d->held.n = 0;
}

void draft_step(struct draft *d, uint32_t thread, enum action action, int32_t object, uint32_t stack, uint64_t site,
        const char *note) {
    draft_seal_held(d);
    vec_push(&d->steps, (struct finding_step){.thread = thread,
                                .action = action,
                                .object = object,
                                .stack = model_stack(d->m, stack) ? stack : 0,
                                .site = site,
                                .note = arena_str(&d->list->arena, note)});
}

void draft_step_held(struct draft *d, int32_t object) {
    if (object >= 0 && d->steps.n) vec_push(&d->held, (uint32_t)object);
}

void draft_step_joined(struct draft *d, uint32_t thread) {
    if (d->steps.n) d->steps.at[d->steps.n - 1].joined = thread;
}

void draft_message(struct draft *d, const char *format, ...) {
    va_list args;
    va_start(args, format);
    d->f->message = arena_vprintf(&d->list->arena, format, args);
    va_end(args);
}

void draft_detail(struct draft *d, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (d->detail.n) strbuf_putc(&d->detail, '\n');
    strbuf_vprintf(&d->detail, format, args);
    va_end(args);
}

const char *draft_text(struct draft *d, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(&d->list->arena, format, args);
    va_end(args);
    return text;
}

const char *draft_thread_name(struct draft *d, uint32_t thread) {
    return names_thread(d->m, &d->list->arena, d->threads.at[thread].id);
}

const char *draft_object_name(struct draft *d, int32_t object) {
    if (object < 0) return "an unknown object";
    const struct finding_object *o = &d->objects.at[object];
    /* Two locks made in one place have one name: their labels tell them apart. */
    for (int32_t i = 0; (size_t)i < d->objects.n && i < 64; i++)
        if (i != object && strcmp(d->objects.at[i].name, o->name) == 0)
            return arena_printf(&d->list->arena, "%s %s (%s)", o->kind, o->name, o->label);
    return arena_printf(&d->list->arena, "%s %s", o->kind, o->name);
}

struct finding *draft_finding(struct draft *d) {
    return d->f;
}

void draft_drop(struct draft *d) {
    vec_free(&d->threads);
    vec_free(&d->objects);
    vec_free(&d->steps);
    vec_free(&d->held);
    strbuf_free(&d->detail);
    free(d);
}

#define DRAFT_KEEP(d, field)                                                                                           \
    do {                                                                                                               \
        void *copy = arena_array(&(d)->list->arena, (d)->field.n, sizeof *(d)->field.at);                              \
        if ((d)->field.n) memcpy(copy, (d)->field.at, (d)->field.n * sizeof *(d)->field.at);                           \
        (d)->f->field = copy;                                                                                          \
        (d)->f->n##field = (d)->field.n;                                                                               \
    } while (0)

struct finding *draft_end(struct draft *d) {
    struct finding *f = d->f;
    draft_seal_held(d);
    DRAFT_KEEP(d, threads);
    DRAFT_KEEP(d, objects);
    DRAFT_KEEP(d, steps);
    if (d->detail.n) f->detail = arena_strn(&d->list->arena, d->detail.at, d->detail.n);
    fingerprint_set(f, d->m);
    vec_push(&d->list->all, f);
    progress_found();
    draft_drop(d);
    return f;
}
