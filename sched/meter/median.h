#ifndef SCHED_METER_MEDIAN_H
#define SCHED_METER_MEDIAN_H

/* What several runs of one kernel say: their median, and how far they lie from
 * it. The median absolute deviation does not mind a few runs that something
 * else disturbed; when it is large, most runs were disturbed, and the figure is
 * worth nothing. */

#include <stdbool.h>
#include <stdint.h>

#define MEDIAN_RUNS_MAX      64u
#define MEDIAN_PERMILLE_MOST 50u /* a MAD above is refused */

struct median {
    uint64_t median;
    uint64_t mad;          /* median of |run - median| */
    uint32_t mad_permille; /* of the median, rounded up, at most 1000 */
};

/* Of `count` runs (1..MEDIAN_RUNS_MAX, CHECKed), which are not changed. Of an
 * even count the upper one of the two in the middle. */
void median_of(const uint64_t *runs, uint32_t count, struct median *out);
/* A median of at least 1, and runs that repeat. */
static inline bool median_ok(const struct median *median)
{
    return median->median > 0 && median->mad_permille <= MEDIAN_PERMILLE_MOST;
}

#endif
