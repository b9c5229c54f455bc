#include "heap.h"
#include "init.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "birth.h"
#include "config.h"
#include "direct.h"
#include "finish.h"
#include "incident.h"
#include "modules.h"
#include "object.h"
#include "python.h"
#include "race/hooks.h"
#include "race_host.h"
#include "real.h"
#include "stack.h"
#include "thread.h"
#include "use.h"
#include "waits.h"

static bool running; /* ordinary memory: a forked child still reads true when the kernel has wiped tw_live */

/* A page of .bss of its own. A kernel older than 4.14 does not know the advice: a raw fork is then not noticed there. */
static void start_live(void) {
    tw_sys(SYS_madvise, tw_live, TWATCH_PAGE, MADV_WIPEONFORK);
}

static uint32_t read_string(const char *path, bool link) {
    static char text[32 * 1024];
    long n;
    if (link) {
        n = tw_sys(SYS_readlink, path, text, sizeof text);
    } else {
        int fd = (int)tw_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return 0;
        n = tw_sys(SYS_read, fd, text, sizeof text);
        tw_sys(SYS_close, fd);
    }
    return n > 0 ? tw_store_string(text, (size_t)n) : 0;
}

static void describe_process(void) {
    struct tw_header_strings { uint32_t exe, argv, cwd; } s;
    s.exe = read_string("/proc/self/exe", true);
    s.argv = read_string("/proc/self/cmdline", false);
    s.cwd = read_string("/proc/self/cwd", true);
    tw_header->exe = s.exe;
    tw_header->argv = s.argv;
    tw_header->cwd = s.cwd;
    uint64_t cpus[16] = {0};
    long n = tw_sys(SYS_sched_getaffinity, 0, sizeof cpus, cpus);
    for (long i = 0; i * 8 < n; i++) tw_header->nprocs += (uint32_t)__builtin_popcountll(cpus[i]);
}

/* Highest priority: other libraries' constructors take locks. The loader has relocated everything that we need by then. */
__attribute__((constructor(101))) static void tw_init(int argc, char **argv, char **envp) {
    (void)argc, (void)argv;
    tw_real_init();
    tw_config_init(envp);
    start_live();
    tw_store_init();
    describe_process();
    tw_modules_init();
    tw_stack_init();
    if (TW_CONFIG(python)) tw_python_init();
    tw_waits_init();
    tw_thread_init();
    tw_heap_early(!tw_sys_streq(tw_config_text(TW_OPTION_races), "off"));
    tw_finish_init(envp);
    if (!tw_self) return;
    running = true;
    tw_live->on = 1;
}

void tw_init_forget_all(void) {
    tw_sys_forked();
    tw_birth_forked();
    tw_store_forked();
    tw_object_forked();
    tw_stack_forked();
    tw_modules_forked();
    tw_incident_forked();
    tw_use_forked();
    tw_waits_forked();
    tw_race_host_forked();
}

void tw_init_forked(void) {
    uint32_t parent = 0;
    static char parent_path[4096];
    if (tw_store_has_file()) {
        size_t n = tw_sys_length(tw_store_path());
        tw_sys_copy(parent_path, tw_store_path(), n + 1);
        parent = 1;
    }
    uint32_t fork_flags = tw_header->flags & (TWATCH_HDR_UNDER_RUN | TWATCH_HDR_PYTHON | TWATCH_HDR_RACES_ON);
    tw_thread_forked();
    describe_process();
    tw_header->flags |= fork_flags;
    if (parent) tw_header->parent_record = tw_store_string(parent_path, tw_sys_length(parent_path));
    if (tw_race) tw_race->forked();
    if (tw_self) {
        tw_live->on = 1;
        tw_direct_forked();
    }
}

bool tw_init_restart(void) {
    if (!running || tw_header->pid == (int32_t)tw_sys(SYS_getpid)) return false;
    struct tw_thread *t = tw_self;
    if (!t || t->busy) return false;
    t->busy = 1;
    tw_init_forked();
    if (tw_self) tw_self->busy = 0;
    return tw_self != NULL;
}

void tw_init_stop(void) {
    running = false;
    tw_live->direct = 0;
    tw_live->on = 0;
}
