#ifndef SCHED_METER_TIER_H
#define SCHED_METER_TIER_H

/* A tier is one of the grades that machines are sold by: small, medium, large,
 * super-large, by what they sustain on matrices. Bounds and precision are
 * configuration, a table of rows {name, lower bound inclusive, precision}; the
 * same card differs by ten times and more between double and half precision, so
 * a bound without its precision says nothing.
 *
 * The default bounds (in single precision: medium from 500 GFLOPS, large from
 * 10 TFLOPS, super-large from 1 PFLOPS) are the ones usually told; no citable
 * source was found: they are unverified. */

#include "sched/grade.h"

#define TIERS_MAX     8u
#define TIER_NAME_MAX 24u /* with its zero */
#define TIER_ERR_MAX  160u

struct tier {
    char name[TIER_NAME_MAX];    /* [a-z0-9-] */
    enum meter_kernel precision; /* METER_FP64, METER_FP32 or METER_INT8 */
    uint64_t least;              /* FLOP/s or OP/s of all cores, inclusive */
};
struct tiers {
    uint32_t count; /* 1..TIERS_MAX; rows grow: whoever reaches a later one is
                       graded by it */
    struct tier rows[TIERS_MAX];
};

#define TIERS_DEFAULT                                                          \
    "small:fp32:0, medium:fp32:500G, large:fp32:10T, super-large:fp32:1P"

/* "NAME:PRECISION:BOUND, ...": BOUND a whole number, then nothing or k, M, G,
 * T, P or E (thousands). Rows of one precision ascend strictly, names differ.
 * ERR_PARSE with `error` saying what and where; out is untouched then. */
MUST_USE enum err tiers_parse(const char *text, struct tiers *out,
                              char error[TIER_ERR_MAX]);
/* "500G", "1200": a whole number, then nothing or k, M, G, T, P or E.
 * ERR_PARSE.
 */
MUST_USE enum err tier_rate_parse(const char *text, uint64_t *out);
/* The last row whose bound the measured figure of all cores reaches. NULL when
 * the figure was not measured (a declared one never grades), or reaches none.
 * Lent from tiers. */
const struct tier *tier_of(const struct tiers *tiers,
                           const struct grade *grade);
/* The same for what a data sheet says of single precision, to be shown beside:
 * only rows in fp32 count. NULL when nothing is declared or no row is reached.
 */
const struct tier *tier_nominal(const struct tiers *tiers, uint64_t flops);

#endif
