/*
 * Between the model and the printers: symbols of a record, names for the model's namer, and the plain data of one run
 * for a report. Used by the commands only.
 */
#ifndef TWATCH_FILL_H
#define TWATCH_FILL_H

#include "base/arena.h"
#include "model/model.h"
#include "report/report.h"
#include "symbol/symbol.h"

/* The symbols of one record. `model` must outlive the result; free with symbol_free(). */
struct symbols *fill_symbols(struct symbol_cache *cache, const struct model *model);

/* Gives the model names through `symbols`. Call before the checks run. */
void fill_namer(struct model *model, struct symbols *symbols);

/* Rows of the contention table; part of fill_run(). */
void fill_contention(struct report_run *run, struct arena *arena, const struct model *model);

/* The lock-order graph of one run, for formats that want it (struct report_format); costs a pass over all dependencies.
 */
void fill_graph(struct report_run *run, struct arena *arena, const struct model *model);

/* Everything about one run but its findings and its graph. Texts and arrays lie in `arena` or in the model. Call after
 * the checks ran. */
void fill_run(struct report_run *run, struct arena *arena, const struct model *model, struct symbols *symbols);

#endif
