#ifndef TESTS_BENCH_INDEX_BENCH_H
#define TESTS_BENCH_INDEX_BENCH_H

/* What the benches of the index of offers have in common: rows, clocks, prices,
 * a decision and what it takes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/dice.h"
#include "sched/index/search.h"

#define TAGS     4u
#define TAG_ZONE 10u /* and up */

struct shape {
    uint32_t cpu_milli;
    uint64_t mem_mib;
    uint32_t device_milli;
};

struct bench {
    struct catalog *catalog;
    FILE *tsv;
    struct dice dice;
    uint32_t offers;
    struct catalog_row *rows;
    uint64_t (*tags)[TAGS];
};

/* Of this thread: others on the machine do not count. */
static inline double cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

static inline double now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

static inline void must(enum err err, const char *what)
{
    if (err == OK)
        return;
    fprintf(stderr, "%s: %s\n", what, err_text(err));
    exit(1);
}

static inline uint64_t draw(struct bench *b, uint64_t bound)
{
    return dice_below(&b->dice, bound);
}

static inline void row(struct bench *b, const char *set, const char *name,
                       double value, const char *unit, const char *goal,
                       const char *anchor)
{
    char label[96];
    (void)snprintf(label, sizeof(label), "index.%s.%s", set, name);
    printf("%-32s %12.3f %-6s %-8s %s\n", label, value, unit, goal, anchor);
    fflush(stdout);
    if (b->tsv != NULL)
        fprintf(b->tsv, "%s\t%.3f\t%s\t%s\t%s\n", label, value, unit, goal,
                anchor);
}

static inline uint64_t spread(struct bench *b, uint64_t value)
{
    return value * (75 + draw(b, 51)) / 100;
}

static inline void price_draw(struct bench *b, struct tariff *out)
{
    uint64_t level = 50000 + draw(b, 950000);
    out->part[TARIFF_CPU] = spread(b, level);
    out->part[TARIFF_MEM] = spread(b, level / 8);
    out->part[TARIFF_DISK] = spread(b, level / 500);
    out->part[TARIFF_DEVICE] = spread(b, level * 20);
}

static inline bool decide(struct bench *b, const struct query *q,
                          struct search_hit *best)
{
    struct search search;
    struct search_hit hit;
    bool found = false;
    must(search_begin(&search, b->catalog, ORDER_PRICE, q), "search");
    while (search_next(&search, &hit)) {
        if (found && hit.cost >= best->cost)
            continue;
        found = true;
        *best = hit;
        search_stop_above(&search, hit.key, hit.cost);
    }
    return found;
}

static inline void take(struct bench *b, uint32_t slot, struct shape shape,
                        bool back)
{
    uint64_t *have = b->rows[slot].have;
    uint64_t sign = back ? UINT64_MAX : 1;
    have[DIM_CPU_FREE] -= sign * shape.cpu_milli;
    have[DIM_MEM_FREE] -= sign * shape.mem_mib;
    have[DIM_DISK_FREE] -= sign * (have[DIM_DISK_TOTAL] > 0 ? 1024 : 0);
    have[DIM_DEVICE_FREE] -= sign * shape.device_milli;
    have[DIM_SLOTS] -= sign;
    catalog_have_set(b->catalog, slot, DIM_CPU_FREE, have[DIM_CPU_FREE]);
    catalog_have_set(b->catalog, slot, DIM_MEM_FREE, have[DIM_MEM_FREE]);
    catalog_have_set(b->catalog, slot, DIM_DISK_FREE, have[DIM_DISK_FREE]);
    catalog_have_set(b->catalog, slot, DIM_DEVICE_FREE, have[DIM_DEVICE_FREE]);
    catalog_have_set(b->catalog, slot, DIM_SLOTS, have[DIM_SLOTS]);
}

#endif
