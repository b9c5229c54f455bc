/*
 * A list of findings, and the draft that a check fills in. Usage:
 *
 *     struct draft *d = draft_begin(list, rule, model);
 *     uint32_t t = draft_thread(d, thread_id);            // index for steps; the same id gives the same index
 *     int32_t l = draft_object(d, object_id);
 *     draft_step(d, t, ACTION_HOLDS, l, stack, site, NULL);
 *     draft_message(d, "...%s...", draft_object_name(d, l));
 *     draft_end(d);                                       // makes names and fingerprint, adds it to the list
 */
#ifndef TWATCH_LIST_H
#define TWATCH_LIST_H

#include "base/arena.h"
#include "base/vec.h"
#include "finding/finding.h"
#include "model/model.h"

struct finding_list {
    struct arena arena; /* all texts and arrays of the findings */
    VEC(struct finding *) all;
};

struct draft;

void list_free(struct finding_list *list);

/* Severe first, then by kind, fingerprint, run: the same findings always come in the same order. */
void list_sort(struct finding_list *list);

/* How many findings count (not suppressed, not in the baseline) at or above a severity. */
size_t list_count(const struct finding_list *list, enum severity at_least);

struct draft *draft_begin(struct finding_list *list, const struct rule *rule, const struct model *m);
uint32_t draft_thread(struct draft *d, uint32_t thread);
/* One that the record does not have, with what to call it: "another thread of the parent". At most one a finding. */
uint32_t draft_absent_thread(struct draft *d, const char *name);
int32_t draft_object(struct draft *d, uint32_t object); /* -1 for id 0 */
/* An object that is no lock of the record: a variable, a heap block. */
int32_t draft_variable(struct draft *d, const char *kind, const char *name, uint64_t address, uint32_t created_stack);
void draft_step(struct draft *d, uint32_t thread, enum action action, int32_t object, uint32_t stack, uint64_t site,
        const char *note);
void draft_step_held(struct draft *d, int32_t object);    /* adds to the held set of the last step */
void draft_step_joined(struct draft *d, uint32_t thread); /* whose end the last step waits for: an id of the record */
void draft_message(struct draft *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void draft_detail(struct draft *d, const char *format, ...) __attribute__((format(printf, 2, 3))); /* adds a line */
const char *draft_text(struct draft *d, const char *format, ...)
        __attribute__((format(printf, 2, 3)));                   /* for notes; lives with the list */
const char *draft_thread_name(struct draft *d, uint32_t thread); /* for sentences: "thread 3 (worker)" */
const char *draft_object_name(struct draft *d, int32_t object);  /* "mutex accounts[3].lock" */
/* The finding under construction: severity, confidence and count may be set directly. */
struct finding *draft_finding(struct draft *d);
struct finding *draft_end(struct draft *d);
void draft_drop(struct draft *d);

#endif
