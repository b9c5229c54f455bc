/* Findings in words: what the formats that people read have in common. */
#include "report/escape.h"
#include "report/report.h"

#include <ctype.h>
#include <string.h>

/* What a step says before its stack; %s is the object. */
static const char *words_phrase(enum action action, bool object) {
    switch (action) {
    case ACTION_HOLDS:
        return object ? "holds %s" : "holds";
    case ACTION_WANTS:
        return object ? "wants %s" : "wants";
    case ACTION_WAITS:
        return object ? "waits for %s" : "waits";
    case ACTION_READS:
        return object ? "reads %s" : "reads";
    case ACTION_WRITES:
        return object ? "writes %s" : "writes";
    case ACTION_UNLOCKS:
        return object ? "gives back %s" : "unlocks";
    case ACTION_DESTROYS:
        return object ? "destroys %s" : "destroys";
    case ACTION_FREES:
        return object ? "frees the memory of %s" : "frees memory";
    case ACTION_INITS:
        return object ? "initializes %s" : "initializes";
    case ACTION_SIGNALS:
        return object ? "signals %s" : "signals";
    case ACTION_POSTS:
        return object ? "posts %s" : "posts";
    case ACTION_JOINS:
        return object ? "joins the other thread, holding %s" : "joins";
    case ACTION_DETACHES:
        return "was detached";
    case ACTION_CREATES:
        return "creates a thread";
    case ACTION_ENDS:
        return "ends";
    case ACTION_FORKS:
        return "forks";
    case ACTION_RUNS:
        return "was at work when the process ended";
    case ACTION_DOES:
        return object ? "uses %s" : "is here";
    }
    return "is here";
}

void report_object_words(struct strbuf *b, const struct finding_object *o) {
    /* A name made from the kind ("mutex made in pool_new") says it already. */
    bool said = strncmp(o->name, o->kind, strlen(o->kind)) == 0 || strcmp(o->kind, "variable") == 0;
    strbuf_printf(b, "%s%s%s", said ? "" : o->kind, said ? "" : " ", o->name);
}

/* A held lock that has a step of its own in the same thread is shown there. */
static bool words_has_step(const struct finding *f, uint32_t thread, uint32_t object) {
    for (size_t i = 0; i < f->nsteps; i++)
        if (f->steps[i].thread == thread && f->steps[i].action == ACTION_HOLDS && f->steps[i].object == (int32_t)object)
            return true;
    return false;
}

static void words_thread(struct strbuf *b, const struct finding_thread *t, char first) {
    const char *absent = *t->name ? t->name : "an unknown thread";
    if (t->id)
        strbuf_printf(b, "%chread %u", first, t->id);
    else
        strbuf_printf(b, "%c%s", first == 'T' ? toupper((unsigned char)*absent) : *absent, absent + 1);
}

void report_thread_words(struct strbuf *b, const struct finding_thread *t) {
    words_thread(b, t, 'T');
    if (t->id && *t->name) strbuf_printf(b, " \"%s\"", t->name);
}

/* Who has what this step waits for: the link from one thread's block to the next. */
static void words_holder(struct strbuf *b, const struct finding *f, const struct finding_step *s) {
    if (s->action != ACTION_WANTS && s->action != ACTION_WAITS) return;
    for (size_t i = 0; i < f->nsteps; i++) {
        const struct finding_step *h = &f->steps[i];
        if (h->action != ACTION_HOLDS || h->object != s->object || h->thread >= f->nthreads) continue;
        strbuf_puts(b, b->n ? "; " : "");
        if (h->thread == s->thread)
            strbuf_puts(b, "it holds it itself");
        else
            words_thread(b, &f->threads[h->thread], 't'), strbuf_puts(b, " holds it");
        return;
    }
}

void report_step_words(struct strbuf *b, const struct finding *f, const struct finding_step *s) {
    bool object = s->object >= 0 && (size_t)s->object < f->nobjects;
    const char *phrase = words_phrase(s->action, object), *hole = strstr(phrase, "%s");
    strbuf_add(b, phrase, hole ? (size_t)(hole - phrase) : strlen(phrase));
    if (hole) report_object_words(b, &f->objects[s->object]);
    struct strbuf aside = {0};
    if (s->note) strbuf_puts(&aside, s->note);
    if (object) words_holder(&aside, f, s);
    if (aside.n) strbuf_printf(b, " (%s)", strbuf_text(&aside));
    strbuf_free(&aside);
    for (uint32_t i = 0, said = 0; i < s->nheld && said < 8; i++) {
        if (s->held[i] >= f->nobjects || words_has_step(f, s->thread, s->held[i])) continue;
        strbuf_puts(b, said++ ? ", " : ", while holding ");
        report_object_words(b, &f->objects[s->held[i]]);
    }
}

static const char *words_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

void report_frame_words(const struct report *r, struct strbuf *b, const struct symbol_frame *f) {
    bool function = f->function && *f->function, module = f->module && *f->module;
    if (function) strbuf_puts(b, f->function);
    if (f->file && f->line)
        strbuf_printf(b, function ? " (%s:%u)" : "%s:%u", report_relative(r, f->file), f->line);
    else if (module)
        strbuf_printf(b, function ? " (%s+0x%llx)" : "%s+0x%llx", words_base(f->module), (unsigned long long)f->offset);
    else if (!function)
        strbuf_printf(b, "0x%llx", (unsigned long long)f->pc);
    if (f->inlined && r->style.verbose) strbuf_puts(b, " [inlined]");
}

static void words_stack(const struct report *r, struct strbuf *b, const struct symbol_trace *t) {
    struct strbuf frame = {0};
    for (size_t i = 0; i < t->nframes && i < 64; i++) {
        frame.n = 0;
        report_frame_words(r, &frame, t->frames[i]);
        strbuf_puts(b, "      ");
        escape_add(b, ESCAPE_TEXT, strbuf_text(&frame));
        strbuf_putc(b, '\n');
    }
    strbuf_free(&frame);
}

void report_body(const struct report *r, struct strbuf *b, const struct finding *f) {
    struct strbuf step = {0};
    for (size_t i = 0; i < f->nthreads; i++) {
        step.n = 0;
        words_thread(&step, &f->threads[i], 'T');
        if (f->threads[i].id) strbuf_printf(&step, " %s", f->threads[i].name);
        strbuf_puts(b, "  ");
        escape_add(b, ESCAPE_TEXT, strbuf_text(&step));
        strbuf_putc(b, '\n');
        for (size_t s = 0; s < f->nsteps; s++) {
            if (f->steps[s].thread != i) continue;
            step.n = 0;
            report_step_words(&step, f, &f->steps[s]);
            strbuf_puts(b, "    ");
            escape_add(b, ESCAPE_TEXT, strbuf_text(&step));
            strbuf_putc(b, '\n');
            words_stack(r, b, report_trace(r, f->run, f->steps[s].stack, f->steps[s].site));
        }
    }
    for (const char *line = f->detail; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        step.n = 0;
        strbuf_add(&step, line, strcspn(line, "\n"));
        strbuf_puts(b, "  ");
        escape_add(b, ESCAPE_TEXT, strbuf_text(&step));
        strbuf_putc(b, '\n');
    }
    if (f->rule->advice) strbuf_printf(b, "  What to do: %s\n", f->rule->advice);
    strbuf_free(&step);
}
