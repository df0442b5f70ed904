/* Runs inside a job and tries to get out. Each attempt is a process of its own,
 * so one that is killed for it is just blocked. Prints a line per attempt and
 * "probe: N attempts, M allowed"; exits 1 if any was allowed.
 *
 * Static: it brings no library and needs none of the image. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

/* An attempt gives a number below zero when it was refused. */
typedef long attempt(void);

#define SOCKET(name, family, type, protocol)                                   \
    static long name(void)                                                     \
    {                                                                          \
        return socket(family, type, protocol);                                 \
    }

SOCKET(vsock_stream, 40, SOCK_STREAM, 0)
SOCKET(vsock_datagram, 40, SOCK_DGRAM, 0)
SOCKET(kernel_crypto, 38, SOCK_SEQPACKET, 0)
SOCKET(packet, 17, SOCK_RAW, 0)
SOCKET(raw_icmp, AF_INET, SOCK_RAW, 1)
SOCKET(raw_icmp6, AF_INET6, SOCK_RAW, 58)
SOCKET(netfilter, 16, SOCK_RAW, 12)
SOCKET(audit, 16, SOCK_RAW, 9)
SOCKET(kobject_events, 16, SOCK_RAW, 15)
SOCKET(bluetooth, 31, SOCK_RAW, 1)
SOCKET(can_bus, 29, SOCK_RAW, 1)
SOCKET(express_data, 44, SOCK_RAW, 0)
SOCKET(tipc, 30, SOCK_SEQPACKET, 0)

#define CALL(name, ...)                                                        \
    static long name(void)                                                     \
    {                                                                          \
        return syscall(__VA_ARGS__);                                           \
    }

CALL(unshare_user, SYS_unshare, CLONE_NEWUSER)
CALL(unshare_mount, SYS_unshare, CLONE_NEWNS)
CALL(unshare_net, SYS_unshare, CLONE_NEWNET)
CALL(unshare_pid, SYS_unshare, CLONE_NEWPID)
CALL(unshare_cgroup, SYS_unshare, CLONE_NEWCGROUP)
CALL(process_vm_read, SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0)
CALL(compare_kernel, SYS_kcmp, getpid(), getppid(), 0, 0, 0)
CALL(load_bpf, SYS_bpf, 0, 0, 0)
CALL(perf_events, SYS_perf_event_open, 0, 0, -1, -1, 0)
CALL(io_uring, SYS_io_uring_setup, 1, 0)
CALL(user_faults, SYS_userfaultfd, 0)
CALL(join_keyring, SYS_keyctl, 1, 0)
CALL(read_keyring, SYS_keyctl, 0, -3, 0)
CALL(add_key, SYS_add_key, "user", "a", "b", 1, -3)
CALL(request_key, SYS_request_key, "user", "a", 0, -3)
CALL(make_handle, SYS_name_to_handle_at, AT_FDCWD, "/", 0, 0, 0)
CALL(open_handle, SYS_open_by_handle_at, AT_FDCWD, 0, 0)
CALL(load_module, SYS_init_module, 0, 0, "")
CALL(load_kernel, SYS_kexec_load, 0, 0, 0, 0)
CALL(restart_machine, SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, 0)
CALL(add_swap, SYS_swapon, "/tmp/x", 0)
CALL(kernel_log, SYS_syslog, 10, 0, 0)
CALL(accounting, SYS_acct, 0)
CALL(quotas, SYS_quotactl, 0x80000100, 0, 0, 0)
CALL(port_level, SYS_iopl, 3)
CALL(port_range, SYS_ioperm, 0, 1, 1)
CALL(local_table, SYS_modify_ldt, 1, 0, 0)
CALL(host_name, SYS_sethostname, "x", 1)
CALL(read_implies_exec, SYS_personality, 0x0400000)
CALL(secret_memory, SYS_memfd_secret, 0)
CALL(watch_files, SYS_fanotify_init, 0, 0)
CALL(move_pages, SYS_migrate_pages, 1, 0, 0, 0)
CALL(sync_host, SYS_syncfs, 0)
CALL(new_file_system, SYS_fsopen, "tmpfs", 0)
CALL(clone_tree, SYS_open_tree, AT_FDCWD, "/", 1)
CALL(move_mount_call, SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/job", 0)
CALL(set_mount, SYS_mount_setattr, AT_FDCWD, "/", 0, 0, 0)
CALL(pivot, SYS_pivot_root, "/tmp", "/tmp")
CALL(new_root, SYS_chroot, "/tmp")
CALL(x32_getpid, SYS_getpid | 0x40000000)
CALL(become_root, SYS_setuid, 0)
CALL(become_root_all, SYS_setresuid, 0, 0, 0)
CALL(become_root_group, SYS_setgid, 0)
CALL(type_into_terminal, SYS_ioctl, 0, 0x5412, "x")
CALL(type_high_bits, SYS_ioctl, 0, 0x100005412L, "x")
CALL(linux_console, SYS_ioctl, 0, 0x541cL, "\2")

static long clone_user(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    return pid;
}

static long clone_high_bits(void)
{
    long pid =
        syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD | (1l << 40), 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    return pid;
}

static long clone3_user(void)
{
    uint64_t args[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0};
    long pid = syscall(SYS_clone3, args, sizeof(args));

    if (pid == 0)
        _exit(0);
    return pid;
}

static long enter_init(void)
{
    int fd = open("/proc/1/ns/mnt", O_RDONLY);

    return fd < 0 ? -1 : syscall(SYS_setns, fd, 0);
}

static long mount_tmpfs(void)
{
    return mount("t", "/tmp", "tmpfs", 0, "");
}

static long bind_root(void)
{
    return mount("/", "/tmp", NULL, MS_BIND, NULL);
}

static long root_writable(void)
{
    return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL);
}

