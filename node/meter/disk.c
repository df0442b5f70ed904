/* The kernels of the disk, past the page cache (O_DIRECT), by the clock: writes
 * in a row with a sync at the end, and single reads of 4 KiB here and there.
 * The file loses its name as soon as it is open, so nothing stays, whatever
 * happens. */

#define _GNU_SOURCE
#include "base/check.h"
#include "base/dice.h"
#include "node/meter/team.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE       (1024u * 1024)
#define PAGE        4096u
#define FILE_FULL   (64u * 1024 * 1024)
#define FILE_QUICK  (16u * 1024 * 1024)
#define READS_FULL  512u
#define READS_QUICK 128u

struct disk {
    int fd;
    uint32_t bytes; /* of the file */
    uint32_t reads;
    uint8_t *piece;
    struct dice dice;
};

static enum err failed(struct bout *bout, const char *what)
{
    int was = errno;
    (void)snprintf(bout->why, sizeof(bout->why), "%s: %s", what, strerror(was));
    return was == ENOSPC || was == EDQUOT ? ERR_FULL
           : was == EINVAL                ? ERR_UNSUPPORTED
                                          : ERR_IO;
}

static enum err write_file(struct bout *bout)
{
    const struct disk *disk = bout->own;
    for (uint32_t at = 0; at < disk->bytes; at += PIECE) {
        ssize_t put = pwrite(disk->fd, disk->piece, PIECE, (off_t)at);
        if (put != (ssize_t)PIECE)
            return failed(bout, "a direct write failed");
    }
    if (fdatasync(disk->fd) != 0)
        return failed(bout, "a sync failed");
    return OK;
}

static enum err read_file(struct bout *bout)
{
    struct disk *disk = bout->own;
    for (uint32_t i = 0; i < disk->reads; i++) {
        uint64_t page = dice_below(&disk->dice, disk->bytes / PAGE);
        if (pread(disk->fd, disk->piece, PAGE, (off_t)(page * PAGE)) !=
            (ssize_t)PAGE)
            return failed(bout, "a direct read failed");
    }
    return OK;
}

static enum err disk_open(struct bout *bout)
{
    char path[1400];
    struct disk *disk = calloc(1, sizeof(*disk));
    bout->own = disk;
    if (disk == NULL)
        return ERR_NOMEM;
    disk->fd = -1;
    if (bout->meter->dir == NULL) {
        (void)snprintf(bout->why, sizeof(bout->why), "no directory (--dir)");
        return ERR_UNSUPPORTED;
    }
    disk->bytes = bout->meter->quick ? FILE_QUICK : FILE_FULL;
    disk->reads = bout->meter->quick ? READS_QUICK : READS_FULL;
    disk->piece = aligned_alloc(PAGE, PIECE);
    if (disk->piece == NULL)
        return ERR_NOMEM;
    dice_init(&disk->dice, clock_now_ns());
    dice_fill(&disk->dice, disk->piece, PIECE); /* nothing to compress */
    (void)snprintf(path, sizeof(path), "%s/meter.tmp", bout->meter->dir);
    disk->fd =
        open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_DIRECT, 0600);
    if (disk->fd < 0)
        return failed(bout, "a file past the page cache cannot be opened");
    (void)unlink(path);
    (void)snprintf(bout->why, sizeof(bout->why), "a file of %u MiB",
                   disk->bytes >> 20);
    return write_file(bout);
}

static enum err disk_lap(struct bout *bout, uint64_t *out_rate)
{
    const struct disk *disk = bout->own;
    uint64_t began = clock_now_ns();
    bool writes = bout->kernel == METER_DISK;
    TRY(writes ? write_file(bout) : read_file(bout));
    *out_rate =
        per_second(writes ? disk->bytes : disk->reads, clock_now_ns() - began);
    return OK;
}

static void disk_close(struct bout *bout)
{
    struct disk *disk = bout->own;
    if (disk != NULL) {
        if (disk->fd >= 0)
            close(disk->fd);
        free(disk->piece);
    }
    free(disk);
}

const struct kernel_ops disk_ops = {disk_open, disk_lap, disk_close};
