/*
 * The process that asks Graphviz. Its libraries are loaded here and nowhere else: whoever wants no drawing does not pay
 * for them, and they need not be installed. A request is a graph in the DOT language with numbers for names; the reply
 * has a line for the whole, for each node and for each edge, in the order of the request.
 */
#include "report/layout.h"

#include "base/strbuf.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <graphviz/gvc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SERVE_SECONDS = 5, SERVE_MEMORY = 512 << 20 };

/* FUNCTION(library, name): prototypes come from Graphviz's own headers. */
#define SERVE_FUNCTIONS                                                                                                \
    FUNCTION(gvc, gvContext)                                                                                           \
    FUNCTION(gvc, gvLayout)                                                                                            \
    FUNCTION(gvc, gvRender)                                                                                            \
    FUNCTION(gvc, gvFreeLayout)                                                                                        \
    FUNCTION(cgraph, agmemread)                                                                                        \
    FUNCTION(cgraph, agfstnode)                                                                                        \
    FUNCTION(cgraph, agnxtnode)                                                                                        \
    FUNCTION(cgraph, agnode)                                                                                           \
    FUNCTION(cgraph, agedge)                                                                                           \
    FUNCTION(cgraph, agget)                                                                                            \
    FUNCTION(cgraph, agclose)                                                                                          \
    FUNCTION(cgraph, agseterr)

struct serve {
#define FUNCTION(library, name) __typeof__(&name) name;
    SERVE_FUNCTIONS
#undef FUNCTION
    GVC_t *context;
};

static const char *serve_load(struct serve *s) {
    void *gvc = dlopen("libgvc.so.6", RTLD_NOW | RTLD_LOCAL),
         *cgraph = gvc ? dlopen("libcgraph.so.6", RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!gvc || !cgraph) return "!its libraries (libgvc.so.6) are not installed";
#define FUNCTION(library, name)                                                                                        \
    s->name = (__typeof__(s->name))dlsym(library, #name);                                                              \
    if (!s->name) return "!this version has no " #name;
    SERVE_FUNCTIONS
#undef FUNCTION
    s->agseterr(AGMAX);
    s->context = s->gvContext();
    return s->context ? NULL : "!it does not start";
}

/* An attribute that the layout has set; "" when it has not. */
static const char *serve_get(const struct serve *s, void *object, const char *name) {
    char key[16];
    snprintf(key, sizeof key, "%s", name); /* its prototype wants one that may be written */
    const char *value = s->agget(object, key);
    return value ? value : "";
}

/* Edges are named by their number; the request lists both ends of each as "a b" lines before the graph. */
static void serve_answer(const struct serve *s, graph_t *g, const char *ends, struct strbuf *reply) {
    strbuf_printf(reply, "%s\n", serve_get(s, g, "bb"));
    size_t nodes = 0;
    for (Agnode_t *n = s->agfstnode(g); n; n = s->agnxtnode(g, n))
        nodes++;
    char a[24], b[24], name[24];
    for (size_t i = 0; i < nodes; i++) {
        snprintf(a, sizeof a, "%zu", i);
        Agnode_t *n = s->agnode(g, a, 0);
        strbuf_printf(reply, "%s\n", n ? serve_get(s, n, "pos") : "");
    }
    for (size_t i = 0; sscanf(ends, "%20s %20s", a, b) == 2; i++, ends = strchr(ends, '\n') + 1) {
        snprintf(name, sizeof name, "%zu", i);
        Agnode_t *from = s->agnode(g, a, 0), *to = s->agnode(g, b, 0);
        Agedge_t *e = from && to ? s->agedge(g, from, to, name, 0) : NULL;
        strbuf_printf(reply, "%s %s\n", e ? serve_get(s, e, "lp") : "", e ? serve_get(s, e, "pos") : "");
    }
}

static void serve_one(const struct serve *s, const char *request, struct strbuf *reply) {
    const char *text = strstr(request, "digraph");
    graph_t *g = text ? s->agmemread(text) : NULL;
    if (!g) {
        strbuf_puts(reply, "!it does not read the graph");
        return;
    }
    if (s->gvLayout(s->context, g, "dot") == 0 && s->gvRender(s->context, g, "dot", NULL) == 0)
        serve_answer(s, g, request, reply);
    else
        strbuf_puts(reply, "!its plugin for layout is not installed");
    s->gvFreeLayout(s->context, g);
    s->agclose(g);
}

/* Bounds for a process that runs somebody else's code, which says what it likes on standard error. */
static void serve_confine(void) {
    unsigned long pages = 0;
    FILE *own = fopen("/proc/self/statm", "re");
    if (own && fscanf(own, "%lu", &pages) != 1) pages = 0;
    if (own) fclose(own);
    rlim_t memory = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + SERVE_MEMORY;
    setrlimit(RLIMIT_CPU, &(struct rlimit){SERVE_SECONDS, SERVE_SECONDS});
    if (pages) setrlimit(RLIMIT_AS, &(struct rlimit){memory, memory});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) dup2(null, STDIN_FILENO), dup2(null, STDOUT_FILENO), dup2(null, STDERR_FILENO);
}

void layout_serve(int fd) {
    struct serve s = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve_confine();
    const char *trouble = serve_load(&s);
    char *request;
    while (layout_receive(fd, &request, -1)) {
        struct strbuf reply = {0};
        if (trouble)
            strbuf_puts(&reply, trouble);
        else
            serve_one(&s, request, &reply);
        if (!layout_send(fd, strbuf_text(&reply), reply.n)) break;
        strbuf_free(&reply);
        free(request);
    }
    _exit(0); /* no exit handlers: what is buffered in stdio is the other process's */
}
