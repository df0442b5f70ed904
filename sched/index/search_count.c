#include "sched/index/search_impl.h"

#include "base/check.h"

/* Takes out of an aisle's words who has too little of a dimension: only those
 * between two rungs are looked up. */
static void drop_short(struct search *s, uint32_t dim)
{
    const struct catalog *c = s->catalog;
    const uint64_t *enough = NULL;
    uint32_t may;
    uint32_t does;
    catalog_bracket(c, (enum dimension)dim, s->query->want[dim], &may, &does);
    if (does != BITMAP_COUNT)
        enough = lineup_word(s->order, does, s->aisle);
    for (uint32_t k = 0; k < AISLE_BLOCKS; k++) {
        uint64_t unsure = s->words[k] & ~(enough != NULL ? enough[k] : 0);
        uint32_t first = s->aisle * AISLE_PLACES + k * BLOCK_PLACES;
        for (; unsure != 0; unsure &= unsure - 1) {
            uint32_t at = (uint32_t)__builtin_ctzll(unsure);
            uint32_t slot = s->order->slot_at[first + at];
            if (c->have[dim][slot] < s->query->want[dim])
                s->words[k] &= ~(UINT64_C(1) << at);
        }
    }
}

/* Of a block's word, those that are not too dear, and bear what had to be
 * looked up. */
static uint64_t drop_dear(struct search *s, uint32_t k)
{
    const struct aisle *aisle = &s->order->aisles[s->aisle];
    uint64_t word = s->words[k];
    uint32_t high[TARIFF_PARTS];
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        high[i] = aisle->block_high[i][k];
    if (s->loose == 0 && s->loose_any == 0 &&
        tariff_within(&s->mix, high, s->query->cost_max))
        return word;
    uint32_t first = s->aisle * AISLE_PLACES + k * BLOCK_PLACES;
    for (uint64_t left = word; left != 0; left &= left - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(left);
        struct search_hit hit;
        if (!search_judge(s, first + at, &hit))
            word &= ~(UINT64_C(1) << at);
    }
    return word;
}

uint32_t search_count(struct catalog *catalog, const struct query *query)
{
    struct search s;
    uint32_t count = 0;
    CHECK(search_begin(&s, catalog, ORDER_PRICE, query) == OK);
    for (uint32_t i = 0; i < s.waiting; i++) {
        s.aisle = s.order->heap[i].aisle;
        search_words(&s);
        for (uint32_t k = 0; k < s.inexact_count; k++)
            drop_short(&s, s.inexact[k]);
        for (uint32_t k = 0; k < AISLE_BLOCKS; k++) {
            if (s.words[k] != 0)
                count += (uint32_t)__builtin_popcountll(drop_dear(&s, k));
        }
    }
    return count;
}
