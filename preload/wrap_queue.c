/* Message queues and signals that are waited for hand over what was done before they were sent. Active only while the
 * race engine runs. */
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/signalfd.h>

#include "hands.h"
#include "wrap_signal.h"

enum { SYSV = 1 << 16 }; /* beside the keys of hands.c */

/* A POSIX queue is a descriptor and has an inode. */
TW_EXPORT int mq_send(mqd_t q, const char *p, size_t n, unsigned priority) {
    if (TW_RACING) {
        TW_READS(p, n);
        tw_hands_reaches(q);
    }
    return TW_REAL(mq_send)(q, p, n, priority);
}

TW_EXPORT int mq_timedsend(mqd_t q, const char *p, size_t n, unsigned priority, const struct timespec *limit) {
    if (TW_RACING) {
        TW_READS(p, n);
        tw_hands_reaches(q);
    }
    return TW_REAL(mq_timedsend)(q, p, n, priority, limit);
}

TW_EXPORT ssize_t mq_receive(mqd_t q, char *p, size_t n, unsigned *priority) {
    ssize_t got = TW_REAL(mq_receive)(q, p, n, priority);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(q);
        TW_WRITES(p, (size_t)got);
    }
    return got;
}

TW_EXPORT ssize_t mq_timedreceive(
        mqd_t q, char *restrict p, size_t n, unsigned *restrict priority, const struct timespec *restrict limit) {
    ssize_t got = TW_REAL(mq_timedreceive)(q, p, n, priority, limit);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(q);
        TW_WRITES(p, (size_t)got);
    }
    return got;
}

TW_EXPORT int msgsnd(int q, const void *p, size_t n, int flags) {
    if (TW_RACING) {
        TW_READS(p, n + sizeof(long));
        tw_hands_reaches_key(SYSV + ((uint32_t)q & 0xffff));
    }
    return TW_REAL(msgsnd)(q, p, n, flags);
}

TW_EXPORT ssize_t msgrcv(int q, void *p, size_t n, long type, int flags) {
    ssize_t got = TW_REAL(msgrcv)(q, p, n, type, flags);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived_key(SYSV + ((uint32_t)q & 0xffff));
        TW_WRITES(p, (size_t)got + sizeof(long));
    }
    return got;
}

TW_EXPORT int sigwait(const sigset_t *restrict set, int *restrict number) {
    int rc = TW_REAL(sigwait)(set, number);
    if (TW_RACING && rc == 0) tw_wrap_signal_taken(*number);
    return rc;
}

TW_EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info) {
    int number = TW_REAL(sigwaitinfo)(set, info);
    if (TW_RACING && number > 0) tw_wrap_signal_taken(number);
    return number;
}

TW_EXPORT int sigtimedwait(
        const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict limit) {
    int number = TW_REAL(sigtimedwait)(set, info, limit);
    if (TW_RACING && number > 0) tw_wrap_signal_taken(number);
    return number;
}

TW_EXPORT int sigqueue(pid_t pid, int number, const union sigval value) {
    if (TW_RACING) tw_wrap_signal_sent(number);
    return TW_REAL(sigqueue)(pid, number, value);
}

/* Whoever reads from it sees what was done before any signal was sent. */
TW_EXPORT int signalfd(int fd, const sigset_t *mask, int flags) {
    int got = TW_REAL(signalfd)(fd, mask, flags);
    if (got >= 0) tw_hands_signals(got);
    return got;
}
