#include "sched/index/tariff.h"

#include "base/check.h"

/* The common unit: a multiple of every row's. */
#define COMMON 128000u

#define X(symbol, unit)                                                        \
    _Static_assert(COMMON % (unit) == 0, "COMMON is a multiple of all units");
TARIFF_MAP(X)
#undef X
_Static_assert(TARIFF_PARTS <= 8 && TARIFF_WEIGHT_BITS + 32 + 3 <= 64,
               "a floor fits into 64 bits");

__extension__ typedef unsigned __int128 wide;

static const uint32_t units[TARIFF_PARTS] = {
#define X(symbol, unit) [symbol] = (unit),
    TARIFF_MAP(X)
#undef X
};

void tariff_box_init(struct tariff_box *box)
{
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        box->low[i] = UINT32_MAX;
        box->high[i] = 0;
    }
}

void tariff_box_add(struct tariff_box *box, const struct tariff *tariff)
{
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint32_t part = tariff_cut(tariff->part[i]);
        box->low[i] = part < box->low[i] ? part : box->low[i];
        box->high[i] = part > box->high[i] ? part : box->high[i];
    }
}

void tariff_mix_init(struct tariff_mix *mix, const uint64_t want[TARIFF_PARTS])
{
    wide most = 0;
    mix->shift = 0;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        wide weight = (wide)want[i] * (COMMON / units[i]);
        most = weight > most ? weight : most;
    }
    while (most >> mix->shift >= (wide)1 << TARIFF_WEIGHT_BITS)
        mix->shift++;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        mix->want[i] = want[i];
        mix->weight[i] =
            (uint32_t)((wide)want[i] * (COMMON / units[i]) >> mix->shift);
    }
}

/* ceil(price * want / unit); false when it does not fit. */
static bool part_cost(uint64_t price, uint64_t want, uint32_t unit,
                      uint64_t *out)
{
    if ((price | want) >> 31 == 0) {
        *out = (price * want + unit - 1) / unit;
        return true;
    }
    wide sum = ((wide)price * want + unit - 1) / unit;
    if (sum > UINT64_MAX)
        return false;
    *out = (uint64_t)sum;
    return true;
}

bool tariff_cost(const struct tariff_mix *mix, const struct tariff *tariff,
                 uint64_t *out)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint64_t part;
        if (!part_cost(tariff->part[i], mix->want[i], units[i], &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return false;
    }
    *out = sum;
    return true;
}

/* A sum of parts each rounded up is at least the sum itself, and the floor is
 * that with smaller prices and smaller weights: so what costs at most `cost`
 * has a floor of at most cost * COMMON / 2^shift. */
uint64_t tariff_scale(const struct tariff_mix *mix, uint64_t cost)
{
    wide scaled = (wide)cost * COMMON >> mix->shift;
    return scaled < UINT64_MAX ? (uint64_t)scaled : UINT64_MAX;
}

uint64_t tariff_unscale(const struct tariff_mix *mix, uint64_t floor)
{
    wide cost = (((wide)floor << mix->shift) + COMMON - 1) / COMMON;
    return cost < UINT64_MAX ? (uint64_t)cost : UINT64_MAX;
}

/* Weights rounded up, and a micro-credit of rounding for each part. A sum of
 * nothing costs nothing. */
uint64_t tariff_scale_sure(const struct tariff_mix *mix, uint64_t cost)
{
    if (cost < TARIFF_PARTS)
        return 0;
    wide scaled = (wide)(cost - TARIFF_PARTS) * COMMON >> mix->shift;
    return scaled < UINT64_MAX ? (uint64_t)scaled : UINT64_MAX;
}

bool tariff_within(const struct tariff_mix *mix,
                   const uint32_t high[TARIFF_PARTS], uint64_t cost)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint64_t weight = (uint64_t)mix->weight[i] + (mix->shift > 0);
        if (weight > 0 && high[i] == UINT32_MAX)
            return false;
        sum += weight * high[i];
    }
    return sum <= tariff_scale_sure(mix, cost);
}

uint64_t tariff_bill_of(const struct tariff_bill *bill, uint64_t cost)
{
    CHECK(bill->den > 0);
    wide sum = ((wide)cost * bill->num + bill->den - 1) / bill->den;
    return sum < UINT64_MAX ? (uint64_t)sum : UINT64_MAX;
}

/* ceil(cost * num / den) <= cap just when cost * num <= cap * den. */
uint64_t tariff_bill_cost_max(const struct tariff_bill *bill)
{
    uint64_t cap = bill->cap != 0 ? bill->cap : UINT64_MAX;
    CHECK(bill->den > 0);
    if (bill->num == 0)
        return UINT64_MAX;
    wide most = (wide)cap * bill->den / bill->num;
    return most < UINT64_MAX ? (uint64_t)most : UINT64_MAX;
}
