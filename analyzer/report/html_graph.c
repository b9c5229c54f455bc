/*
 * The locks of one finding as inline SVG: an arrow from what a thread holds to what it wants. Only locks with an arrow
 * are drawn; the whole lock-order graph is the DOT format's business.
 */
#include "report/html.h"
#include "report/layout.h"

#include "base/arena.h"
#include "report/escape.h"

#include <string.h>

enum { GRAPH_LABEL = 44, GRAPH_NAME = 34, GRAPH_BOX = 34 }; /* columns, columns, pixels */

struct graph_what { /* a node: one of the two */
    const struct finding_object *object;
    const struct finding_thread *thread; /* whose end is waited for */
};

struct graph {
    const struct finding *f;
    struct arena arena;
    struct layout_node nodes[LAYOUT_NODES];
    struct layout_edge edges[LAYOUT_EDGES];
    struct graph_what what[LAYOUT_NODES];               /* of the nodes */
    const struct finding_thread *threads[LAYOUT_EDGES]; /* of the edges */
    size_t nnodes, nedges, left;                        /* left: edges that found no room */
    bool joins;
};

static void graph_words(struct strbuf *b, struct graph_what what) {
    if (what.object)
        report_object_words(b, what.object);
    else
        report_thread_words(b, what.thread);
}

/* Columns in steps: findings of one shape share a layout. */
static double graph_width(const char *text, size_t most, double least) {
    struct strbuf shown = {0};
    escape_add(&shown, ESCAPE_TEXT, text);
    size_t columns = escape_columns(strbuf_text(&shown));
    strbuf_free(&shown);
    if (columns > most) columns = most + 3;
    double width = 16 + 7.0 * (double)((columns + 3) / 4 * 4);
    return width > least ? width : least;
}

/* The node of an object or a thread, a new one if `grow`; LAYOUT_NODES: there is none. */
static size_t graph_node(struct graph *g, struct graph_what what, bool grow) {
    for (size_t i = 0; i < g->nnodes; i++)
        if (g->what[i].object == what.object && g->what[i].thread == what.thread) return i;
    if (!grow) return LAYOUT_NODES;
    struct strbuf words = {0};
    graph_words(&words, what);
    g->what[g->nnodes] = what;
    g->nodes[g->nnodes] =
            (struct layout_node){.width = graph_width(strbuf_text(&words), GRAPH_NAME, 90), .height = GRAPH_BOX};
    strbuf_free(&words);
    return g->nnodes++;
}

static void graph_add(
        struct graph *g, struct graph_what from, struct graph_what to, const struct finding_thread *thread) {
    bool grow = g->nnodes + 2 <= LAYOUT_NODES && g->nedges < LAYOUT_EDGES;
    size_t a = graph_node(g, from, grow), b = graph_node(g, to, grow);
    for (size_t i = 0; i < g->nedges; i++)
        if (g->edges[i].from == a && g->edges[i].to == b) return;
    if (a == LAYOUT_NODES || b == LAYOUT_NODES || g->nedges == LAYOUT_EDGES) {
        g->left++;
        return;
    }
    g->threads[g->nedges] = thread;
    g->edges[g->nedges++] =
            (struct layout_edge){.from = a, .to = b, .label_width = graph_width(thread->name, GRAPH_LABEL, 40) + 14};
}

/* What a step waits for: false if it does not. */
static bool graph_wanted(struct graph *g, const struct finding_step *s, struct graph_what *out) {
    const struct finding *f = g->f;
    *out = (struct graph_what){0};
    if (s->action == ACTION_WANTS || s->action == ACTION_WAITS) {
        if (s->object >= 0 && (size_t)s->object < f->nobjects) out->object = &f->objects[s->object];
    } else if (s->action == ACTION_JOINS) {
        for (size_t i = 0; i < f->nthreads && s->joined; i++)
            if (f->threads[i].id == s->joined) out->thread = &f->threads[i];
    }
    return s->thread < f->nthreads && (out->object || out->thread);
}

