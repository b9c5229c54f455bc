/*
 * Where the boxes and arrows of a drawing go. Graphviz lays it out where it is installed; it gets numbers and sizes,
 * never a name, and gives back positions. It runs in a process of its own, so that neither its memory, nor its time,
 * nor a mistake in it is this program's; what it cannot do, the ellipse does.
 */
#ifndef TWATCH_LAYOUT_H
#define TWATCH_LAYOUT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum { LAYOUT_NODES = 60, LAYOUT_EDGES = 120 }; /* what a reader can follow, and what is laid out in milliseconds */

struct layout_point {
    double x, y; /* pixels, y downwards */
};

struct layout_node {
    double width, height;   /* in */
    struct layout_point at; /* out: its middle */
};

struct layout_edge {
    size_t from, to;
    double label_width; /* in: of the text beside it */
    const struct layout_point
            *curve; /* out: a start and then three points for each cubic Bezier curve, to the arrow's tip */
    size_t ncurve;
    struct layout_point label; /* out: the middle of its text */
};

struct layout {
    struct layout_node *nodes;
    size_t nnodes; /* at most LAYOUT_NODES */
    struct layout_edge *edges;
    size_t nedges;        /* at most LAYOUT_EDGES */
    double width, height; /* out: of the whole drawing */
};

/* Starts to use Graphviz: nothing happens before the first drawing. One at a time. */
void layout_open(void);

/* The end of its process; NULL, or a sentence: why not every drawing was laid out by it. Good until the next
 * layout_open(). */
const char *layout_close(void);

/* Fills in what is "out" above; memory from the arena. By Graphviz between layout_open() and layout_close(), otherwise
 * and when that fails by layout_ellipse(). */
void layout_do(struct layout *l, struct arena *arena);

/* The nodes on an ellipse, two side by side: a circle of waiting looks like one. */
void layout_ellipse(struct layout *l, struct arena *arena);

/* ---- between layout.c and layout_graphviz.c ---------------------------------------------------------------------- */

/* The other process: answers requests on `fd` until it is closed. Does not return. */
void layout_serve(int fd) __attribute__((noreturn));

/* Whole messages: four bytes of length, then that many. False: the other side is gone, or `ms` milliseconds went by
 * (-1: no limit). *text is from malloc() and ends in NUL. */
bool layout_send(int fd, const char *text, size_t n);
bool layout_receive(int fd, char **text, int ms);

#endif
