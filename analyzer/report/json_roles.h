/* The part of the JSON report about queues, pools, semaphores and joins. */
#ifndef TWATCH_JSON_ROLES_H
#define TWATCH_JSON_ROLES_H

#include "report/jsonout.h"
#include "role/role.h"

/* Four arrays, inside the object of a run. `roles` NULL: empty ones. */
void json_roles(struct jsonout *j, const struct roles *roles);

#endif
