#ifndef SCHED_INDEX_TARIFF_H
#define SCHED_INDEX_TARIFF_H

/* A tariff is a price in parts: so much for a core, so much for a GiB of
 * memory. What a task costs there is the sum of the parts, weighted by what it
 * wants, its mix. No single order of tariffs serves all mixes; but a box of
 * tariffs (the least and the most of each part) bounds what any of them costs,
 * for every mix. */

#include <stdbool.h>
#include <stdint.h>

/* symbol, what the price is for: so many of the wanted unit. A row more for
 * each further thing with a price of its own. */
#define TARIFF_MAP(X)                                                          \
    X(TARIFF_CPU, 1000)    /* a core-hour, in thousandths */                   \
    X(TARIFF_MEM, 1024)    /* a GiB-hour, in MiB */                            \
    X(TARIFF_DISK, 1024)   /* a GiB-hour, in MiB */                            \
    X(TARIFF_DEVICE, 1000) /* a device-hour, in thousandths; of several models \
                              the cheapest: then a cost is a lower bound */

#define X(symbol, unit) symbol,
enum tariff_part { TARIFF_MAP(X) TARIFF_PARTS };
#undef X

struct tariff {
    uint64_t part[TARIFF_PARTS]; /* micro-credits per unit and hour */
};

/* The least and the most of each part among some tariffs. Cut to 32 bits, which
 * keeps them bounds: a `high` of UINT32_MAX says nothing. */
struct tariff_box {
    uint32_t low[TARIFF_PARTS];
    uint32_t high[TARIFF_PARTS];
};
static inline uint32_t tariff_cut(uint64_t part)
{
    return part < UINT32_MAX ? (uint32_t)part : UINT32_MAX;
}
void tariff_box_init(struct tariff_box *box); /* of none */
void tariff_box_add(struct tariff_box *box, const struct tariff *tariff);

/* What a task wants of each part, made ready: weights are wants over a common
 * unit, cut to TARIFF_WEIGHT_BITS by a shift. */
#define TARIFF_WEIGHT_BITS 29
struct tariff_mix {
    uint64_t want[TARIFF_PARTS];
    uint32_t weight[TARIFF_PARTS]; /* rounded down */
    unsigned shift;                /* > 0: they were cut */
};
void tariff_mix_init(struct tariff_mix *mix, const uint64_t want[TARIFF_PARTS]);

/* What an hour costs, each part rounded up to a micro-credit. False when the
 * sum does not fit; then out is untouched. */
bool tariff_cost(const struct tariff_mix *mix, const struct tariff *tariff,
                 uint64_t *out);

/* Bounds, in the mix's own scale. A tariff of the box costs more than `cost` if
 * tariff_floor(box) > tariff_scale(cost): with three multiplications a box. */
uint64_t tariff_scale(const struct tariff_mix *mix, uint64_t cost);
static inline uint64_t tariff_floor(const struct tariff_mix *mix,
                                    const uint32_t low[TARIFF_PARTS])
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        sum += (uint64_t)low[i] * mix->weight[i];
    return sum;
}
/* The other way round: a sum over all parts of (weight + 1 if the mix was cut)
 * times the price that is no more than this costs at most `cost`. */
uint64_t tariff_scale_sure(const struct tariff_mix *mix, uint64_t cost);
/* What a tariff with that floor costs at least. */
uint64_t tariff_unscale(const struct tariff_mix *mix, uint64_t floor);
/* Does no tariff with these highs cost more than `cost`? False when it is not
 * known. */
bool tariff_within(const struct tariff_mix *mix,
                   const uint32_t high[TARIFF_PARTS], uint64_t cost);

/* A bill: an hour's cost for so long, and what it may be at most. */
struct tariff_bill {
    uint64_t num; /* it is ceil(cost * num / den) */
    uint64_t den; /* > 0 */
    uint64_t cap; /* 0 = none stated */
};
/* UINT64_MAX where it does not fit. */
uint64_t tariff_bill_of(const struct tariff_bill *bill, uint64_t cost);
/* The most an hour may cost so that the bill is a number and within its cap. */
uint64_t tariff_bill_cost_max(const struct tariff_bill *bill);

#endif
