#include "sched/index/catalog_impl.h"

#include <string.h>

#include "base/check.h"

/* ---- boxes ---- */

static void face_set(struct lineup *o, uint32_t at)
{
    const struct aisle *aisle = &o->aisles[at];
    o->faces[at].key_low = aisle->key_low;
    memcpy(o->faces[at].low, aisle->box.low, sizeof(aisle->box.low));
}

static void block_clear(struct aisle *aisle, uint32_t block)
{
    aisle->block_key[block] = UINT32_MAX;
    aisle->block_name[block] = UINT64_MAX;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        aisle->block_low[i][block] = UINT32_MAX;
        aisle->block_high[i][block] = 0;
    }
    for (unsigned i = 0; i < DIM_COUNT; i++)
        aisle->block_most[i][block] = 0;
}

static void block_add(const struct catalog *c, const struct lineup *o,
                      struct aisle *aisle, uint32_t block, uint32_t slot)
{
    const struct row *row = &c->rows[slot];
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint32_t part = tariff_cut(c->tariffs[slot].part[i]);
        if (part < aisle->block_low[i][block])
            aisle->block_low[i][block] = part;
        if (part > aisle->block_high[i][block])
            aisle->block_high[i][block] = part;
    }
    for (unsigned i = 0; i < DIM_COUNT; i++) {
        if (c->have[i][slot] > aisle->block_most[i][block])
            aisle->block_most[i][block] = c->have[i][slot];
    }
    if (row->key[o->kind] < aisle->block_key[block])
        aisle->block_key[block] = row->key[o->kind];
    if (row->name < aisle->block_name[block])
        aisle->block_name[block] = row->name;
}

/* The lowest of eight blocks. */
static void eight_measure(struct aisle *aisle, uint32_t eight)
{
    aisle->eight_key[eight] = UINT32_MAX;
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        aisle->eight_low[i][eight] = UINT32_MAX;
    for (uint32_t block = 8 * eight; block < 8 * eight + 8; block++) {
        if (aisle->block_key[block] < aisle->eight_key[eight])
            aisle->eight_key[eight] = aisle->block_key[block];
        for (unsigned i = 0; i < TARIFF_PARTS; i++) {
            if (aisle->block_low[i][block] < aisle->eight_low[i][eight])
                aisle->eight_low[i][eight] = aisle->block_low[i][block];
        }
    }
}

/* The highest key is of newcomers and of what was laid; it is not lessened. */
static void aisle_measure(struct aisle *aisle)
{
    tariff_box_init(&aisle->box);
    aisle->key_low = UINT32_MAX;
    for (uint32_t block = 0; block < AISLE_BLOCKS; block++) {
        if (aisle->block_key[block] < aisle->key_low)
            aisle->key_low = aisle->block_key[block];
        for (unsigned i = 0; i < TARIFF_PARTS; i++) {
            if (aisle->block_low[i][block] < aisle->box.low[i])
                aisle->box.low[i] = aisle->block_low[i][block];
            if (aisle->block_high[i][block] > aisle->box.high[i])
                aisle->box.high[i] = aisle->block_high[i][block];
        }
    }
}

void lineup_measure(const struct catalog *c, struct lineup *o, uint32_t aisle,
                    uint32_t block)
{
    uint64_t there = lineup_word(o, BITMAP_THERE, aisle)[block];
    uint32_t first = aisle * AISLE_PLACES + block * BLOCK_PLACES;
    block_clear(&o->aisles[aisle], block);
    for (; there != 0; there &= there - 1)
        block_add(c, o, &o->aisles[aisle], block,
                  o->slot_at[first + (uint32_t)__builtin_ctzll(there)]);
    eight_measure(&o->aisles[aisle], block / 8);
    aisle_measure(&o->aisles[aisle]);
    face_set(o, aisle);
}

void lineup_figure_set(struct lineup *o, unsigned dimension, uint32_t place,
                       uint64_t have)
{
    unsigned coded = dim_codes[dimension];
    if (coded == 0 || o->figures[coded - 1].codes == NULL)
        return;
    o->figures[coded - 1].codes[place] = amount_code(have);
    o->figures[coded - 1].rests[place] = amount_rest(have);
}

