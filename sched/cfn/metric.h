#ifndef SCHED_CFN_METRIC_H
#define SCHED_CFN_METRIC_H

/* What is said of an instance: raw figures (level L0) and one score (L2), each
 * with where it comes from. The fields are those of draft-ietf-cats-metric-
 * definition; type, level, unit, statistics and format follow from the row of
 * METRIC_MAP, value and source are said with each figure. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The Source field. What has no source is not known. */
enum metric_source {
    METRIC_UNKNOWN = 0,
    METRIC_NOMINAL = 1,       /* declared, or from a data sheet */
    METRIC_ESTIMATION = 2,    /* computed from something else */
    METRIC_MEASURED = 3,      /* directly measured */
    METRIC_NORMALIZATION = 4, /* brought onto a scale without a unit */
    METRIC_AGGREGATION = 5,   /* put together from several */
};

/* name, type, level, unit, statistics, largest value */
#define METRIC_MAP(X)                                                          \
    /* one request, alone on the instance */                                   \
    X(METRIC_SERVICE, "delay_service", 0, "us", "mean", 3600000000u)           \
    /* share of its slots in use: 1000 is full */                              \
    X(METRIC_LOAD, "compute_load", 0, "permille", "mean", 1000u)               \
    /* requests taken and not yet answered, waiting ones too */                \
    X(METRIC_QUEUE, "compute_in_flight", 0, "none", "cur", 1000000u)           \
    /* requests served at the same time */                                     \
    X(METRIC_SLOTS, "compute_slots", 0, "none", "cur", 1000000u)               \
    /* 0..10, ten is the best */                                               \
    X(METRIC_SCORE, "norm_fi", 2, "none", "cur", 10u)

#define X(name, type, level, unit, statistics, most) name,
enum metric_type { METRIC_MAP(X) METRIC_COUNT };
#undef X

struct metric {
    uint32_t value; /* 0 while unknown */
    enum metric_source source;
};

struct metrics {
    struct metric of[METRIC_COUNT];
};

/* A row of the table; static. */
struct metric_row {
    const char *type;
    unsigned level;
    const char *unit;
    const char *statistics;
    uint32_t most;
};
const struct metric_row *metric_row(enum metric_type type);

/* "directly measured"; static, never NULL. */
const char *metric_source_name(enum metric_source source);
/* The source of that name; ERR_PARSE. */
MUST_USE enum err metric_source_parse(const char *name,
                                      enum metric_source *out);

/* What came from elsewhere: ERR_RANGE for a source or a value outside the
 * table, an unknown figure with a value, a service time of 0, or 0 slots. */
MUST_USE enum err metrics_check(const struct metrics *metrics);

static inline bool metric_known(const struct metrics *metrics,
                                enum metric_type type)
{
    return metrics->of[type].source != METRIC_UNKNOWN;
}

/* Loads above are taken as this one: 1 / (1 - load) makes much of little there,
 * and who trusts it runs from one instance to the next. permille */
#define METRIC_LOAD_MOST 900u

/* How long a request takes there, waiting included: service time / (1 - load),
 * in us, rounded up. False when either is not known, then out_us is untouched.
 */
bool metrics_delay(const struct metrics *metrics, uint64_t *out_us);

/* The score of a delay on a scale that all who compare scores must share: 10 up
 * to best_us, 0 from worst_us on, straight between, rounded down. best_us <
 * worst_us is CHECKed. */
uint32_t metric_score(uint64_t delay_us, uint64_t best_us, uint64_t worst_us);

/* Whether a change is worth telling: a figure became known or unknown, came
 * from elsewhere, or moved by more than a tenth. Loads are compared by what is
 * free, which is what the delay depends on. */
bool metrics_differ(const struct metrics *a, const struct metrics *b);

#endif
