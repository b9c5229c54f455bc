/* libc's hands, one function a line: it touches a block in one thread that another thread writes in plain instructions.
 */
// FLAGS: -O1 -g -fno-builtin -Wno-unused-result
// EXPECT(data-race)
// COUNT(data-race): 83
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../../../preload/fortified.h"

enum { BLOCKS = 96, SIZE = 64, PART = 16 };

static char blocks[BLOCKS][SIZE];
static int file, null, pair[2];
static FILE *stream, *sink;
static volatile long result;

/* These look at nothing: what the library moves is the point. */
static int all_same(const void *a, const void *b) {
    return (void)a, (void)b, 0;
}

static int all_same_r(const void *a, const void *b, void *arg) {
    return (void)a, (void)b, arg != NULL;
}

/* The forms with a va_list. */
#define PRINTED(name, call)                                                                                            \
    static int printed_##name(char *p, const char *format, ...) {                                                      \
        va_list v;                                                                                                     \
        va_start(v, format);                                                                                           \
        int n = (call);                                                                                                \
        va_end(v);                                                                                                     \
        return n + (p == NULL);                                                                                        \
    }
PRINTED(vsprintf, vsprintf(p, format, v))
PRINTED(vsnprintf, vsnprintf(p, PART, format, v))
PRINTED(vsprintf_chk, __vsprintf_chk(p, 1, SIZE, format, v))
PRINTED(vsnprintf_chk, __vsnprintf_chk(p, PART, 1, SIZE, format, v))
PRINTED(vfprintf, vfprintf(sink, format, v))
PRINTED(vfprintf_chk, __vfprintf_chk(sink, 1, format, v))

/* A message of PART bytes is there to be received. */
static int filled(void) {
    if (send(pair[0], "0123456789abcdef", PART, 0) != PART) abort();
    return pair[1];
}

static FILE *rewound(void) {
    if (fseek(stream, 0, SEEK_SET)) abort();
    return stream;
}

#define PARTS                                                                                                          \
    &(struct iovec) {                                                                                                  \
        p, PART                                                                                                        \
    }
#define MESSAGE                                                                                                        \
    &(struct msghdr) {                                                                                                 \
        .msg_iov = PARTS, .msg_iovlen = 1                                                                              \
    }
#define MESSAGES                                                                                                       \
    &(struct mmsghdr) {                                                                                                \
        .msg_hdr = {.msg_iov = PARTS, .msg_iovlen = 1 }                                                                \
    }

