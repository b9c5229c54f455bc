/*
 * What makes two findings the same over rebuilds, moved lines, other addresses, other thread counts: the kind and, for
 * each side, the function and file (base name) of the first frame in the project's own code; a cycle is turned to a
 * canonical start. Never of an empty string: a side that has no name counts with its module and offset, and then with
 * its action.
 */
#ifndef TWATCH_FINGERPRINT_H
#define TWATCH_FINGERPRINT_H

#include "finding/finding.h"
#include "model/model.h"

/* Sets f->fingerprint from its rule and steps. Call when the finding is complete. */
void fingerprint_set(struct finding *f, const struct model *m);

#endif
