/* The last state of every live thread: its slot, what it holds, whether it waits. Called by model_build() after the
 * tables are there. */
#ifndef TWATCH_STATE_H
#define TWATCH_STATE_H

#include "model/model.h"

void state_build(struct model *m, struct record *r);

#endif
