#ifndef TESTS_UNIT_WALLET_FAULTS_H
#define TESTS_UNIT_WALLET_FAULTS_H

/* A disk that fails or a machine that stops at the n-th step: the system calls
 * that change a directory are ours in this executable and count. Include in one
 * source file, before anything else. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault_mode { FAULT_NONE = 0, FAULT_CRASH, FAULT_FAIL };

static struct {
    enum fault_mode mode;
    int at;          /* the step that is hit, from 0 */
    int error;       /* FAULT_FAIL: errno */
    int step;        /* steps so far */
    char trace[256]; /* one letter a step */
} fault;

static void fault_arm(enum fault_mode mode, int at, int error)
{
    memset(&fault, 0, sizeof(fault));
    fault.mode = mode;
    fault.at = at;
    fault.error = error;
}

#define FAULT_EXIT 77

static int fault_hit(char letter)
{
    if (fault.mode == FAULT_NONE)
        return 0;
    if (fault.step < (int)sizeof(fault.trace) - 1)
        fault.trace[fault.step] = letter;
    if (fault.step++ != fault.at)
        return 0;
    if (fault.mode == FAULT_CRASH)
        _exit(FAULT_EXIT);
    errno = fault.error;
    return 1;
}

int fsync(int fd)
{
    return fault_hit('F') ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return fault_hit('R')
               ? -1
               : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flag)
{
    return fault_hit('L')
               ? -1
               : (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flag);
}

int unlinkat(int dir, const char *name, int flag)
{
    return fault_hit('U') ? -1 : (int)syscall(SYS_unlinkat, dir, name, flag);
}

ssize_t write(int fd, const void *data, size_t len)
{
    /* A crash can leave half of a write behind. */
    if (fault.mode == FAULT_CRASH && fault.step == fault.at)
        (void)syscall(SYS_write, fd, data, len / 2);
    return fault_hit('W') ? -1 : (ssize_t)syscall(SYS_write, fd, data, len);
}

#endif
