/*
 * unprivileged DIRECTORY COMMAND...: goes there, gives up every capability and the way to new ones, forbids the system
 * calls that a container engine's default profile forbids (answered with EPERM, as there), and becomes the command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FORBID(call)                                                                                                   \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

static int forbid(void) {
    struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            FORBID(ptrace), FORBID(process_vm_readv), FORBID(process_vm_writev), FORBID(perf_event_open), FORBID(bpf),
            FORBID(personality), FORBID(userfaultfd), FORBID(kcmp), FORBID(mount), FORBID(umount2), FORBID(unshare),
            FORBID(setns), FORBID(keyctl), FORBID(add_key), FORBID(request_key), FORBID(move_pages), FORBID(mbind),
            FORBID(open_by_handle_at), FORBID(io_uring_setup), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv) {
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    if (argc < 3 || chdir(argv[1]) != 0) return 126;
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
        prctl(PR_CAPBSET_DROP, cap);
    if (syscall(SYS_capset, &head, none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || forbid() != 0) {
        perror("unprivileged");
        return 126;
    }
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