static long unmount_masks(void)
{
    return umount2("/proc/sys", MNT_DETACH);
}

static long unmount_inputs(void)
{
    return umount2("/job/in", MNT_DETACH);
}

static long trace_me(void)
{
    return ptrace(PTRACE_TRACEME, 0, 0, 0);
}

static long trace_init(void)
{
    return ptrace(PTRACE_SEIZE, 1, 0, 0);
}

static long take_descriptor(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);

    return fd < 0 ? -1 : syscall(SYS_pidfd_getfd, fd, 0, 0);
}

static long set_clock(void)
{
    struct timeval now = {1, 0};

    return settimeofday(&now, NULL);
}

static long set_groups(void)
{
    gid_t none = 0;

    return setgroups(1, &none);
}

static long give_to_root(void)
{
    (void)mkdir("/job/given", 0700);
    return chown("/job/given", 0, 0);
}

/* A capability asked for and got, or kept in the bounding set. */
static long bounding_set(void)
{
    for (unsigned long cap = 0; cap < 41; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            return 0;
    return -1;
}

static long ambient_set(void)
{
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0);
}

static long new_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? -1 : 0;
}

static long block_node(void)
{
    return mknod("/job/block", S_IFBLK | 0600, 0xfe00);
}

static long character_node(void)
{
    return mknod("/job/char", S_IFCHR | 0600, 0x0101);
}

static long node_in_tmp(void)
{
    return mknod("/tmp/char", S_IFCHR | 0600, 0x0101);
}

static long opens(const char *path, int flags)
{
    return open(path, flags | O_NONBLOCK);
}

/* Masked files open, but have nothing in them. */
static long reads(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    char byte;

    return fd < 0 || read(fd, &byte, 1) != 1 ? -1 : 0;
}

static long writes(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK);

    return fd < 0 ? -1 : write(fd, text, strlen(text));
}

#define OPEN(name, path)                                                       \
    static long name(void)                                                     \
    {                                                                          \
        return opens(path, O_RDWR);                                            \
    }
#define READ(name, path)                                                       \
    static long name(void)                                                     \
    {                                                                          \
        return reads(path);                                                    \
    }
#define WRITE(name, path, text)                                                \
    static long name(void)                                                     \
    {                                                                          \
        return writes(path, text);                                             \
    }