static void copies_set(const struct catalog *c, struct lineup *o, uint32_t slot,
                       uint32_t place)
{
    for (unsigned i = 0; i < DIM_COUNT; i++)
        lineup_figure_set(o, i, place, c->have[i][slot]);
    for (unsigned i = 0; o->prices != NULL && i < TARIFF_PARTS; i++)
        o->prices[place / BLOCK_PLACES].part[i][place % BLOCK_PLACES] =
            tariff_cut(c->tariffs[slot].part[i]);
}

void lineup_place(struct catalog *c, struct lineup *o, uint32_t slot,
                  uint32_t place)
{
    struct aisle *aisle = &o->aisles[place / AISLE_PLACES];
    uint32_t block = place / BLOCK_PLACES % AISLE_BLOCKS;
    uint32_t key = c->rows[slot].key[o->kind];
    o->slot_at[place] = slot;
    o->place_of[slot] = place;
    copies_set(c, o, slot, place);
    lineup_flip_row(c, o, slot, place, true);
    block_add(c, o, aisle, block, slot);
    eight_measure(aisle, block / 8);
    tariff_box_add(&aisle->box, &c->tariffs[slot]);
    aisle->key_low = key < aisle->key_low ? key : aisle->key_low;
    aisle->key_high = key > aisle->key_high ? key : aisle->key_high;
    face_set(o, place / AISLE_PLACES);
    aisle->used++;
    if (~lineup_word(o, BITMAP_THERE, place / AISLE_PLACES)[block] == 0)
        aisle->room &= ~(UINT64_C(1) << block);
}

/* ---- sorting: like to like ---- */

#define AXIS_KEY TARIFF_PARTS

struct sorter {
    const struct catalog *c;
    const struct lineup *o;
    unsigned axis;
};

static uint64_t figure(const struct sorter *s, uint32_t slot)
{
    if (s->axis == AXIS_KEY)
        return s->c->rows[slot].key[s->o->kind];
    return tariff_cut(s->c->tariffs[slot].part[s->axis]);
}

static bool is_before(const struct sorter *s, uint32_t a, uint32_t b)
{
    uint64_t x = figure(s, a);
    uint64_t y = figure(s, b);
    return x != y ? x < y : a < b;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t keep = *a;
    *a = *b;
    *b = keep;
}

/* The middle one of three goes to the front. */
static void choose_pivot(const struct sorter *s, uint32_t *slots,
                         uint32_t count)
{
    uint32_t *a = &slots[0];
    uint32_t *b = &slots[count / 2];
    uint32_t *z = &slots[count - 1];
    if (is_before(s, *b, *a))
        swap(a, b);
    if (is_before(s, *z, *b))
        swap(b, z);
    if (is_before(s, *b, *a))
        swap(a, b);
    swap(a, b);
}

/* Brings the `first` lowest to the front. Slots differ, so no two are equal. */
static void select_lowest(const struct sorter *s, uint32_t *slots,
                          uint32_t count, uint32_t first)
{
    while (count > 1 && first > 0 && first < count) {
        choose_pivot(s, slots, count);
        uint32_t low = 1;
        uint32_t high = count - 1;
        while (low <= high) {
            if (is_before(s, slots[low], slots[0]))
                low++;
            else
                swap(&slots[low], &slots[high--]);
        }
        swap(&slots[0], &slots[low - 1]); /* its place: low - 1 before it */
        if (first < low) {
            count = low - 1;
        } else {
            slots += low;
            count -= low;
            first -= low;
        }
    }
}

