/* The kernels of memory: a triad as in STREAM, and a chase of addresses, both
 * over arrays of at least four times the last cache. Where the cap on memory
 * leaves less, there is no figure: it would be one of the cache. */

#include "base/check.h"
#include "base/dice.h"
#include "node/meter/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_TIMES  4u
#define CACHE_GUESS  (32u * 1024 * 1024)
#define ARRAY_LEAST  (16u * 1024 * 1024)
#define STRIDE       64u /* bytes between addresses: a cache line */
#define LOADS_FULL   400000u
#define LOADS_QUICK  100000u
#define TRIAD_PASSES 2u

/* Bytes of one array of `arrays`; 0: the cap is too low. */
static size_t array_bytes(struct bout *bout, unsigned arrays)
{
    uint64_t cache = bout->meter->cache_bytes;
    uint64_t want = CACHE_TIMES * (cache > 0 ? cache : CACHE_GUESS);
    if (want < ARRAY_LEAST)
        want = ARRAY_LEAST;
    want = want / 4096 * 4096;
    if (want * arrays > bout->meter->mem_bytes) {
        (void)snprintf(bout->why, sizeof(bout->why),
                       "%u arrays of %llu MiB, four times the last cache, are "
                       "above the cap of %llu MiB (--mem-mib)",
                       arrays, (unsigned long long)(want >> 20),
                       (unsigned long long)(bout->meter->mem_bytes >> 20));
        return 0;
    }
    (void)snprintf(bout->why, sizeof(bout->why), "arrays of %llu MiB",
                   (unsigned long long)(want >> 20));
    return (size_t)want;
}

/* ---- triad ---- */

struct triad {
    double *memory; /* a, b, c */
    size_t count;   /* of each */
    unsigned threads;
};

static void triad_work(void *ctx, unsigned index)
{
    const struct triad *t = ctx;
    size_t share = t->count / t->threads;
    double *restrict a = t->memory + index * share;
    const double *restrict b = t->memory + t->count + index * share;
    const double *restrict c = t->memory + 2 * t->count + index * share;
    for (unsigned pass = 0; pass < TRIAD_PASSES; pass++) {
        for (size_t i = 0; i < share; i++)
            a[i] = b[i] + 3.0 * c[i];
    }
}

static enum err triad_open(struct bout *bout)
{
    struct triad *t = calloc(1, sizeof(*t));
    size_t len;
    bout->own = t;
    if (t == NULL)
        return ERR_NOMEM;
    len = array_bytes(bout, 3);
    if (len == 0)
        return ERR_UNSUPPORTED;
    t->count = len / sizeof(double);
    t->threads = bout->threads;
    t->memory = aligned_alloc(4096, 3 * len);
    if (t->memory == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < 3 * t->count; i++)
        t->memory[i] = (double)(i & 1023);
    return OK;
}

static enum err triad_lap(struct bout *bout, uint64_t *out_rate)
{
    struct triad *t = bout->own;
    uint64_t work = t->count / t->threads * 3 * sizeof(double) * TRIAD_PASSES;
    enum err err = team_rate(&bout->meter->cpus, bout->threads, triad_work, t,
                             work, out_rate);
    CHECK(t->memory[5] ==
          t->memory[t->count + 5] + 3.0 * t->memory[2 * t->count + 5]);
    return err;
}

static void triad_close(struct bout *bout)
{
    struct triad *t = bout->own;
    if (t != NULL)
        free(t->memory);
    free(t);
}

const struct kernel_ops triad_ops = {triad_open, triad_lap, triad_close};

/* ---- chase ---- */

struct chase {
    uint32_t *memory; /* each STRIDE bytes: the number of the next */
    uint32_t nodes;
    uint32_t loads;
    unsigned threads;
    uint32_t ends[METER_CPUS_MAX]; /* where each stopped */
};

static uint32_t *node_at(const struct chase *chase, uint32_t i)
{
    return chase->memory + (size_t)i * (STRIDE / sizeof(uint32_t));
}

/* One circle through all nodes, in an order without pattern (Sattolo). */
static void lay_circle(struct chase *chase)
{
    struct dice dice;
    dice_init(&dice, 1);
    for (uint32_t i = 0; i < chase->nodes; i++)
        *node_at(chase, i) = i;
    for (uint32_t i = chase->nodes - 1; i > 0; i--) {
        uint32_t *here = node_at(chase, i);
        uint32_t *there = node_at(chase, (uint32_t)dice_below(&dice, i));
        uint32_t swap = *here;
        *here = *there;
        *there = swap;
    }
}

static void chase_work(void *ctx, unsigned index)
{
    struct chase *chase = ctx;
    uint32_t at = chase->ends[index];
    for (uint32_t i = 0; i < chase->loads; i++)
        at = *node_at(chase, at);
    chase->ends[index] = at; /* the next run goes on from there */
}

static enum err chase_open(struct bout *bout)
{
    struct chase *chase = calloc(1, sizeof(*chase));
    size_t len;
    bout->own = chase;
    if (chase == NULL)
        return ERR_NOMEM;
    len = array_bytes(bout, 1);
    if (len == 0)
        return ERR_UNSUPPORTED;
    chase->nodes = (uint32_t)(len / STRIDE);
    chase->loads = bout->meter->quick ? LOADS_QUICK : LOADS_FULL;
    chase->threads = bout->threads;
    chase->memory = aligned_alloc(4096, len);
    if (chase->memory == NULL)
        return ERR_NOMEM;
    lay_circle(chase);
    for (unsigned i = 0; i < chase->threads; i++)
        chase->ends[i] =
            (uint32_t)((uint64_t)chase->nodes * i / chase->threads);
    return OK;
}

static enum err chase_lap(struct bout *bout, uint64_t *out_rate)
{
    struct chase *chase = bout->own;
    return team_rate(&bout->meter->cpus, bout->threads, chase_work, chase,
                     chase->loads, out_rate);
}

static void chase_close(struct bout *bout)
{
    struct chase *chase = bout->own;
    if (chase != NULL)
        free(chase->memory);
    free(chase);
}

const struct kernel_ops chase_ops = {chase_open, chase_lap, chase_close};
