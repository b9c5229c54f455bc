/*
 * Lock orders of many records, joined by lock class: so that an order seen in one run and its reverse seen in another
 * are found, and so that a build farm can reduce a thousand records to one small one.
 *
 * A class is a lock's variable (module and offset, the element of an array included) or, for locks on the heap, the
 * place that made it; locks of different executables are different. What is kept of each record are its dependencies
 * (lock wanted, modes, held set) with one witness of stacks, and for each dependency the set of records that had it.
 * Joining is associative and commutative: records and joined records may be joined in any order and grouping, with the
 * same findings.
 *
 * The joined record has the format of every other one (record.h), with TWATCH_HDR_MERGED in the header's flags and
 * these fields used otherwise: header.end_text          string: a line "COOKIE PID PATH" for each record, cookie in
 * hexadecimal module.bias, start, end  every module gets a range of its own; stacks are moved there object.reserved
 * string: the executable dep.thread               1: only main threads were seen to do it; 2: others too
 *     dep.segments[0]          string: the set of records as a bitmap, bit i of byte i / 8 for line i of the list
 * Threads 3 to 2 + JOIN_SIDES stand for the sides of a finding.
 */
#ifndef TWATCH_JOIN_H
#define TWATCH_JOIN_H

#include "finding/list.h"
#include "model/model.h"

enum { JOIN_SIDES = 64 };

struct join;

struct join *join_new(void);
void join_free(struct join *j);

/* Adds a record, joined or not. The model is not needed afterwards. A record that was added before adds nothing. */
void join_add(struct join *j, const struct model *m);

/* The joined record's bytes; free() them. */
unsigned char *join_image(struct join *j, size_t *size);

/*
 * The circles in a joined record's model, every two sides of which come from different records: what one record has on
 * its own is that record's business, and was judged there with the threads and locks that it knows. Main threads of
 * different runs count as one thread.
 */
void join_find(const struct model *merged, struct finding_list *list);

#endif