/* name, call with p: the block that is its own */
#define HANDS(X)                                                                                                       \
    X(memcpy, memcpy(p, other, PART))                                                                                  \
    X(memcpy_2, memcpy(other, p, PART))                                                                                \
    X(memmove, memmove(p, other, PART))                                                                                \
    X(mempcpy, mempcpy(p, other, PART))                                                                                \
    X(memset, memset(p, 0, PART))                                                                                      \
    X(memcmp, memcmp(p, other, PART))                                                                                  \
    X(memchr, memchr(p, 1, PART))                                                                                      \
    X(strlen, strlen(p))                                                                                               \
    X(strnlen, strnlen(p, PART))                                                                                       \
    X(strcmp, strcmp(p, "text"))                                                                                       \
    X(strncmp, strncmp(p, "text", 4))                                                                                  \
    X(strcasecmp, strcasecmp(p, "text"))                                                                               \
    X(strncasecmp, strncasecmp(p, "text", 4))                                                                          \
    X(strchr, strchr(p, 1))                                                                                            \
    X(strrchr, strrchr(p, 1))                                                                                          \
    X(strstr, strstr(p, "text"))                                                                                       \
    X(strcpy, strcpy(p, "text"))                                                                                       \
    X(strncpy, strncpy(p, "text", PART))                                                                               \
    X(stpcpy, stpcpy(p, "text"))                                                                                       \
    X(stpncpy, stpncpy(p, "text", PART))                                                                               \
    X(strcat, strcat(strcpy(other, "to"), p))                                                                          \
    X(strncat, strncat(strcpy(other, "to"), p, PART))                                                                  \
    X(strdup, strdup(p))                                                                                               \
    X(strndup, strndup(p, PART))                                                                                       \
    X(qsort, (qsort(p, PART, 1, all_same), 0))                                                                         \
    X(qsort_r, (qsort_r(p, PART, 1, all_same_r, NULL), 0))                                                             \
    X(fwrite, fwrite(p, 1, PART, sink))                                                                                \
    X(fputs, fputs(p, sink))                                                                                           \
    X(fprintf, fprintf(sink, "%5d %s %f", 1, p, 1.5))                                                                  \
    X(fprintf_chk, __fprintf_chk(sink, 1, "%*d %-10.8s", 5, 1, p))                                                     \
    X(snprintf, snprintf(p, PART, "text"))                                                                             \
    X(snprintf_2, snprintf(other, PART, "%.3Lf %ld %s", 1.5L, 7l, p))                                                  \
    X(sprintf, sprintf(p, "text"))                                                                                     \
    X(sprintf_chk, __sprintf_chk(p, 1, SIZE, "text"))                                                                  \
    X(snprintf_chk, __snprintf_chk(p, PART, 1, SIZE, "text"))                                                          \
    X(vsprintf, printed_vsprintf(p, "text"))                                                                           \
    X(vsnprintf, printed_vsnprintf(p, "text"))                                                                         \
    X(vsprintf_chk, printed_vsprintf_chk(p, "text"))                                                                   \
    X(vsnprintf_chk, printed_vsnprintf_chk(p, "text"))                                                                 \
    X(vfprintf, printed_vfprintf(NULL, "%s", p))                                                                       \
    X(vfprintf_chk, printed_vfprintf_chk(NULL, "%s", p))                                                               \
    X(fread, fread(p, 1, PART, rewound()))                                                                             \
    X(fread_chk, __fread_chk(p, SIZE, 1, PART, rewound()))                                                             \
    X(fgets, fgets(p, PART, rewound()))                                                                                \
    X(fgets_chk, __fgets_chk(p, SIZE, PART, rewound()))                                                                \
    X(read, read(filled(), p, PART))                                                                                   \
    X(read_chk, __read_chk(filled(), p, PART, SIZE))                                                                   \
    X(pread, pread(file, p, PART, 0))                                                                                  \
    X(pread64, pread64(file, p, PART, 0))                                                                              \
    X(pread_chk, __pread_chk(file, p, PART, 0, SIZE))                                                                  \
    X(pread64_chk, __pread64_chk(file, p, PART, 0, SIZE))                                                              \
    X(readv, readv(filled(), PARTS, 1))                                                                                \
    X(preadv, preadv(file, PARTS, 1, 0))                                                                               \
    X(preadv64, preadv64(file, PARTS, 1, 0))                                                                           \
    X(recv, recv(filled(), p, PART, 0))                                                                                \
    X(recv_chk, __recv_chk(filled(), p, PART, SIZE, 0))                                                                \
    X(recvfrom, recvfrom(filled(), p, PART, 0, NULL, NULL))                                                            \
    X(recvfrom_chk, __recvfrom_chk(filled(), p, PART, SIZE, 0, NULL, NULL))                                            \
    X(recvmsg, recvmsg(filled(), MESSAGE, 0))                                                                          \
    X(recvmmsg, recvmmsg(filled(), MESSAGES, 1, 0, NULL))                                                              \
    X(write, write(null, p, PART))                                                                                     \
    X(pwrite, pwrite(file, p, PART, 0))                                                                                \
    X(pwrite64, pwrite64(file, p, PART, 0))                                                                            \
    X(writev, writev(null, PARTS, 1))                                                                                  \
    X(pwritev, pwritev(file, PARTS, 1, 0))                                                                             \
    X(pwritev64, pwritev64(file, PARTS, 1, 0))                                                                         \
    X(send, send(pair[0], p, PART, 0))                                                                                 \
    X(sendto, sendto(pair[0], p, PART, 0, NULL, 0))                                                                    \
    X(sendmsg, sendmsg(pair[0], MESSAGE, 0))                                                                           \
    X(sendmmsg, sendmmsg(pair[0], MESSAGES, 1, 0))                                                                     \
    X(memcpy_chk, __memcpy_chk(p, other, PART, SIZE))                                                                  \
    X(mempcpy_chk, __mempcpy_chk(p, other, PART, SIZE))                                                                \
    X(memmove_chk, __memmove_chk(p, other, PART, SIZE))                                                                \
    X(memset_chk, __memset_chk(p, 0, PART, SIZE))                                                                      \
    X(strcpy_chk, __strcpy_chk(p, "text", SIZE))                                                                       \
    X(stpcpy_chk, __stpcpy_chk(p, "text", SIZE))                                                                       \
    X(strncpy_chk, __strncpy_chk(p, "text", PART, SIZE))                                                               \
    X(stpncpy_chk, __stpncpy_chk(p, "text", PART, SIZE))                                                               \
    X(strcat_chk, __strcat_chk(strcpy(other, "to"), p, SIZE))                                                          \
    X(strncat_chk, __strncat_chk(strcpy(other, "to"), p, PART, SIZE))                                                  \
    X(getline, getline(&p, &(size_t){SIZE}, rewound()))                                                                \
    X(getdelim, getdelim(&p, &(size_t){SIZE}, '\n', rewound()))                                                        \
    X(getdelim_2, __getdelim(&p, &(size_t){SIZE}, '\n', rewound()))

#define BODY(name, call)                                                                                               \
    static __attribute__((noinline)) long hand_##name(char *p, char *other) {                                          \
        (void)other;                                                                                                   \
        return (long)(call);                                                                                           \
    }
HANDS(BODY)

static long (*const hands[])(char *, char *) = {
#define NAME(name, call) hand_##name,
        HANDS(NAME)};
enum { CALLS = sizeof hands / sizeof *hands };

static void *calls(void *arg) {
    char other[SIZE] = "";
    for (int i = 0; i < CALLS; i++)
        result = hands[i](blocks[i], other);
    return arg;
}

/* Nothing but stores, so that nothing puts it in an order with the other thread. */
static void *writer(void *arg) {
    for (int i = 0; i < CALLS; i++)
        for (int k = 0; k < PART; k++)
            blocks[i][k] = 'a';
    return arg;
}

int main(void) {
    char name[] = "hands.XXXXXX";
    pthread_t t, u;
    file = mkstemp(name);
    unlink(name);
    null = open("/dev/null", O_WRONLY);
    sink = fdopen(null, "w");
    if (file < 0 || !sink || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) ||
            pwrite(file, "first line\n0123456789", 21, 4000) != 21 ||
            pwrite(file, "first line, and more\n", 21, 0) != 21)
        return 2;
    stream = fdopen(dup(file), "r");
    pthread_create(&t, NULL, writer, NULL);
    pthread_create(&u, NULL, calls, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    printf("%d\n", CALLS);
    return 0;
}
