/* Programs that do what breaks tools, one a mode; after each the locks still work, which is printed. */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static int rounds;

static void *work(void *arg) {
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&a);
        pthread_mutex_lock(&b);
        rounds++;
        pthread_mutex_unlock(&b);
        pthread_mutex_unlock(&a);
    }
    return arg;
}

static void threads(int n) {
    pthread_t t[64];
    int made = 0;
    while (made < n && pthread_create(&t[made], NULL, work, NULL) == 0)
        made++;
    for (int i = 0; i < made; i++)
        pthread_join(t[i], NULL);
}

static void say(const char *what) {
    char line[128];
    int n = snprintf(line, sizeof line, "%s: %d rounds\n", what, rounds);
    if (write(1, line, (size_t)n) != n) _exit(9);
}

static void limit(int resource, rlim_t value) {
    struct rlimit r = {value, value};
    if (setrlimit(resource, &r)) exit(8);
}

static void close_all(int by_range) {
    threads(2);
    if (by_range)
        close_range(3, ~0u, 0);
    else
        closefrom(3);
    /* The numbers that come free are the program's: what it opens next must stay its own. */
    int fd = open("mine", O_RDWR | O_CREAT | O_TRUNC, 0600), got = fd;
    threads(4);
    if (write(fd, "mine", 4) != 4) exit(7);
    struct stat s;
    fstat(fd, &s);
    printf("descriptor %d size %ld\n", got, (long)s.st_size);
}

static void daemonize(void) {
    if (fork()) _exit(0);
    setsid();
    if (fork()) _exit(0);
    if (chdir("/")) _exit(6);
    int null = open("/dev/null", O_RDWR);
    threads(3);
    close(null);
    say("daemon");
    exit(0);
}

static int in_clone(void *arg) {
    (void)arg;
    pthread_mutex_lock(&a);
    rounds++;
    pthread_mutex_unlock(&a);
    return 0;
}

/* A thread that no thread library knows: it shares memory and descriptors, and its thread pointer is the parent's. */
static void raw_clone(void) {
    size_t size = 256 * 1024;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    threads(1);
    for (int i = 0; i < 20; i++) {
        pid_t pid = clone(in_clone, stack + size, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid) exit(5);
    }
}

static void vforks(void) {
    volatile int sum = 0;
    threads(2);
    for (int i = 0; i < 50; i++) {
        int status = 0;
        pid_t pid = vfork();
        if (pid == 0) {
            if (i % 2) execl("/bin/true", "true", (char *)NULL);
            _exit(3);
        }
        waitpid(pid, &status, 0);
        sum = sum + WEXITSTATUS(status);
    }
    printf("vfork sum %d\n", sum);
}

static void exec_chain(char **argv, int left) {
    char next[16];
    threads(2);
    if (left == 0) return;
    snprintf(next, sizeof next, "%d", left - 1);
    say("chain");
    execl(argv[0], argv[0], "exec", next, (char *)NULL);
}

/* The program's own backtrace must be the C library's: a preloaded unwinder that exports the name would replace it. */
static __attribute__((noinline)) void own_backtrace(void) {
    void *frames[32];
    int n = backtrace(frames, 32);
    char **names = backtrace_symbols(frames, n);
    printf("backtrace %s %s\n", n >= 3 ? "deep" : "shallow", names && strstr(names[0], "odd") ? "mine" : "strange");
    threads(1);
    free(names);
}

static void drop_user(void) {
    threads(1);
    if (getuid() == 0 && (setgid(65534) || setuid(65534))) exit(4);
    threads(3);
}

static void change_root(void) {
    threads(1);
    if (getuid() == 0) {
        mkdir("jail", 0755);
        if (chroot("jail") || chdir("/")) exit(4);
    }
    threads(3);
}

static void storm_handler(int signal_number) {
    (void)signal_number;
    int saved = errno;
    if (pthread_mutex_trylock(&b) == 0) pthread_mutex_unlock(&b);
    errno = saved;
}

static void *storm(void *arg) {
    for (int i = 0; i < 2000; i++)
        kill(getpid(), SIGUSR1), usleep(20);
    return arg;
}

static void signals(void) {
    struct sigaction action = {.sa_handler = storm_handler, .sa_flags = SA_RESTART};
    pthread_t t;
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&t, NULL, storm, NULL);
    threads(4);
    pthread_join(t, NULL);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    if (!strcmp(mode, "closefrom"))
        close_all(0);
    else if (!strcmp(mode, "close_range"))
        close_all(1);
    else if (!strcmp(mode, "chdir"))
        threads(1), chdir("/") ? exit(1) : threads(3);
    else if (!strcmp(mode, "chroot"))
        change_root();
    else if (!strcmp(mode, "setuid"))
        drop_user();
    else if (!strcmp(mode, "daemon"))
        daemonize();
    else if (!strcmp(mode, "fsize"))
        signal(SIGXFSZ, SIG_DFL), limit(RLIMIT_FSIZE, 8192), threads(8);
    else if (!strcmp(mode, "fsize_after"))
        threads(1), limit(RLIMIT_FSIZE, 0), threads(8);
    else if (!strcmp(mode, "as"))
        limit(RLIMIT_AS, 300ul << 20), threads(4);
    else if (!strcmp(mode, "nproc"))
        limit(RLIMIT_NPROC, 1), drop_user();
    else if (!strcmp(mode, "nofile"))
        limit(RLIMIT_NOFILE, 4), threads(8);
    else if (!strcmp(mode, "nofile_exec"))
        limit(RLIMIT_NOFILE, 4), execl(argv[0], argv[0], "chdir", (char *)NULL);
    else if (!strcmp(mode, "vfork"))
        vforks();
    else if (!strcmp(mode, "clone"))
        raw_clone();
    else if (!strcmp(mode, "exec"))
        exec_chain(argv, argc > 2 ? atoi(argv[2]) : 5);
    else if (!strcmp(mode, "backtrace"))
        own_backtrace();
    else if (!strcmp(mode, "signals"))
        signals();
    else
        return 2;
    if (strcmp(mode, "nproc")) say(mode);
    return 0;
}
