/* Behaves badly inside a job, one way at a time: bomb WAY [ARGUMENT]. Static.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Forks as fast as it can; every child does the same, deaf to SIGTERM. */
static int forks(const char *unused)
{
    (void)unused;
    (void)signal(SIGTERM, SIG_IGN);
    for (;;)
        (void)fork();
    return 0;
}

static int memory(const char *unused)
{
    (void)unused;
    for (size_t mib = 0;; mib++) {
        char *block = malloc(1 << 20);
        if (block == NULL)
            return 3;
        memset(block, 1, 1 << 20);
        if (mib % 16 == 0)
            (void)!write(1, ".", 1);
    }
}

/* Memory that is no process's: files in a tmpfs, and shared segments. */
static int hidden_memory(const char *unused)
{
    char block[65536];

    (void)unused;
    memset(block, 1, sizeof(block));
    for (int i = 0; i < 64; i++) {
        int fd = memfd_create("hidden", 0);
        for (int k = 0; fd >= 0 && k < 512; k++)
            if (write(fd, block, sizeof(block)) < 0)
                return 4;
    }
    return 0;
}

static int spin(const char *count)
{
    for (long i = 1; i < strtol(count, NULL, 10); i++)
        if (fork() == 0)
            break;
    for (;;)
        ;
    return 0;
}

/* Sits still, holding a secret where others might find it. */
static int secret(const char *text)
{
    int fd = open("/job/secret", O_WRONLY | O_CREAT, 0666);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (fd < 0 || page == MAP_FAILED ||
        write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return 1;
    (void)chmod("/job", 0777);
    (void)chmod("/job/secret", 0666);
    (void)!write(1, "ready\n", 6);
    for (;;)
        pause();
}

static int reached(const char *what)
{
    printf("REACHED %s\n", what);
    fflush(stdout);
    return 1;
}

static int try_connect(int family, int type, const void *address, socklen_t len,
                       const char *what)
{
    int fd = socket(family, type | SOCK_NONBLOCK, 0);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int error = 0, got = 0;
    socklen_t size = sizeof(error);

    if (fd < 0)
        return 0;
    if (connect(fd, address, len) == 0)
        got = type == SOCK_STREAM ? reached(what)
                                  : send(fd, "x", 1, 0) == 1 && reached(what);
    else if (errno == EINPROGRESS && poll(&wait, 1, 300) == 1 &&
             getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
             error == 0)
        got = reached(what);
    close(fd);
    return got;
}

/* A listener waits on the host at this port, and at an abstract name. */
static int network(const char *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((unsigned short)strtol(port, NULL, 10))};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t len;
    int got = 0;

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    got += try_connect(AF_INET, SOCK_STREAM, &in, sizeof(in), "loopback");
    in.sin_addr.s_addr = inet_addr("192.0.2.1");
    got += try_connect(AF_INET, SOCK_STREAM, &in, sizeof(in), "internet");
    got += try_connect(AF_INET, SOCK_DGRAM, &in, sizeof(in), "datagram");
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                      (size_t)snprintf(un.sun_path + 1, 64, "suan-battery-%s",
                                       port));
    got += try_connect(AF_UNIX, SOCK_STREAM, &un, len, "abstract socket");
    printf("%d of 4 reached\n", got);
    return got > 0;
}

/* Outputs that are traps for whoever fetches them. */
static int outputs(const char *unused)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd, bad = 0;

    (void)unused;
    bad |= chdir("/job/out") != 0;
    fd = open("good.txt", O_WRONLY | O_CREAT, 0600);
    bad |= write(fd, "good\n", 5) != 5;
    bad |= symlink("/etc/shadow", "link.txt") != 0;
    bad |= symlink("good.txt", "near-link.txt") != 0;
    bad |= symlink("/", "all") != 0;
    bad |= symlink("../../../../../../etc", "up") != 0;
    bad |= mkfifo("fifo.txt", 0666) != 0;
    fd = open("twin.txt", O_WRONLY | O_CREAT, 0600);
    bad |= link("twin.txt", "twin2.txt") != 0;
    fd = open("sparse.txt", O_WRONLY | O_CREAT, 0600);
    bad |= ftruncate(fd, 14 << 20) != 0;
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "socket.txt");
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bad |= bind(fd, (struct sockaddr *)&un, sizeof(un)) != 0;
    fd = open("line\nbreak.txt", O_WRONLY | O_CREAT, 0600);
    fd = open("bad\xff.txt", O_WRONLY | O_CREAT, 0600);
    bad |= mkdir("dir", 0700) != 0;
    fd = open("dir/deep.txt", O_WRONLY | O_CREAT, 0700);
    bad |= write(fd, "deep\n", 5) != 5;
    for (int i = 0; i < 40 && !bad; i++)
        bad |= mkdir("d", 0700) != 0 || chdir("d") != 0;
    fd = open("buried.txt", O_WRONLY | O_CREAT, 0600);
    return bad;
}

/* A program whose setuid bit came with the image. */
static int setuid_image(const char *unused)
{
    (void)unused;
    printf("uid %d euid %d gid %d egid %d\n", (int)getuid(), (int)geteuid(),
           (int)getgid(), (int)getegid());
    return geteuid() != 1000 || getegid() != 1000 || setuid(0) == 0;
}

/* Makes itself a daemon, twice removed. */
static int daemonise(const char *unused)
{
    (void)unused;
    if (fork() > 0)
        return 0;
    (void)setsid();
    if (fork() > 0)
        _exit(0);
    for (int i = 1; i < 65; i++)
        (void)signal(i, SIG_IGN);
    close(0);
    close(1);
    close(2);
    for (;;)
        sleep(1);
}

static int deaf(const char *unused)
{
    (void)unused;
    for (int i = 1; i < 65; i++)
        (void)signal(i, SIG_IGN);
    for (;;)
        sleep(1);
    return 0;
}

/* Signals everybody there is. */
static int slaughter(const char *unused)
{
    (void)unused;
    (void)kill(-1, SIGKILL);
    for (int pid = 1; pid < 40000; pid++)
        if (pid != getpid())
            (void)kill(pid, SIGKILL);
    return 0;
}

static const struct {
    const char *way;
    int (*call)(const char *);
} ways[] = {
    {"forks", forks},     {"memory", memory},       {"hidden", hidden_memory},
    {"spin", spin},       {"secret", secret},       {"network", network},
    {"outputs", outputs}, {"setuid", setuid_image}, {"daemon", daemonise},
    {"deaf", deaf},       {"slaughter", slaughter}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(argv[1], ways[i].way) == 0)
            return ways[i].call(argc > 2 ? argv[2] : "");
    return 99;
}
