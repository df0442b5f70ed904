/* links: ledger */
/* The safety log against the disk under it: what an append and its sync cost,
 * beside a plain write and fdatasync of as many bytes, in turns, in the same
 * directory.
 *
 *   bench_wal [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The goal is
 * a factor over the anchor's median; what a sync costs is the disk's affair. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/check.h"
#include "ledger/disk/wal.h"

#define RUNS_MAX 2000u

struct load {
    const char *name;
    uint32_t bytes; /* of the body */
    uint32_t runs;
    const char *goal;
};

/* A vote, a vote with its frame, a certificate, a block (which is hashed at
 * about the speed at which a fast disk writes it). */
static const struct load loads[] = {
    {"150B", 150, 2000, "1.25"},
    {"300B", 300, 2000, "1.25"},
    {"4kB", 4096, 1000, "1.25"},
    {"512kB", 512 * 1024, 150, "1.50"},
};

struct bench {
    char dir[200];
    char plain_path[256];
    struct wal *wal;
    int plain_fd;
    off_t plain_at;
    FILE *tsv;
    uint8_t bytes[WAL_BYTES_MAX];
};

static double now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec * 1e-6;
}

static void must(enum err err, const char *what)
{
    if (err == OK)
        return;
    fprintf(stderr, "bench_wal: %s: %s\n", what, err_text(err));
    exit(1);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double *values, size_t count, size_t percent)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return values[count * percent / 100];
}

static void row(struct bench *b, const char *what, const char *name,
                double value, const char *unit, const char *goal,
                const char *anchor)
{
    char full[64];
    snprintf(full, sizeof(full), "%s_%s", what, name);
    printf("%-32s %12.3f %-6s %-8s %s\n", full, value, unit, goal, anchor);
    if (b->tsv != NULL)
        fprintf(b->tsv, "%s\t%.3f\t%s\t%s\t%s\n", full, value, unit, goal,
                anchor);
}

static enum err count_record(void *ctx, uint64_t seq, uint8_t type,
                             struct bytes body)
{
    uint64_t *count = ctx;
    (void)seq;
    (void)type;
    (void)body;
    ++*count;
    return OK;
}

/* ---- what is measured ---- */

static double log_once(struct bench *b, uint32_t len)
{
    uint64_t seq;
    double start = now_ms();
    must(wal_append(b->wal, 1, bytes_make(b->bytes, len), &seq), "append");
    must(wal_sync(b->wal), "sync");
    double spent = now_ms() - start;
    if (seq % 64 == 0)
        wal_trim(b->wal, seq);
    return spent;
}

