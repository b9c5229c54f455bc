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

/* Everything about one run but its findings. Texts and arrays lie in `arena` or in the model. Call after the checks
 * ran. */
void fill_run(struct report_run *run, struct arena *arena, const struct model *model, struct symbols *symbols);

#endif
