#include "sched/index/survey_impl.h"

#include "base/check.h"

/* Bounds of what an hour costs, in the mix's own scale: above `dear` it is too
 * much, up to `sure` it is not. */
struct cap {
    uint64_t dear;
    uint64_t sure;
    uint32_t up[TARIFF_PARTS]; /* weights, rounded up */
};

static struct cap cap_of(const struct surveying *x)
{
    struct cap cap = {.dear = tariff_scale(&x->mix, x->cost_max),
                      .sure = tariff_scale_sure(&x->mix, x->cost_max)};
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        cap.up[i] = x->mix.weight[i] + (x->mix.shift > 0);
    return cap;
}

/* Adds up the prices of 64 places or boxes, weighted. */
static void sums_of(const uint32_t weight[TARIFF_PARTS],
                    const uint32_t part[TARIFF_PARTS][LANES],
                    uint64_t out[LANES])
{
    uint64_t by = weight[0];
    for (unsigned k = 0; k < LANES; k++)
        out[k] = by * part[0][k];
    for (unsigned i = 1; i < TARIFF_PARTS; i++) {
        by = weight[i];
        for (unsigned k = 0; by > 0 && k < LANES; k++)
            out[k] += by * part[i][k];
    }
}

/* Those whose sum is above a bound. */
static uint64_t above(const uint64_t sums[LANES], uint64_t bound)
{
    uint64_t bits = 0;
    for (unsigned k = 0; k < LANES; k++)
        bits |= (uint64_t)(sums[k] > bound) << k;
    return bits;
}

/* Those of which a part that counts was cut: their sum says nothing from
 * above. */
static uint64_t cut_ones(const uint32_t weight[TARIFF_PARTS],
                         const uint32_t part[TARIFF_PARTS][LANES])
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint32_t most = 0;
        for (unsigned k = 0; k < LANES; k++)
            most = part[i][k] > most ? part[i][k] : most;
        if (weight[i] == 0 || most < UINT32_MAX)
            continue;
        for (unsigned k = 0; k < LANES; k++)
            bits |= (uint64_t)(part[i][k] == UINT32_MAX) << k;
    }
    return bits;
}

/* What an hour costs; false when it is no number or above the most. */
static bool pays(const struct surveying *x, uint32_t slot)
{
    uint64_t cost;
    return tariff_cost(&x->mix, &x->c->tariffs[slot], &cost) &&
           cost <= x->cost_max;
}

/* Of a block that the cap cuts: by the prices of its places, and where these
 * are too near to it by the columns. */
static uint64_t too_dear(const struct surveying *x, const struct cap *cap,
                         uint32_t word)
{
    const struct block_prices *prices = &x->order->prices[word];
    const uint32_t *slots = &x->order->slot_at[(size_t)word * BLOCK_PLACES];
    uint64_t sums[LANES];
    sums_of(x->mix.weight, prices->part, sums);
    uint64_t fails = above(sums, cap->dear);
    if (x->mix.shift > 0)
        sums_of(cap->up, prices->part, sums);
    uint64_t unsure = above(sums, cap->sure) | cut_ones(cap->up, prices->part);
    unsure &= x->there[word] & ~fails;
    for (; unsure != 0; unsure &= unsure - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(unsure);
        fails |= (uint64_t)!pays(x, slots[at]) << at;
    }
    return fails & x->there[word];
}

/* Whole aisles and blocks by their boxes; those the cap cuts, by offers. */
void survey_refuse_cost(const struct surveying *x, uint64_t *fails)
{
    const struct cap cap = cap_of(x);
    for (uint32_t i = 0; i < x->order->aisle_count; i++) {
        const struct aisle *aisle = &x->order->aisles[i];
        uint64_t sums[LANES];
        if (tariff_within(&x->mix, aisle->box.high, x->cost_max))
            continue;
        sums_of(cap.up, aisle->block_high, sums);
        uint64_t look =
            above(sums, cap.sure) | cut_ones(cap.up, aisle->block_high);
        sums_of(x->mix.weight, aisle->block_low, sums);
        uint64_t dear = above(sums, cap.dear);
        for (; look != 0; look &= look - 1) {
            uint32_t block = (uint32_t)__builtin_ctzll(look);
            uint32_t word = i * AISLE_BLOCKS + block;
            if (x->there[word] != 0)
                fails[word] |= dear >> block & 1 ? x->there[word]
                                                 : too_dear(x, &cap, word);
        }
    }
}

/* ---- who is cheap enough ---- */

uint64_t survey_bound(const struct surveying *x, uint64_t bill)
{
    struct tariff_bill most = x->survey->bill;
    if (bill == UINT64_MAX)
        return UINT64_MAX;
    most.cap = bill;
    return bill == 0 ? 0 : tariff_scale(&x->mix, tariff_bill_cost_max(&most));
}

uint64_t survey_cheap_blocks(const struct surveying *x, uint32_t aisle,
                             uint64_t bound)
{
    uint64_t sums[LANES];
    const struct aisle *own = &x->order->aisles[aisle];
    if (tariff_floor(&x->mix, own->box.low) > bound)
        return 0;
    sums_of(x->mix.weight, own->block_low, sums);
    return ~above(sums, bound);
}

uint64_t survey_cheap(const struct surveying *x, uint32_t word, uint64_t bits,
                      uint64_t bound)
{
    const struct block_prices *prices = &x->order->prices[word];
    uint64_t cheap = 0;
    for (; bits != 0; bits &= bits - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(bits);
        uint64_t floor = 0;
        for (unsigned i = 0; i < TARIFF_PARTS; i++)
            floor += (uint64_t)x->mix.weight[i] * prices->part[i][at];
        cheap |= (uint64_t)(floor <= bound) << at;
    }
    return cheap;
}
