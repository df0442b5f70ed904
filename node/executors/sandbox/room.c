#include "node/executors/sandbox/room.h"

#include <inttypes.h>
#include <sys/statvfs.h>

static uint64_t bytes_free(int fd)
{
    struct statvfs fs;

    if (fstatvfs(fd, &fs) != 0)
        return UINT64_MAX;
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

uint64_t room_left(int fd, uint64_t reserve_bytes)
{
    uint64_t there = bytes_free(fd);

    if (there == UINT64_MAX)
        return there;
    return there > reserve_bytes ? there - reserve_bytes : 0;
}

enum err room_check(int fd, uint64_t reserve_bytes, uint64_t bytes,
                    const char *what, struct fail *fail)
{
    uint64_t there = bytes_free(fd);

    if (there >= reserve_bytes && there - reserve_bytes >= bytes)
        return OK;
    return fail_set(fail, ERR_FULL, what,
                    "make room, or ask for a smaller disk",
                    "disk short: %" PRIu64 " MiB are free, %" PRIu64
                    " MiB the reserve, %" PRIu64 " MiB wanted",
                    there >> 20, reserve_bytes >> 20, bytes >> 20);
}
