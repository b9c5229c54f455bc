/*
 * Programs that this one starts and that will not load the library: their environment was cleared, they are static, or
 * the loader distrusts the environment (setuid, capabilities). Under `twatch run` each is noted in its file of observed
 * processes, a line "PID - WHY PROGRAM" beside the "PID PROGRAM" of the observed ones; of several lines for one process
 * the last counts, so that a program that loads the library after all is not meant.
 */
#ifndef TW_UNSEEN_H
#define TW_UNSEEN_H

#include <stdbool.h>

/* Constructor: the file, NULL none. */
void tw_unseen_init(const char *path);

/* This process has no record though it was worth one. */
void tw_unseen_self(void);

struct tw_unseen {
    const char *program;
    char *const *envp; /* NULL: empty */
    bool search;       /* along PATH, if the name has no slash */
};

/* Just before exec, in any process, a vfork child too: only system calls, nothing is stored. True: a line was written;
 * should exec fail, give it to tw_unseen_undo. */
bool tw_unseen_exec(const struct tw_unseen *what);
void tw_unseen_undo(const struct tw_unseen *what, bool noted);
/* After posix_spawn: of that process. */
void tw_unseen_spawned(const struct tw_unseen *what, int pid);

#endif
