/* What headers make of libc's functions under _FORTIFY_SOURCE. glibc declares few of them to the program; from its manual pages and the Linux Standard Base. */
#ifndef TW_FORTIFIED_H
#define TW_FORTIFIED_H

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__mempcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__memmove_chk(void *to, const void *from, size_t n, size_t room);
void *__memset_chk(void *p, int c, size_t n, size_t room);
char *__strcpy_chk(char *to, const char *from, size_t room);
char *__stpcpy_chk(char *to, const char *from, size_t room);
char *__strncpy_chk(char *to, const char *from, size_t n, size_t room);
char *__stpncpy_chk(char *to, const char *from, size_t n, size_t room);
char *__strcat_chk(char *to, const char *from, size_t room);
char *__strncat_chk(char *to, const char *from, size_t n, size_t room);
int __sprintf_chk(char *p, int flag, size_t room, const char *format, ...);
int __vsprintf_chk(char *p, int flag, size_t room, const char *format, va_list values);
int __snprintf_chk(char *p, size_t n, int flag, size_t room, const char *format, ...);
int __vsnprintf_chk(char *p, size_t n, int flag, size_t room, const char *format, va_list values);
int __printf_chk(int flag, const char *format, ...);
int __vprintf_chk(int flag, const char *format, va_list values);
int __fprintf_chk(FILE *f, int flag, const char *format, ...);
int __vfprintf_chk(FILE *f, int flag, const char *format, va_list values);
char *__fgets_chk(char *p, size_t room, int n, FILE *f);
size_t __fread_chk(void *p, size_t room, size_t size, size_t count, FILE *f);
ssize_t __read_chk(int fd, void *p, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *p, size_t n, off64_t at, size_t room);
ssize_t __recv_chk(int fd, void *p, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *p, size_t n, size_t room, int flags, __SOCKADDR_ARG from, socklen_t *size);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room);
/* Not fortified, but as unknown to the headers when they do not optimise. */
ssize_t __getdelim(char **line, size_t *room, int end, FILE *f);

#endif
