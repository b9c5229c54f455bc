/* Incidents: something wrong, or worth saying, seen when it happened (format/incidents.def). Equal ones (kind, object, stack, other stack) are counted. Inside the guard. */
#ifndef TW_INCIDENT_H
#define TW_INCIDENT_H

#include "thread.h"

struct tw_incident {
    uint32_t kind, object, object2, stack, other_thread, other_stack, group;
    uint64_t aux;
    uint32_t thread; /* who did it; 0: the calling thread */
    bool more;       /* of one that was counted already */
};
/* Makes the record a file if it is not one yet. */
void tw_incident(struct tw_thread *t, const struct tw_incident *i);
uint32_t tw_incident_group(void); /* a new group number */
uint32_t tw_incident_count(void);
/* Makes room for some incidents: a process may hang when it has used up its memory. */
void tw_incident_reserve(void);
void tw_incident_forked(void);

#endif