OPEN(dev_mem, "/dev/mem")
OPEN(dev_kvm, "/dev/kvm")
OPEN(dev_fuse, "/dev/fuse")
OPEN(dev_tun, "/dev/net/tun")
OPEN(dev_loop, "/dev/loop0")
OPEN(dev_loop_control, "/dev/loop-control")
OPEN(dev_disk, "/dev/vda")
OPEN(dev_disk_too, "/dev/sda")
OPEN(dev_vsock, "/dev/vsock")
OPEN(dev_console, "/dev/console")
OPEN(dev_mapper, "/dev/mapper/control")
READ(kernel_memory, "/proc/kcore")
READ(kernel_keys, "/proc/keys")
READ(kernel_symbols, "/proc/kallsyms")
READ(kernel_messages, "/proc/kmsg")
READ(kernel_timers, "/proc/timer_list")
READ(kernel_command, "/proc/cmdline")
READ(sysfs, "/sys/kernel/uevent_helper")
READ(cgroup_files, "/sys/fs/cgroup/cgroup.procs")
WRITE(core_pattern, "/proc/sys/kernel/core_pattern", "|/job/x")
WRITE(module_program, "/proc/sys/kernel/modprobe", "/job/x")
WRITE(forwarding, "/proc/sys/net/ipv4/ip_forward", "1")
WRITE(drop_caches, "/proc/sys/vm/drop_caches", "3")
WRITE(magic_request, "/proc/sysrq-trigger", "h")
WRITE(lower_oom, "/proc/self/oom_score_adj", "-1000")
WRITE(user_map, "/proc/self/uid_map", "0 0 1")
WRITE(init_memory, "/proc/1/mem", "x")
WRITE(password_file, "/etc/passwd", "x")
WRITE(shared_program, "/bin/busybox", "x")
WRITE(own_init, "/dev/init", "x")

static long create_in_root(void)
{
    return open("/escaped", O_WRONLY | O_CREAT, 0600);
}

static long create_in_inputs(void)
{
    return open("/job/in/escaped", O_WRONLY | O_CREAT, 0600);
}

static long unnamed_in_root(void)
{
    return open("/bin", O_TMPFILE | O_WRONLY, 0600);
}

static long link_program(void)
{
    return link("/bin/busybox", "/job/busybox");
}

static long run_from_shm(void)
{
    int fd = open("/dev/shm/run", O_WRONLY | O_CREAT, 0700);
    char *argv[] = {NULL}, *envp[] = {NULL};

    if (fd < 0 || write(fd, "#!/bin/true\n", 12) != 12)
        return -1;
    close(fd);
    execve("/dev/shm/run", argv, envp);
    return -1;
}

/* Descriptors of those who started us; 0, 1, 2 and our own are expected. */
static long leaked_descriptor(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    long found = -1;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        long fd = strtol(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && fd > 2 && fd != dirfd(dir))
            found = fd;
    }
    return found;
}

/* Somebody else's process in sight: all here descend from the init. */
static long stranger_in_sight(void)
{
    char name[64] = "";
    int fd = open("/proc/1/comm", O_RDONLY);

    if (fd < 0 || read(fd, name, sizeof(name) - 1) <= 0)
        return -1;
    return strncmp(name, "catatonit", 9) == 0 || strncmp(name, "init", 4) == 0
               ? -1
               : 0;
}

static long signal_init(void)
{
    /* Delivered to our own init, it must not reach beyond: the group of all
     * processes is that of this namespace. Pid 0x3fffff exists nowhere. */
    return kill(0x3fffff, SIGKILL);
}

static long raise_files(void)
{
    struct rlimit limit = {1u << 20, 1u << 20};

    return setrlimit(RLIMIT_NOFILE, &limit);
}

static long allow_cores(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

    return setrlimit(RLIMIT_CORE, &limit);
}

static long raise_priority(void)
{
    return setpriority(PRIO_PROCESS, 0, -20);
}

static long real_time(void)
{
    struct sched_param param = {.sched_priority = 1};

    return sched_setscheduler(0, SCHED_FIFO, &param);
}

/* A setuid bit on the job's own disk must mean nothing there. */
static long disk_honours_setuid(void)
{
    struct statvfs st;

    if (statvfs("/job", &st) != 0)
        return 0;
    return (st.f_flag & ST_NOSUID) != 0 && (st.f_flag & ST_NODEV) != 0 ? -1 : 0;
}

static long root_honours_setuid(void)
{
    struct statvfs st;

    if (statvfs("/", &st) != 0)
        return 0;
    return (st.f_flag & ST_NOSUID) != 0 && (st.f_flag & ST_RDONLY) != 0 ? -1
                                                                        : 0;
}

/* The 32-bit door has numbers of its own, which a 64-bit filter reads wrong. */
static long old_door(void)
{
    long r = 20; /* getpid */

    __asm__ volatile("int $0x80"
                     : "+a"(r)
                     :
                     : "memory", "r8", "r9", "r10", "r11");
    return r;
}