/* The anchor: a file with room for all, as the log's segments are. */
static double plain_once(struct bench *b, uint32_t len)
{
    if (b->plain_at + (off_t)len > (off_t)WAL_SEGMENT_BYTES) {
        close(b->plain_fd);
        b->plain_fd = -1;
    }
    if (b->plain_fd < 0) {
        b->plain_fd = open(b->plain_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        CHECK(b->plain_fd >= 0);
        CHECK(posix_fallocate(b->plain_fd, 0, WAL_SEGMENT_BYTES) == 0);
        CHECK(fsync(b->plain_fd) == 0);
        b->plain_at = 0;
    }
    double start = now_ms();
    CHECK(pwrite(b->plain_fd, b->bytes, len, b->plain_at) == (ssize_t)len);
    CHECK(fdatasync(b->plain_fd) == 0);
    b->plain_at += (off_t)len;
    return now_ms() - start;
}

static void measure(struct bench *b, const struct load *load)
{
    static double logged[RUNS_MAX];
    static double plain[RUNS_MAX];
    CHECK(load->runs <= RUNS_MAX);
    for (uint32_t i = 0; i < load->runs; i++) {
        logged[i] = log_once(b, load->bytes);
        plain[i] = plain_once(b, load->bytes + WAL_RECORD_HEAD);
    }
    double median = percentile(logged, load->runs, 50);
    double anchor = percentile(plain, load->runs, 50);
    row(b, "wal_p50", load->name, median, "ms", "-", "append and sync");
    row(b, "plain_p50", load->name, anchor, "ms", "-", "pwrite and fdatasync");
    row(b, "wal_p99", load->name, percentile(logged, load->runs, 99), "ms", "-",
        "append and sync");
    row(b, "plain_p99", load->name, percentile(plain, load->runs, 99), "ms",
        "-", "pwrite and fdatasync");
    row(b, "wal_ratio", load->name, median / anchor, "1", load->goal,
        "plain_p50");
}

/* What it costs without a disk: one loop turn of a busy validator. */
static void measure_append(struct bench *b)
{
    const uint32_t runs = 20000;
    uint64_t seq;
    double spent = 0;
    for (uint32_t i = 0; i < runs; i++) {
        double start = now_ms();
        must(wal_append(b->wal, 1, bytes_make(b->bytes, 150), &seq), "append");
        spent += now_ms() - start;
        if (i % 1000 == 999)
            must(wal_sync(b->wal), "sync");
    }
    row(b, "wal_append", "150B", spent * 1e3 / runs, "us", "2.0", "no sync");
}

/* A segment full of votes, and one full of blocks, as after a crash. */
static void measure_open(struct bench *b, const struct wal_owner *owner,
                         const char *name, uint32_t len)
{
    struct wal_report report;
    uint64_t count = 0;
    uint64_t seq = 0;
    must(wal_open(b->dir, owner, count_record, &count, &report, &b->wal),
         "open");
    wal_trim(b->wal, wal_last(b->wal));
    for (uint32_t done = 0; done < WAL_SEGMENT_BYTES - (1u << 20);
         done += len + WAL_RECORD_HEAD)
        must(wal_append(b->wal, 1, bytes_make(b->bytes, len), &seq), "append");
    must(wal_sync(b->wal), "sync");
    wal_trim(b->wal, seq);
    wal_close(b->wal);
    double start = now_ms();
    must(wal_open(b->dir, owner, count_record, &count, &report, &b->wal),
         "open");
    row(b, "wal_open", name, now_ms() - start, "ms", "100",
        "a segment of such records");
    wal_close(b->wal);
    b->wal = NULL;
}

/* ---- the room for it ---- */

static void bench_open(struct bench *b, const struct wal_owner *owner)
{
    struct wal_report report;
    uint64_t count = 0;
    const char *tmp = getenv("TMPDIR");
    snprintf(b->dir, sizeof(b->dir), "%s/suan-bench-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(b->dir) != NULL);
    snprintf(b->plain_path, sizeof(b->plain_path), "%s/plain", b->dir);
    b->plain_fd = -1;
    randombytes_buf(b->bytes, sizeof(b->bytes));
    must(wal_create(b->dir, owner), "create");
    must(wal_open(b->dir, owner, count_record, &count, &report, &b->wal),
         "open");
}

static void bench_close(struct bench *b, const struct wal_owner *owner)
{
    struct wal_report report;
    uint64_t count = 0;
    char path[300];
    close(b->plain_fd);
    unlink(b->plain_path);
    must(wal_open(b->dir, owner, count_record, &count, &report, &b->wal),
         "open");
    uint64_t last = wal_last(b->wal);
    wal_trim(b->wal, last);
    wal_close(b->wal);
    for (uint64_t first = report.first_seq; first <= last + 1; first++) {
        snprintf(path, sizeof(path), "%s/wal-%016llx", b->dir,
                 (unsigned long long)first);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/wal.lock", b->dir);
    unlink(path);
    rmdir(b->dir);
}

int main(int argc, char **argv)
{
    static const struct wal_owner owner = {.key = {{1}}, .chain = {{2}}};
    static struct bench b;
    if (argc > 1 && (b.tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    CHECK(sodium_init() >= 0);
    if (b.tsv != NULL)
        fprintf(b.tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    bench_open(&b, &owner);
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
        measure(&b, &loads[i]);
    measure_append(&b);
    wal_close(b.wal);
    b.wal = NULL;
    measure_open(&b, &owner, "150B", 150);
    measure_open(&b, &owner, "512kB", 512 * 1024);
    bench_close(&b, &owner);
    if (b.tsv != NULL)
        fclose(b.tsv);
    return 0;
}
