/* Each kernel at each width: warm-ups, runs, median, deviation; up to three
 * tries while the runs do not repeat. Lines of JSON as it goes. */

#include "base/check.h"
#include "node/meter/team.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WARMUPS_FULL  3u
#define WARMUPS_QUICK 1u
#define RUNS          7u
#define TRIES         3u

volatile sig_atomic_t meter_stopped;

static const struct kernel_ops *ops_of(enum meter_kernel kernel)
{
    switch (kernel) {
    case METER_SORT:
        return &sort_ops;
    case METER_SHA256:
        return &sha256_ops;
    case METER_FP64:
    case METER_FP32:
    case METER_INT8:
        return &gemm_ops;
    case METER_TRIAD:
        return &triad_ops;
    case METER_CHASE:
        return &chase_ops;
    case METER_DISK:
    case METER_DISK4K:
        return &disk_ops;
    case METER_NET:
    case METER_KERNEL_COUNT:
        break;
    }
    return NULL;
}

static enum err runs(const struct kernel_ops *ops, struct bout *bout,
                     unsigned warmups, struct median *out)
{
    uint64_t rates[RUNS];
    uint64_t spare;
    for (unsigned i = 0; i < warmups; i++) {
        if (meter_stopped)
            return ERR_CANCELLED;
        TRY(ops->lap(bout, &spare));
    }
    for (unsigned i = 0; i < RUNS; i++) {
        if (meter_stopped)
            return ERR_CANCELLED;
        TRY(ops->lap(bout, &rates[i]));
    }
    median_of(rates, RUNS, out);
    return OK;
}

static const char *width_name(enum meter_width width)
{
    return width == METER_ONE ? "one" : "all";
}

/* `why` is ours, or the system's words: nothing in it needs escaping but these.
 */
static void put_text(const char *text)
{
    (void)putchar('"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20)
            (void)putchar(' ');
        else
            (void)putchar(*c);
    }
    (void)putchar('"');
}

static void tell(const struct bout *bout, enum err err,
                 const struct median *spread, unsigned tries)
{
    bool kept = err == OK && median_ok(spread);
    (void)printf("{\"event\":\"kernel\",\"kernel\":\"%s\",\"width\":\"%s\","
                 "\"threads\":%u,\"median\":%" PRIu64 ",\"mad\":%" PRIu64
                 ",\"mad_permille\":%" PRIu32
                 ",\"runs\":%u,\"tries\":%u,\"kept\":%s,\"error\":%d,\"note\":",
                 meter_row(bout->kernel)->name, width_name(bout->width),
                 bout->threads, spread->median, spread->mad,
                 spread->mad_permille, RUNS, tries, kept ? "true" : "false",
                 (int)err);
    put_text(bout->why);
    (void)printf("}\n");
    (void)fflush(stdout);
}

static enum err one_bout(const struct meter *meter, enum meter_kernel kernel,
                         enum meter_width width)
{
    const struct kernel_ops *ops = ops_of(kernel);
    struct bout bout = {.meter = meter, .kernel = kernel, .width = width};
    struct median spread = {0};
    unsigned tries = 0;
    enum err err;
    CHECK(ops != NULL);
    bout.threads = width == METER_ALL ? meter->cpus.count : 1;
    err = ops->open(&bout);
    while (err == OK && tries < TRIES) {
        tries++;
        err = runs(ops, &bout, meter->quick ? WARMUPS_QUICK : WARMUPS_FULL,
                   &spread);
        if (err == OK && median_ok(&spread))
            break;
    }
    ops->close(&bout);
    if (err == ERR_CANCELLED)
        return err;
    tell(&bout, err, &spread, tries);
    return OK; /* what one kernel lacks the next may have */
}

static unsigned count_bouts(uint32_t mask)
{
    unsigned count = 0;
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        if (mask >> k & 1)
            count += meter_scales((enum meter_kernel)k) ? 2 : 1;
    }
    return count;
}

static enum err step(const struct meter *meter, enum meter_kernel kernel,
                     enum meter_width width, unsigned done, unsigned all)
{
    (void)printf("{\"event\":\"progress\",\"kernel\":\"%s\",\"width\":\"%s\","
                 "\"step\":%u,\"steps\":%u}\n",
                 meter_row(kernel)->name, width_name(width), done, all);
    (void)fflush(stdout);
    return one_bout(meter, kernel, width);
}

enum err meter_measure(const struct meter *meter, uint32_t mask)
{
    uint64_t began = clock_now_ns();
    unsigned all;
    unsigned done = 0;
    mask &= ~(UINT32_C(1) << METER_NET); /* the node's links know it */
    all = count_bouts(mask);
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        enum meter_kernel kernel = (enum meter_kernel)k;
        if (!(mask >> k & 1))
            continue;
        TRY(step(meter, kernel, METER_ONE, done++, all));
        if (meter_scales(kernel))
            TRY(step(meter, kernel, METER_ALL, done++, all));
    }
    (void)printf("{\"event\":\"end\",\"cores\":%u,\"quick\":%s,"
                 "\"took_ms\":%" PRIu64 "}\n",
                 meter->cpus.count, meter->quick ? "true" : "false",
                 (clock_now_ns() - began) / 1000000);
    (void)fflush(stdout);
    return OK;
}