/* The key while keys differ, then the part that makes most of the price. */
static unsigned widest(const struct catalog *c, const struct lineup *o,
                       const uint32_t *slots, uint32_t count)
{
    struct tariff_box box;
    uint32_t key = c->rows[slots[0]].key[o->kind];
    unsigned axis = 0;
    uint64_t most = 0;
    tariff_box_init(&box);
    for (uint32_t i = 0; i < count; i++) {
        if (c->rows[slots[i]].key[o->kind] != key)
            return AXIS_KEY;
        tariff_box_add(&box, &c->tariffs[slots[i]]);
    }
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint64_t width = (uint64_t)(box.high[i] - box.low[i]) * c->typical[i];
        if (width > most) {
            axis = i;
            most = width;
        }
    }
    return axis;
}

static void split(const struct catalog *c, const struct lineup *o,
                  uint32_t *slots, uint32_t count, uint32_t first)
{
    if (first == 0 || first >= count)
        return;
    const struct sorter s = {c, o, widest(c, o, slots, count)};
    select_lowest(&s, slots, count, first);
}

uint32_t lineup_halve(const struct catalog *c, const struct lineup *o,
                      uint32_t *slots, uint32_t count)
{
    split(c, o, slots, count, count / 2);
    return count / 2;
}

/* So many blocks from `block` on; halved on whole aisles while there are
 * several, so that an aisle is a box, too. */
static void lay(struct catalog *c, struct lineup *o, uint32_t *slots,
                uint32_t count, uint32_t block, uint32_t blocks)
{
    if (count == 0)
        return;
    if (blocks == 1) {
        CHECK(count <= BLOCK_PLACES);
        for (uint32_t i = 0; i < count; i++)
            lineup_place(c, o, slots[i], block * BLOCK_PLACES + i);
        return;
    }
    uint32_t half = blocks / 2;
    if (blocks > AISLE_BLOCKS)
        half = (blocks / AISLE_BLOCKS + 1) / 2 * AISLE_BLOCKS;
    uint32_t first = (uint32_t)((uint64_t)count * half / blocks);
    split(c, o, slots, count, first);
    lay(c, o, slots, first, block, half);
    lay(c, o, slots + first, count - first, block + half, blocks - half);
}

static void copies_clear(struct lineup *o, uint32_t at)
{
    size_t first = (size_t)at * AISLE_PLACES;
    size_t bytes = AISLE_PLACES * sizeof(uint16_t);
    for (unsigned i = 0; i < DIM_CODED_COUNT; i++) {
        if (o->figures[i].codes == NULL)
            continue;
        memset(o->figures[i].codes + first, 0, bytes);
        memset(o->figures[i].rests + first, 0, bytes);
    }
    if (o->prices != NULL)
        memset(&o->prices[(size_t)at * AISLE_BLOCKS], 0,
               AISLE_BLOCKS * sizeof(*o->prices));
}

static void aisle_clear(const struct catalog *c, struct lineup *o, uint32_t at)
{
    struct aisle *aisle = &o->aisles[at];
    for (uint32_t i = 0; i < BITMAP_COUNT; i++) {
        memset(lineup_word(o, i, at), 0, AISLE_BLOCKS * sizeof(uint64_t));
        *lineup_summary(o, i, at) = 0;
    }
    copies_clear(o, at);
    *aisle = (struct aisle){.room = UINT64_MAX, .key_low = UINT32_MAX};
    memcpy(aisle->mix, c->typical, sizeof(aisle->mix));
    tariff_box_init(&aisle->box);
    for (uint32_t block = 0; block < AISLE_BLOCKS; block++)
        block_clear(aisle, block);
    for (uint32_t eight = 0; eight < AISLE_EIGHTS; eight++)
        eight_measure(aisle, eight);
    face_set(o, at);
}

void lineup_lay(struct catalog *c, struct lineup *o, uint32_t *slots,
                uint32_t count, uint32_t aisle, uint32_t aisles)
{
    CHECK(aisle + aisles <= o->aisle_cap);
    CHECK(count <= aisles * AISLE_PLACES);
    for (uint32_t i = aisle; i < aisle + aisles; i++)
        aisle_clear(c, o, i);
    if (o->aisle_count < aisle + aisles)
        o->aisle_count = aisle + aisles;
    lay(c, o, slots, count, aisle * AISLE_BLOCKS, aisles * AISLE_BLOCKS);
}
