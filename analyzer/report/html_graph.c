/*
 * Drawings as inline SVG. The locks of one finding stand on an ellipse, two of them side by side: a finding is about a
 * few locks, and on an ellipse a circle of waiting looks like one. The whole graph is the DOT format's business.
 */
#include "report/html.h"

#include <string.h>

enum { GRAPH_MOST = 60, GRAPH_EDGES = 200, GRAPH_WIDTH = 760, GRAPH_HALF_W = 105, GRAPH_HALF_H = 18 };

struct graph_edge {
    size_t from, to;
    const struct finding_thread *thread;
};

struct graph_point {
    double x, y;
};

/* What little geometry a drawing needs, so that the program needs no mathematics library. */
static double graph_min(double a, double b) {
    return a < b ? a : b;
}
static double graph_max(double a, double b) {
    return a > b ? a : b;
}
static double graph_abs(double a) {
    return a < 0 ? -a : a;
}

static double graph_sqrt(double x) { /* Newton's method; good to a pixel from 1 to 10^7 */
    double root = x > 1 ? x / 2 : 1;
    for (int i = 0; i < 30; i++)
        root = (root + x / root) / 2;
    return root;
}

/* The point `part` of a turn along the unit circle, from the top clockwise: the series of sine and cosine for half a
 * turn at most. */
static struct graph_point graph_circle(double part) {
    double x = 2 * 3.14159265358979 * (part > 0.5 ? part - 1 : part), term = 1, sine = 0, cosine = 0;
    for (int i = 0; i < 24; term *= x / ++i) {
        if (i % 2)
            sine += i % 4 == 1 ? term : -term;
        else
            cosine += i % 4 == 0 ? term : -term;
    }
    return (struct graph_point){sine, -cosine};
}

static void graph_add(
        struct graph_edge *edges, size_t *n, size_t from, size_t to, const struct finding_thread *thread) {
    for (size_t i = 0; i < *n; i++)
        if (edges[i].from == from && edges[i].to == to) return;
    if (*n < GRAPH_EDGES) edges[(*n)++] = (struct graph_edge){from, to, thread};
}

/* An edge for every lock that a thread holds while it asks for another. */
static size_t graph_edges(const struct finding *f, struct graph_edge *edges) {
    size_t n = 0;
    for (size_t i = 0; i < f->nsteps; i++) {
        const struct finding_step *s = &f->steps[i];
        if ((s->action != ACTION_WANTS && s->action != ACTION_WAITS) || s->object < 0 ||
                (size_t)s->object >= f->nobjects || s->thread >= f->nthreads)
            continue;
        for (uint32_t h = 0; h < s->nheld; h++)
            if (s->held[h] < f->nobjects) graph_add(edges, &n, s->held[h], (size_t)s->object, &f->threads[s->thread]);
        for (size_t k = 0; k < f->nsteps && !s->nheld; k++)
            if (f->steps[k].thread == s->thread && f->steps[k].action == ACTION_HOLDS && f->steps[k].object >= 0 &&
                    (size_t)f->steps[k].object < f->nobjects)
                graph_add(edges, &n, (size_t)f->steps[k].object, (size_t)s->object, &f->threads[s->thread]);
    }
    return n;
}

static struct graph_point graph_place(size_t i, size_t n, double height) {
    if (n == 2) return (struct graph_point){i ? GRAPH_WIDTH - 150 : 150, height / 2};
    struct graph_point p = graph_circle((double)i / (double)n);
    return (struct graph_point){GRAPH_WIDTH / 2.0 + (GRAPH_WIDTH / 2.0 - GRAPH_HALF_W - 10) * p.x,
            height / 2 + (height / 2 - GRAPH_HALF_H - 12) * p.y};
}