/* Does somebody wait for the end of this thread? */
static bool graph_is_joined(const struct finding *f, const struct finding_thread *t) {
    for (size_t i = 0; i < f->nsteps; i++)
        if (f->steps[i].action == ACTION_JOINS && f->steps[i].joined == t->id && t->id) return true;
    return false;
}

/* An edge for every lock that a thread holds while it waits for something else; a thread whose end is awaited is like
 * a lock that it holds itself. */
static void graph_edges(struct graph *g) {
    const struct finding *f = g->f;
    for (size_t i = 0; i < f->nsteps; i++) {
        const struct finding_step *s = &f->steps[i];
        struct graph_what wanted;
        if (!graph_wanted(g, s, &wanted)) continue;
        const struct finding_thread *thread = &f->threads[s->thread];
        for (uint32_t h = 0; h < s->nheld; h++)
            if (s->held[h] < f->nobjects)
                graph_add(g, (struct graph_what){.object = &f->objects[s->held[h]]}, wanted, thread);
        for (size_t k = 0; k < f->nsteps && !s->nheld; k++)
            if (f->steps[k].thread == s->thread && f->steps[k].action == ACTION_HOLDS && f->steps[k].object >= 0 &&
                    (size_t)f->steps[k].object < f->nobjects)
                graph_add(g, (struct graph_what){.object = &f->objects[f->steps[k].object]}, wanted, thread);
        if (!graph_is_joined(f, thread)) continue;
        graph_add(g, (struct graph_what){.thread = thread}, wanted, thread);
        g->joins = true;
    }
}

static void graph_draw_edge(FILE *out, const struct layout_edge *e, const struct finding_thread *thread) {
    fprintf(out, "<path class=\"edge\" marker-end=\"url(#arrow)\" d=\"M%.0f %.0f", e->curve[0].x, e->curve[0].y);
    for (size_t i = 1; i < e->ncurve; i++)
        fprintf(out, "%s%.0f %.0f", i % 3 == 1 ? "C" : " ", e->curve[i].x, e->curve[i].y);
    fprintf(out, "\"/><text class=\"halo\" text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">", e->label.x, e->label.y + 4);
    if (thread->id) fprintf(out, "%u ", thread->id);
    html_text_cut(out, thread->name, GRAPH_LABEL);
    fputs("</text>\n", out);
}

static void graph_draw_box(FILE *out, struct graph_what what, const struct layout_node *n) {
    struct strbuf words = {0};
    graph_words(&words, what);
    fputs("<g><title>", out);
    html_text(out, strbuf_text(&words));
    fprintf(out, "</title><rect class=\"box\" rx=\"5\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\"/>",
            n->at.x - n->width / 2, n->at.y - n->height / 2, n->width, n->height);
    fprintf(out, "<text text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">", n->at.x, n->at.y + 4);
    html_text_cut(out, strbuf_text(&words), GRAPH_NAME);
    fputs("</text></g>\n", out);
    strbuf_free(&words);
}

void html_graph(FILE *out, const struct finding *f) {
    struct graph g = {.f = f};
    graph_edges(&g);
    if (!g.nedges) return;
    struct layout l = {.nodes = g.nodes, .nnodes = g.nnodes, .edges = g.edges, .nedges = g.nedges};
    layout_do(&l, &g.arena);
    fprintf(out,
            "<figure class=\"zoom\"><div class=\"draw\"><svg role=\"img\" aria-label=\"who holds what and wants what\" "
            "viewBox=\"0 0 %.0f "
            "%.0f\" "
            "width=\"%.0f\" height=\"%.0f\">\n",
            l.width, l.height, l.width, l.height);
    for (size_t i = 0; i < g.nedges; i++)
        graph_draw_edge(out, &g.edges[i], g.threads[i]);
    for (size_t i = 0; i < g.nnodes; i++)
        graph_draw_box(out, g.what[i], &g.nodes[i]);
    fprintf(out,
            "</svg></div><figcaption class=\"dim\">An arrow: the thread named on it holds the first%s and wants the "
            "second.",
            g.joins ? ", or is it," : "");
    if (g.left) fprintf(out, " %zu more arrows are not drawn: twatch report --format=dot has the whole graph.", g.left);
    fputs("</figcaption></figure>\n", out);
    arena_free(&g.arena);
}
