/*
 * launch FILE [NAME=VALUE]... PROGRAM [ARGUMENT]...
 * Runs the program with the variables set, ends as it does, and writes its peak resident set in KiB to FILE. Linked statically, so that neither a preloaded
 * library nor a big parent is part of the figure: the peak of a child includes that of the image it was forked from.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3) return 125;
    pid_t child = fork();
    if (child == 0) {
        int i = 2;
        for (; i < argc && strchr(argv[i], '='); i++) putenv(argv[i]);
        if (i < argc) execvp(argv[i], argv + i);
        _exit(127);
    }
    int status;
    struct rusage used;
    FILE *out = fopen(argv[1], "w");
    if (child < 0 || !out || wait4(child, &status, 0, &used) != child) return 125;
    fprintf(out, "%ld\n", used.ru_maxrss);
    if (fclose(out) != 0) return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
