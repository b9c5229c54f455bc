/* The lock-order graph for Graphviz: an arrow from what was held to what was taken; what lies on a circle is red. */
#include "base/mem.h"
#include "report/escape.h"
#include "report/report.h"

#include <stdlib.h>

void report_dot_print(FILE *out, const struct report *r);

static void dot_run(FILE *out, const struct report_run *u, size_t run) {
    if (!u->nnodes) return;
    bool *circle = mem_new(u->nnodes + 1, sizeof *circle);
    for (size_t i = 0; i < u->nedges; i++)
        if (u->edges[i].reverse) circle[u->edges[i].from] = circle[u->edges[i].to] = true;
    fprintf(out, " subgraph cluster_%zu {\n  label=\"", run);
    escape_put(out, ESCAPE_DOT, u->across ? "all runs, by lock class" : u->exe);
    if (!u->across) fprintf(out, " (pid %d)", u->pid);
    fputs("\";\n", out);
    for (size_t i = 0; i < u->nnodes; i++) {
        fprintf(out, "  n%zu_%zu [label=\"", run, i);
        escape_put(out, ESCAPE_DOT, u->nodes[i].name);
        fprintf(out, "\\n%s\"%s];\n", u->nodes[i].kind, circle[i] ? " color=red penwidth=2" : "");
    }
    for (size_t i = 0; i < u->nedges; i++) {
        const struct report_edge *e = &u->edges[i];
        if (e->from >= u->nnodes || e->to >= u->nnodes) continue;
        fprintf(out, "  n%zu_%u -> n%zu_%u [label=\"%llu\"%s];\n", run, e->from, run, e->to,
                (unsigned long long)e->count, e->reverse ? " color=red penwidth=2" : "");
    }
    fputs(" }\n", out);
    free(circle);
}

void report_dot_print(FILE *out, const struct report *r) {
    fputs("digraph \"lock order\" {\n rankdir=LR;\n node [shape=box fontname=\"sans-serif\"];\n edge "
          "[fontname=\"sans-serif\"];\n",
            out);
    for (size_t i = 0; i < r->nruns; i++)
        dot_run(out, &r->runs[i], i);
    fputs("}\n", out);
}
