#include "node/executors/sandbox/seccomp.h"

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <linux/seccomp.h>

/* Grouped by what they are for; argument-filtered ones are further down. */
static const char *const allowed[] = {
    /* files by name */
    "access", "faccessat", "faccessat2", "open", "openat", "openat2", "creat",
    "close", "close_range", "stat", "lstat", "fstat", "newfstatat", "statx",
    "statfs", "fstatfs", "truncate", "ftruncate", "fallocate", "rename",
    "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "symlink",
    "symlinkat", "readlink", "readlinkat", "mkdir", "mkdirat", "rmdir", "mknod",
    "mknodat", "chdir", "fchdir", "getcwd", "chmod", "fchmod", "fchmodat",
    "chown", "fchown", "lchown", "fchownat", "umask", "utime", "utimes",
    "utimensat", "futimesat", "getdents", "getdents64", "getxattr", "lgetxattr",
    "fgetxattr", "setxattr", "lsetxattr", "fsetxattr", "listxattr",
    "llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr",
    "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
    /* bytes */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv",
    "pwritev", "preadv2", "pwritev2", "lseek", "sendfile", "splice", "tee",
    "copy_file_range", "readahead", "fadvise64", "fsync", "fdatasync",
    "sync_file_range", "flock", "fcntl", "dup", "dup2", "dup3", "pipe", "pipe2",
    "memfd_create", "io_setup", "io_destroy", "io_submit", "io_cancel",
    "io_getevents", "io_pgetevents",
    /* waiting */
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1",
    "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd",
    "eventfd2", "signalfd", "signalfd4", "timerfd_create", "timerfd_settime",
    "timerfd_gettime", "pause", "nanosleep", "clock_nanosleep", "futex",
    "futex_waitv", "restart_syscall",
    /* memory */
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync",
    "mincore", "mlock", "mlock2", "mlockall", "munlock", "munlockall",
    "pkey_alloc", "pkey_free", "pkey_mprotect", "remap_file_pages",
    "membarrier", "rseq", "get_mempolicy", "shmget", "shmat", "shmctl", "shmdt",
    "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv",
    "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive",
    "mq_notify", "mq_getsetattr",
    /* processes and threads */
    "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4",
    "waitid", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    "pidfd_open", "pidfd_send_signal", "getpid", "getppid", "gettid", "getpgid",
    "getpgrp", "setpgid", "getsid", "setsid", "set_tid_address",
    "set_robust_list", "get_robust_list", "arch_prctl", "prctl", "seccomp",
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
    "capget", "capset", "getpriority", "setpriority", "ioprio_get",
    "ioprio_set", "sched_yield", "sched_getaffinity", "sched_setaffinity",
    "sched_getparam", "sched_setparam", "sched_getscheduler",
    "sched_setscheduler", "sched_getattr", "sched_setattr",
    "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval",
    "getrlimit", "setrlimit", "prlimit64", "getrusage", "getcpu",
    /* signals */
    "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigreturn", "sigaltstack",
    /* who and when */
    "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
    "getgroups", "setuid", "setgid", "setreuid", "setregid", "setresuid",
    "setresgid", "setgroups", "setfsuid", "setfsgid", "uname", "sysinfo",
    "times", "time", "gettimeofday", "clock_gettime", "clock_getres", "alarm",
    "getitimer", "setitimer", "timer_create", "timer_delete", "timer_settime",
    "timer_gettime", "timer_getoverrun", "getrandom",
    /* sockets, inside a network namespace with nothing in it */
    "socketpair", "bind", "listen", "accept", "accept4", "connect",
    "getsockname", "getpeername", "getsockopt", "setsockopt", "sendto",
    "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown"};

/* Known and refused with EPERM, so that programs see a refusal and not a
 * kernel too old. */
