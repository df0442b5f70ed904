#include "sched/index/catalog_impl.h"

#include <string.h>

#include "base/check.h"

/* ---- what must hold ---- */

/* The row is within its block's bounds, and these within their aisle's. */
static void check_box(const struct catalog *c, const struct aisle *aisle,
                      uint32_t block, uint32_t slot)
{
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        CHECK(aisle->block_low[i][block] <= c->tariffs[slot].part[i]);
        CHECK(aisle->block_high[i][block] >= c->tariffs[slot].part[i] ||
              aisle->block_high[i][block] == UINT32_MAX);
        CHECK(aisle->eight_low[i][block / 8] <= aisle->block_low[i][block]);
        CHECK(aisle->box.low[i] <= aisle->eight_low[i][block / 8]);
        CHECK(aisle->box.high[i] >= aisle->block_high[i][block]);
    }
    for (unsigned i = 0; i < DIM_COUNT; i++)
        CHECK(aisle->block_most[i][block] >= c->have[i][slot]);
    CHECK(aisle->block_name[block] <= c->rows[slot].name);
}

/* What stands once more in the order of places is what the columns say. */
static void check_copies(const struct catalog *c, const struct lineup *o,
                         uint32_t slot)
{
    uint32_t place = o->place_of[slot];
    for (unsigned i = 0; i < DIM_COUNT; i++) {
        const struct figures *own = lineup_figures(o, i);
        uint64_t have = c->have[i][slot];
        CHECK(own == NULL || (own->codes[place] == amount_code(have) &&
                              own->rests[place] == amount_rest(have)));
    }
    for (unsigned i = 0; o->prices != NULL && i < TARIFF_PARTS; i++) {
        const uint32_t *parts = o->prices[place / BLOCK_PLACES].part[i];
        CHECK(parts[place % BLOCK_PLACES] ==
              tariff_cut(c->tariffs[slot].part[i]));
    }
}

static void check_place(const struct catalog *c, const struct lineup *o,
                        uint32_t slot)
{
    uint32_t place = o->place_of[slot];
    uint32_t block = place / BLOCK_PLACES % AISLE_BLOCKS;
    const struct aisle *aisle = &o->aisles[place / AISLE_PLACES];
    const struct aisle_face *face = &o->faces[place / AISLE_PLACES];
    CHECK(place < o->aisle_count * AISLE_PLACES && o->slot_at[place] == slot);
    for (uint32_t i = 0; i < BITMAP_COUNT; i++) {
        uint64_t word = lineup_word(o, i, 0)[place / BLOCK_PLACES];
        CHECK((word >> place % BLOCK_PLACES & 1) == row_bitmap(c, slot, i));
    }
    CHECK(aisle->block_key[block] <= c->rows[slot].key[o->kind]);
    CHECK(aisle->eight_key[block / 8] <= aisle->block_key[block]);
    CHECK(aisle->key_low <= aisle->eight_key[block / 8]);
    CHECK(face->key_low == aisle->key_low);
    CHECK(memcmp(face->low, aisle->box.low, sizeof(face->low)) == 0);
    check_copies(c, o, slot);
    check_box(c, aisle, block, slot);
}

/* Nobody else stands anywhere, and summaries are of their words. */
static void check_aisle(const struct lineup *o, uint32_t at, uint32_t *used)
{
    const struct aisle *aisle = &o->aisles[at];
    uint32_t there = 0;
    uint64_t room = 0;
    for (uint32_t block = 0; block < AISLE_BLOCKS; block++) {
        uint64_t word = lineup_word(o, BITMAP_THERE, at)[block];
        there += (uint32_t)__builtin_popcountll(word);
        room |= (uint64_t)(~word != 0) << block;
        for (uint32_t i = 0; i < BITMAP_COUNT; i++) {
            uint64_t own = lineup_word(o, i, at)[block];
            CHECK((own & ~word) == 0);
            CHECK((*lineup_summary(o, i, at) >> block & 1) == (own != 0));
        }
    }
    CHECK(aisle->used == there && aisle->room == room);
    *used += there;
}

static void check_loose(const struct catalog *c)
{
    struct catalog plain = {.count = 0};
    for (unsigned i = 0; i < DIM_COUNT; i++) {
        plain.ladders[i] = c->ladders[i];
        for (uint32_t k = 0; k < c->slot_cap; k++) {
            if (c->rows[k].in)
                catalog_loose_add(&plain, i, c->have[i][k], 1);
        }
        CHECK(memcmp(plain.loose[i], c->loose[i], sizeof(c->loose[i])) == 0);
        CHECK(memcmp(plain.reach[i], c->reach[i], sizeof(c->reach[i])) == 0);
    }
}

void catalog_check(const struct catalog *catalog)
{
    check_loose(catalog);
    for (unsigned k = 0; k < ORDER_COUNT; k++) {
        const struct lineup *o = &catalog->orders[k];
        uint32_t used = 0;
        for (uint32_t i = 0; o->built && i < o->aisle_count; i++)
            check_aisle(o, i, &used);
        CHECK(used == (o->built ? catalog->count : 0));
        for (uint32_t i = 0; o->built && i < catalog->slot_cap; i++) {
            if (catalog->rows[i].in)
                check_place(catalog, o, i);
        }
    }
}
