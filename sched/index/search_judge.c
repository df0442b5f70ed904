#include "sched/index/search_impl.h"

#include "base/check.h"

/* By its code and rest, where these are exact or differ. */
static bool has_dimension(const struct search *s, uint32_t dim, uint32_t place,
                          uint32_t slot)
{
    uint64_t want = s->query->want[dim];
    const struct figures *own = lineup_figures(s->order, dim);
    if (own != NULL) {
        uint16_t code = amount_code(want);
        if (own->codes[place] != code)
            return own->codes[place] > code;
        if (amount_is_exact(code))
            return own->rests[place] >= amount_rest(want);
    }
    return s->catalog->have[dim][slot] >= want;
}

static bool has_enough(const struct search *s, uint32_t place, uint32_t slot)
{
    for (uint32_t i = 0; i < s->inexact_count; i++) {
        if (!has_dimension(s, s->inexact[i], place, slot))
            return false;
    }
    return true;
}

static bool bears_one(const struct row *row, const struct query_any *any)
{
    for (uint32_t i = 0; i < any->count; i++) {
        if (row_has_tag(row, any->tags[i]))
            return true;
    }
    return false;
}

/* Of the tags that have no bitmap. */
static bool bears_tags(const struct search *s, uint32_t slot)
{
    const struct row *row = &s->catalog->rows[slot];
    const struct query *q = s->query;
    for (uint32_t left = s->loose; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        if (row_has_tag(row, q->tags[i].tag) == q->tags[i].absent)
            return false;
    }
    for (uint32_t left = s->loose_any; left != 0; left &= left - 1) {
        if (!bears_one(row, &q->any[__builtin_ctz(left)]))
            return false;
    }
    return true;
}

/* The tariff of the columns, or the same by place where it was not cut. */
static bool cost_of(const struct search *s, uint32_t place, uint32_t slot,
                    uint64_t *out)
{
    const struct block_prices *prices = s->order->prices;
    struct tariff tariff;
    bool cut = prices == NULL;
    for (unsigned i = 0; !cut && i < TARIFF_PARTS; i++) {
        uint32_t part =
            prices[place / BLOCK_PLACES].part[i][place % BLOCK_PLACES];
        tariff.part[i] = part;
        cut = part == UINT32_MAX;
    }
    return tariff_cost(&s->mix, cut ? &s->catalog->tariffs[slot] : &tariff,
                       out);
}

bool search_judge(const struct search *s, uint32_t place,
                  struct search_hit *out)
{
    uint32_t slot = s->order->slot_at[place];
    uint64_t cost;
    if (!has_enough(s, place, slot) || !bears_tags(s, slot) ||
        !cost_of(s, place, slot, &cost) || cost > s->query->cost_max)
        return false;
    *out = (struct search_hit){.slot = slot, .cost = cost};
    if (s->order->kind != ORDER_PRICE)
        out->key = s->catalog->rows[slot].key[s->order->kind];
    return true;
}