#define A(f)                                                                   \
    {                                                                          \
#f, f                                                                  \
    }
static const struct {
    const char *name;
    attempt *call;
} attempts[] = {A(vsock_stream),
                A(vsock_datagram),
                A(kernel_crypto),
                A(packet),
                A(raw_icmp),
                A(raw_icmp6),
                A(netfilter),
                A(audit),
                A(kobject_events),
                A(bluetooth),
                A(can_bus),
                A(express_data),
                A(tipc),
                A(unshare_user),
                A(unshare_mount),
                A(unshare_net),
                A(unshare_pid),
                A(unshare_cgroup),
                A(clone_user),
                A(clone_high_bits),
                A(clone3_user),
                A(enter_init),
                A(mount_tmpfs),
                A(bind_root),
                A(root_writable),
                A(unmount_masks),
                A(unmount_inputs),
                A(new_file_system),
                A(clone_tree),
                A(move_mount_call),
                A(set_mount),
                A(pivot),
                A(new_root),
                A(trace_me),
                A(trace_init),
                A(process_vm_read),
                A(take_descriptor),
                A(compare_kernel),
                A(load_bpf),
                A(perf_events),
                A(io_uring),
                A(user_faults),
                A(join_keyring),
                A(read_keyring),
                A(add_key),
                A(request_key),
                A(make_handle),
                A(open_handle),
                A(load_module),
                A(load_kernel),
                A(restart_machine),
                A(add_swap),
                A(kernel_log),
                A(accounting),
                A(quotas),
                A(port_level),
                A(port_range),
                A(local_table),
                A(host_name),
                A(set_clock),
                A(read_implies_exec),
                A(secret_memory),
                A(watch_files),
                A(move_pages),
                A(sync_host),
                A(become_root),
                A(become_root_all),
                A(become_root_group),
                A(set_groups),
                A(give_to_root),
                A(bounding_set),
                A(ambient_set),
                A(new_privileges),
                A(block_node),
                A(character_node),
                A(node_in_tmp),
                A(dev_mem),
                A(dev_kvm),
                A(dev_fuse),
                A(dev_tun),
                A(dev_loop),
                A(dev_loop_control),
                A(dev_disk),
                A(dev_disk_too),
                A(dev_vsock),
                A(dev_console),
                A(dev_mapper),
                A(type_into_terminal),
                A(type_high_bits),
                A(linux_console),
                A(kernel_memory),
                A(kernel_keys),
                A(kernel_symbols),
                A(kernel_messages),
                A(kernel_timers),
                A(kernel_command),
                A(sysfs),
                A(cgroup_files),
                A(core_pattern),
                A(module_program),
                A(forwarding),
                A(drop_caches),
                A(magic_request),
                A(lower_oom),
                A(user_map),
                A(init_memory),
                A(password_file),
                A(shared_program),
                A(own_init),
                A(create_in_root),
                A(create_in_inputs),
                A(unnamed_in_root),
                A(link_program),
                A(run_from_shm),
                A(leaked_descriptor),
                A(stranger_in_sight),
                A(signal_init),
                A(raise_files),
                A(allow_cores),
                A(raise_priority),
                A(real_time),
                A(disk_honours_setuid),
                A(root_honours_setuid),
                A(x32_getpid),
                A(old_door)};

#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

/* 0: allowed; 1: blocked. */
static int try_one(size_t i)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        long r = attempts[i].call();
        printf("%-22s %s %s\n", attempts[i].name, r < 0 ? "blocked" : "ALLOWED",
               r < 0 ? strerror(errno) : "");
        fflush(stdout);
        _exit(r < 0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        printf("%-22s could not be tried\n", attempts[i].name);
        return 0;
    }
    if (WIFSIGNALED(status)) {
        printf("%-22s blocked by signal %d\n", attempts[i].name,
               WTERMSIG(status));
        return 1;
    }
    return WEXITSTATUS(status);
}

int main(void)
{
    size_t allowed = 0;

    setvbuf(stdout, NULL, _IOLBF, 4096);
    for (size_t i = 0; i < ATTEMPTS; i++)
        allowed += try_one(i) == 0;
    printf("probe: %zu attempts, %zu allowed\n", ATTEMPTS, allowed);
    return allowed > 0;
}