/* Where the line from a box's middle towards `to` leaves the box. */
static struct graph_point graph_border(struct graph_point at, struct graph_point to) {
    double dx = to.x - at.x, dy = to.y - at.y;
    double scale_x = graph_abs(dx) > 1e-6 ? (GRAPH_HALF_W + 4) / graph_abs(dx) : 1e9,
           scale_y = graph_abs(dy) > 1e-6 ? (GRAPH_HALF_H + 4) / graph_abs(dy) : 1e9;
    double scale = graph_min(graph_min(scale_x, scale_y), 1);
    return (struct graph_point){at.x + dx * scale, at.y + dy * scale};
}

static void graph_draw_edge(FILE *out, const struct graph_edge *e, const struct graph_point *places) {
    struct graph_point a = places[e->from], b = places[e->to], label;
    if (e->from == e->to) { /* a loop above the box */
        fprintf(out, "<path class=\"edge\" marker-end=\"url(#arrow)\" d=\"M%.0f %.0fc-25 -34 55 -34 30 -3\"/>",
                a.x - 12, a.y - GRAPH_HALF_H - 2);
        label = (struct graph_point){a.x, a.y - GRAPH_HALF_H - 28};
    } else {
        double dx = b.x - a.x, dy = b.y - a.y, length = graph_max(graph_sqrt(dx * dx + dy * dy), 1),
               bend = graph_min(45, length / 5);
        struct graph_point middle = {(a.x + b.x) / 2 - dy / length * bend, (a.y + b.y) / 2 + dx / length * bend};
        struct graph_point from = graph_border(a, middle), to = graph_border(b, middle);
        fprintf(out, "<path class=\"edge\" marker-end=\"url(#arrow)\" d=\"M%.0f %.0fQ%.0f %.0f %.0f %.0f\"/>", from.x,
                from.y, middle.x, middle.y, to.x, to.y);
        label = (struct graph_point){(from.x + 2 * middle.x + to.x) / 4, (from.y + 2 * middle.y + to.y) / 4};
    }
    fprintf(out, "<text class=\"halo\" text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">", label.x, label.y + 4);
    if (e->thread->id) fprintf(out, "%u ", e->thread->id);
    html_text_cut(out, e->thread->name, 28);
    fputs("</text>\n", out);
}

static void graph_draw_box(FILE *out, const struct finding_object *o, struct graph_point at) {
    struct strbuf words = {0};
    report_object_words(&words, o);
    fputs("<g><title>", out);
    html_text(out, strbuf_text(&words));
    fprintf(out, "</title><rect class=\"box\" rx=\"5\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\"/>",
            at.x - GRAPH_HALF_W, at.y - GRAPH_HALF_H, 2 * GRAPH_HALF_W, 2 * GRAPH_HALF_H);
    fprintf(out, "<text text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">", at.x, at.y + 4);
    html_text_cut(out, strbuf_text(&words), 30);
    fputs("</text></g>\n", out);
    strbuf_free(&words);
}

void html_graph(FILE *out, const struct finding *f) {
    struct graph_edge edges[GRAPH_EDGES];
    struct graph_point places[GRAPH_MOST];
    size_t n = f->nobjects, nedges = n <= GRAPH_MOST ? graph_edges(f, edges) : 0;
    if (!nedges) return;
    double height = n <= 2 ? 150 : graph_min(900, 110 + 42.0 * (double)n);
    for (size_t i = 0; i < n; i++)
        places[i] = n == 1 ? (struct graph_point){GRAPH_WIDTH / 2.0, height / 2} : graph_place(i, n, height);
    fprintf(out,
            "<figure><svg role=\"img\" aria-label=\"who holds what and wants what\" viewBox=\"0 0 %d %.0f\" "
            "width=\"%d\" height=\"%.0f\">\n",
            GRAPH_WIDTH, height, GRAPH_WIDTH, height);
    for (size_t i = 0; i < n; i++)
        graph_draw_box(out, &f->objects[i], places[i]);
    for (size_t i = 0; i < nedges; i++)
        graph_draw_edge(out, &edges[i], places);
    fputs("</svg><figcaption class=\"dim\">An arrow: the thread named on it holds the first and wants the "
          "second.</figcaption></figure>\n",
            out);
}
