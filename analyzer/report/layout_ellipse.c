/* The layout that needs nobody: for where Graphviz is not installed, or has failed. */
#include "report/layout.h"

#include <math.h>

enum { ELLIPSE_WIDTH = 760 };

static struct layout_point ellipse_place(size_t i, size_t n, double height) {
    if (n == 1) return (struct layout_point){ELLIPSE_WIDTH / 2.0, height / 2};
    if (n == 2) return (struct layout_point){i ? ELLIPSE_WIDTH - 150 : 150, height / 2};
    double turn = 2 * M_PI * (double)i / (double)n; /* from the top clockwise */
    return (struct layout_point){
            ELLIPSE_WIDTH / 2.0 + (ELLIPSE_WIDTH / 2.0 - 115) * sin(turn), height / 2 - (height / 2 - 30) * cos(turn)};
}

/* Where the line from a box's middle towards `to` leaves the box. */
static struct layout_point ellipse_border(const struct layout_node *box, struct layout_point to) {
    double dx = to.x - box->at.x, dy = to.y - box->at.y;
    double scale_x = fabs(dx) > 1e-6 ? (box->width / 2 + 4) / fabs(dx) : 1e9,
           scale_y = fabs(dy) > 1e-6 ? (box->height / 2 + 4) / fabs(dy) : 1e9;
    double scale = fmin(fmin(scale_x, scale_y), 1);
    return (struct layout_point){box->at.x + dx * scale, box->at.y + dy * scale};
}

/* A loop above the box. */
static void ellipse_loop(const struct layout_node *box, struct layout_edge *e, struct layout_point *curve) {
    double x = box->at.x - 12, y = box->at.y - box->height / 2 - 2;
    curve[0] = (struct layout_point){x, y};
    curve[1] = (struct layout_point){x - 25, y - 34};
    curve[2] = (struct layout_point){x + 55, y - 34};
    curve[3] = (struct layout_point){x + 30, y - 3};
    e->label = (struct layout_point){box->at.x, y - 26};
}

/* Bent to one side, so that an arrow and the one back do not lie on each other: a quadratic curve, raised to a cubic.
 */
static void ellipse_bend(const struct layout_node *from, const struct layout_node *to, struct layout_edge *e,
        struct layout_point *curve) {
    double dx = to->at.x - from->at.x, dy = to->at.y - from->at.y, length = fmax(sqrt(dx * dx + dy * dy), 1),
           bend = fmin(45, length / 5);
    struct layout_point middle = {
            (from->at.x + to->at.x) / 2 - dy / length * bend, (from->at.y + to->at.y) / 2 + dx / length * bend};
    struct layout_point a = ellipse_border(from, middle), b = ellipse_border(to, middle);
    curve[0] = a;
    curve[1] = (struct layout_point){(a.x + 2 * middle.x) / 3, (a.y + 2 * middle.y) / 3};
    curve[2] = (struct layout_point){(b.x + 2 * middle.x) / 3, (b.y + 2 * middle.y) / 3};
    curve[3] = b;
    e->label = (struct layout_point){(a.x + 2 * middle.x + b.x) / 4, (a.y + 2 * middle.y + b.y) / 4};
}

void layout_ellipse(struct layout *l, struct arena *arena) {
    l->width = ELLIPSE_WIDTH;
    l->height = l->nnodes <= 2 ? 150 : fmin(900, 110 + 42.0 * (double)l->nnodes);
    double above = 0; /* room for a loop over the topmost box */
    for (size_t i = 0; i < l->nedges; i++)
        if (l->edges[i].from == l->edges[i].to && l->nnodes > 2) above = 40;
    for (size_t i = 0; i < l->nnodes; i++) {
        l->nodes[i].at = ellipse_place(i, l->nnodes, l->height);
        l->nodes[i].at.y += above;
    }
    l->height += above;
    for (size_t i = 0; i < l->nedges; i++) {
        struct layout_edge *e = &l->edges[i];
        struct layout_point *curve = arena_array(arena, 4, sizeof *curve);
        if (e->from == e->to)
            ellipse_loop(&l->nodes[e->from], e, curve);
        else
            ellipse_bend(&l->nodes[e->from], &l->nodes[e->to], e, curve);
        e->curve = curve;
        e->ncurve = 4;
    }
}