static const char *const denied[] = {"unshare",
                                     "setns",
                                     "mount",
                                     "umount2",
                                     "mount_setattr",
                                     "move_mount",
                                     "fsopen",
                                     "fsconfig",
                                     "fsmount",
                                     "fspick",
                                     "open_tree",
                                     "pivot_root",
                                     "chroot",
                                     "ptrace",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "process_madvise",
                                     "process_mrelease",
                                     "pidfd_getfd",
                                     "kcmp",
                                     "keyctl",
                                     "add_key",
                                     "request_key",
                                     "name_to_handle_at",
                                     "open_by_handle_at",
                                     "syslog",
                                     "fanotify_init",
                                     "fanotify_mark",
                                     "memfd_secret",
                                     "io_uring_setup",
                                     "io_uring_enter",
                                     "io_uring_register",
                                     "bpf",
                                     "perf_event_open",
                                     "userfaultfd",
                                     "quotactl",
                                     "quotactl_fd",
                                     "lookup_dcookie",
                                     "acct",
                                     "swapon",
                                     "swapoff",
                                     "reboot",
                                     "sethostname",
                                     "setdomainname",
                                     "mbind",
                                     "set_mempolicy",
                                     "migrate_pages",
                                     "move_pages",
                                     "vhangup",
                                     "init_module",
                                     "finit_module",
                                     "delete_module",
                                     "kexec_load",
                                     "kexec_file_load",
                                     "ioperm",
                                     "iopl",
                                     "modify_ldt",
                                     "settimeofday",
                                     "clock_settime",
                                     "clock_adjtime",
                                     "adjtimex",
                                     "sync",
                                     "syncfs",
                                     "vmsplice",
                                     "ustat",
                                     "sysfs",
                                     "uselib",
                                     "nfsservctl"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET */
#define CLONE_NEW_ANY 0x7e020000u

/* Address families that stay inside the network namespace. AF_VSOCK ignores
 * it and AF_ALG is kernel code nobody here needs. AF_NETLINK: routes only. */
enum {
    FAMILY_UNIX = 1,
    FAMILY_INET = 2,
    FAMILY_INET6 = 10,
    FAMILY_NETLINK = 16
};

/* The kernel reads an ioctl number as 32 bits while a filter sees 64, so
 * "anything but TIOCSTI" can be walked around: name what is allowed and compare
 * the low half. Terminals (ask, set, size), pipes and sockets, file flags. */
static const uint32_t ioctls[] = {
    0x5401,     0x5402,     0x5403,
    0x5404, /* TCGETS TCSETS TCSETSW TCSETSF */
    0x5405,     0x5406,     0x5407,
    0x5408, /* TCGETA TCSETA TCSETAW TCSETAF */
    0x540b,     0x540f,     0x5410,
    0x5411, /* TCFLSH TIOCGPGRP TIOCSPGRP TIOCOUTQ */
    0x5413,     0x5414,     0x541b,
    0x5421, /* TIOCGWINSZ TIOCSWINSZ FIONREAD FIONBIO */
    0x5429,     0x5450,     0x5451,
    0x5452, /* TIOCGSID FIONCLEX FIOCLEX FIOASYNC */
    0x8910,     0x8912,     0x8913,
    0x8915, /* SIOCGIF: NAME CONF FLAGS ADDR */
    0x8919,     0x891b,     0x8921,
    0x8927,                             /* BRDADDR NETMASK MTU HWADDR */
    0x8933,     0x80086601, 0xc020660b, /* INDEX; FS_IOC_GETFLAGS FIEMAP */
    0x40049409, 0x4020940d              /* FICLONE FICLONERANGE */
};

static json_t *argument(int index, uint32_t value, uint64_t two, const char *op)
{
    return json_pack("{s:i, s:I, s:I, s:s}", "index", index, "value",
                     (json_int_t)value, "valueTwo", (json_int_t)two, "op", op);
}

/* Allows `name` when its arguments match; `second` may be NULL. */
static void allow_when(json_t *rules, const char *name, json_t *first,
                       json_t *second)
{
    json_t *args = json_array();

    (void)json_array_append_new(args, first);
    if (second != NULL)
        (void)json_array_append_new(args, second);
    (void)json_array_append_new(
        rules, json_pack("{s:[s], s:s, s:o}", "names", name, "action",
                         "SCMP_ACT_ALLOW", "args", args));
}

static void add_list(json_t *rules, const char *const *names, size_t count,
                     int refuse_with)
{
    json_t *list = json_array(), *rule;

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_string(names[i]));
    rule = json_pack("{s:o, s:s}", "names", list, "action",
                     refuse_with != 0 ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
    if (refuse_with != 0)
        (void)json_object_set_new(rule, "errnoRet", json_integer(refuse_with));
    (void)json_array_append_new(rules, rule);
}

/* What the drivers of accelerators are asked by, in bits 8 to 15 of an ioctl:
 * DRM and accel 'd', NVIDIA 'F' and (unified memory) 0, AMD's KFD 'K', Habana
 * 'H', DFL's FPGAs 0xb6. Terminals are 'T', file systems 'f' and 'X'. */
static const uint32_t driver_types[] = {'d', 'F', 0, 'K', 'H', 0xb6};

/* Nothing of a job but its devices answers to these. */
static void add_drivers(json_t *rules)
{
    for (size_t i = 0; i < COUNT(driver_types); i++)
        allow_when(
            rules, "ioctl",
            argument(1, 0xff00, driver_types[i] << 8, "SCMP_CMP_MASKED_EQ"),
            NULL);
}

static void add_filtered(json_t *rules)
{
    static const char *const clone3[] = {"clone3"};

    /* clone3 hides its flags in memory: ENOSYS makes libc use clone. */
    add_list(rules, clone3, 1, ENOSYS);
    /* MASKED_EQ: (argument & value) == valueTwo */
    allow_when(rules, "clone",
               argument(0, CLONE_NEW_ANY, 0, "SCMP_CMP_MASKED_EQ"), NULL);
    allow_when(rules, "personality", argument(0, 0, 0, "SCMP_CMP_EQ"), NULL);
    allow_when(rules, "personality", argument(0, UINT32_MAX, 0, "SCMP_CMP_EQ"),
               NULL);
    allow_when(rules, "socket", argument(0, FAMILY_UNIX, 0, "SCMP_CMP_EQ"),
               NULL);
    allow_when(rules, "socket", argument(0, FAMILY_INET, 0, "SCMP_CMP_EQ"),
               NULL);
    allow_when(rules, "socket", argument(0, FAMILY_INET6, 0, "SCMP_CMP_EQ"),
               NULL);
    allow_when(rules, "socket", argument(0, FAMILY_NETLINK, 0, "SCMP_CMP_EQ"),
               argument(2, 0, 0, "SCMP_CMP_EQ"));
    for (size_t i = 0; i < COUNT(ioctls); i++)
        allow_when(rules, "ioctl",
                   argument(1, UINT32_MAX, ioctls[i], "SCMP_CMP_MASKED_EQ"),
                   NULL);
}

json_t *seccomp_profile(bool devices)
{
    json_t *rules = json_array();

    if (rules == NULL)
        return NULL;
    add_list(rules, allowed, COUNT(allowed), 0);
    add_list(rules, denied, COUNT(denied), EPERM);
    add_filtered(rules);
    if (devices)
        add_drivers(rules);
    return json_pack("{s:s, s:i, s:[s], s:o}", "defaultAction",
                     "SCMP_ACT_ERRNO", "defaultErrnoRet", ENOSYS,
                     "architectures", "SCMP_ARCH_X86_64", "syscalls", rules);
}

static enum err check_names(const char *const *names, size_t count,
                            struct fail *fail)
{
    for (size_t i = 0; i < count; i++)
        if (seccomp_syscall_resolve_name(names[i]) == __NR_SCMP_ERROR)
            return fail_set(fail, ERR_UNSUPPORTED,
                            "the system call filter cannot be built",
                            "install libseccomp2 2.5.4 or newer",
                            "libseccomp does not know %s", names[i]);
    return OK;
}

static enum err check_disjoint(struct fail *fail)
{
    for (size_t i = 0; i < COUNT(allowed); i++)
        for (size_t k = 0; k < COUNT(denied); k++)
            if (strcmp(allowed[i], denied[k]) == 0)
                return fail_set(fail, ERR_UNSUPPORTED,
                                "the system call filter contradicts itself",
                                "report this: it is a bug", "%s", allowed[i]);
    return OK;
}

enum err seccomp_check(struct fail *fail)
{
    /* With a NULL filter: EFAULT when filters exist, EINVAL when not. */
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == 0 ||
        errno != EFAULT)
        return fail_set(fail, ERR_UNSUPPORTED,
                        "this kernel cannot filter system calls",
                        "boot a kernel with CONFIG_SECCOMP_FILTER",
                        "prctl(PR_SET_SECCOMP): %s", strerror(errno));
    TRY(check_names(allowed, COUNT(allowed), fail));
    TRY(check_names(denied, COUNT(denied), fail));
    return check_disjoint(fail);
}
