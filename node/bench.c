#include "node/bench.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX  9u
#define SLICE_NS    40000000u /* of the two processor kernels */
#define TRIAD_COUNT (4u * 1024 * 1024)
#define DISK_BYTES  (32u * 1024 * 1024)
#define DISK_PIECE  (1024u * 1024)

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

__extension__ typedef unsigned __int128 wide;

static uint64_t per_second(uint64_t work, uint64_t ns)
{
    return (uint64_t)((wide)work * 1000000000u / (ns > 0 ? ns : 1));
}

static uint64_t int_kernel(void)
{
    uint8_t block[1280];
    uint8_t hash[32];
    uint64_t start = now_ns();
    uint64_t done = 0;
    memset(block, 7, sizeof(block));
    while (now_ns() - start < SLICE_NS) {
        for (int i = 0; i < 200; i++) {
            crypto_generichash(hash, sizeof(hash), block, sizeof(block), NULL,
                               0);
            memcpy(block, hash, sizeof(hash)); /* each needs the one before */
        }
        done += 200 * (sizeof(block) / 128);
    }
    return per_second(done, now_ns() - start);
}

static uint64_t float_kernel(void)
{
    double chain[8];
    volatile double sink;
    double sum = 0;
    uint64_t start = now_ns();
    uint64_t done = 0;
    for (int k = 0; k < 8; k++)
        chain[k] = 1.0 + k * 1e-3;
    while (now_ns() - start < SLICE_NS) {
        for (int i = 0; i < 20000; i++) {
            for (int k = 0; k < 8; k++)
                chain[k] = chain[k] * 0.999999 + 1e-7;
        }
        done += 20000u * 8u * 2u;
    }
    for (int k = 0; k < 8; k++)
        sum += chain[k];
    sink = sum;
    (void)sink;
    return per_second(done, now_ns() - start);
}

static uint64_t triad_kernel(double *a, const double *b, const double *c)
{
    volatile double sink;
    uint64_t start = now_ns();
    uint64_t ns;
    for (size_t i = 0; i < TRIAD_COUNT; i++)
        a[i] = b[i] + 3.0 * c[i];
    ns = now_ns() - start;
    sink = a[TRIAD_COUNT / 2];
    (void)sink;
    return per_second(3u * TRIAD_COUNT * sizeof(double), ns);
}

static enum err write_piece(int fd, const uint8_t *piece)
{
    size_t put = 0;
    while (put < DISK_PIECE) {
        ssize_t n = write(fd, piece + put, DISK_PIECE - put);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
        put += (size_t)n;
    }
    return OK;
}

static enum err disk_kernel(const char *dir, uint64_t *out)
{
    char path[1300];
    uint8_t *piece = malloc(DISK_PIECE);
    enum err err = OK;
    uint64_t start;
    int fd;
    if (piece == NULL)
        return ERR_NOMEM;
    randombytes_buf(piece, DISK_PIECE);
    snprintf(path, sizeof(path), "%s/bench.tmp", dir);
    start = now_ns();
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        err = errno == ENOSPC ? ERR_FULL : ERR_IO;
    for (unsigned i = 0; err == OK && i < DISK_BYTES / DISK_PIECE; i++)
        err = write_piece(fd, piece);
    if (err == OK && fdatasync(fd) != 0)
        err = ERR_IO;
    if (err == OK)
        *out = per_second(DISK_BYTES, now_ns() - start);
    if (fd >= 0)
        close(fd);
    unlink(path);
    free(piece);
    return err;
}

static int compare_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static uint64_t median(uint64_t *values, unsigned count)
{
    qsort(values, count, sizeof(*values), compare_u64);
    return values[count / 2];
}

/* The median; raises *spread to this kernel's deviation if larger. */
static uint64_t settle(uint64_t *values, unsigned count, uint32_t *spread)
{
    uint64_t deviations[ROUNDS_MAX];
    uint64_t middle = median(values, count);
    uint64_t permille;
    for (unsigned i = 0; i < count; i++)
        deviations[i] =
            values[i] > middle ? values[i] - middle : middle - values[i];
    permille = median(deviations, count) * 1000 / (middle > 0 ? middle : 1);
    if (permille > *spread)
        *spread = (uint32_t)(permille > 1000 ? 1000 : permille);
    return middle;
}

static enum err run_triads(uint64_t *values, unsigned rounds)
{
    double *memory = malloc(3u * TRIAD_COUNT * sizeof(double));
    if (memory == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < 3u * TRIAD_COUNT; i++)
        memory[i] = (double)(i & 1023);
    for (unsigned i = 0; i < rounds; i++)
        values[i] = triad_kernel(memory, memory + TRIAD_COUNT,
                                 memory + 2u * TRIAD_COUNT);
    free(memory);
    return OK;
}

enum err bench_run(const char *dir, unsigned rounds, struct bench_result *out)
{
    uint64_t values[4][ROUNDS_MAX];
    struct bench_result result;
    uint64_t start = now_ns();
    CHECK(rounds >= 1 && rounds <= ROUNDS_MAX);
    memset(&result, 0, sizeof(result));
    for (unsigned i = 0; i < rounds; i++) {
        values[0][i] = int_kernel();
        values[1][i] = float_kernel();
        TRY(disk_kernel(dir, &values[3][i]));
    }
    TRY(run_triads(values[2], rounds));
    result.grade.int_ops = settle(values[0], rounds, &result.spread_permille);
    result.grade.float_ops = settle(values[1], rounds, &result.spread_permille);
    result.grade.mem_bps = settle(values[2], rounds, &result.spread_permille);
    result.grade.disk_bps = settle(values[3], rounds, &result.spread_permille);
    result.took_ms = (now_ns() - start) / 1000000;
    *out = result;
    return OK;
}
