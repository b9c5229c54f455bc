/* The same finding in many processes is one finding with a count. */
#ifndef TWATCH_MERGE_H
#define TWATCH_MERGE_H

#include "finding/list.h"

/*
 * Folds findings of one fingerprint, one executable and the same locks (but for indices) into the first of them: counts
 * are added, the other runs are listed in other_runs. `exe` gives the executable by run. The order of what stays does
 * not change.
 */
void merge_fold(struct finding_list *list, const char *const *exe, size_t nruns);

#endif
