#include "sched/index/catalog_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* An aisle that is built is 7/8 full. */
#define AISLE_FILL (AISLE_PLACES / 8 * 7)

/* ---- memory ---- */

void lineup_done(struct lineup *o)
{
    free(o->words);
    free(o->summaries);
    free(o->aisles);
    free(o->faces);
    for (unsigned i = 0; i < DIM_CODED_COUNT; i++) {
        free(o->figures[i].codes);
        free(o->figures[i].rests);
    }
    free(o->prices);
    free(o->slot_at);
    free(o->place_of);
    free(o->heap);
    *o = (struct lineup){.kind = o->kind};
}

/* Copies `from` over, each bitmap's part to its new place. */
static uint64_t *restride(const uint64_t *from, size_t from_len, size_t to_len)
{
    uint64_t *to = calloc(BITMAP_COUNT * to_len, sizeof(*to));
    for (size_t i = 0; to != NULL && from_len > 0 && i < BITMAP_COUNT; i++)
        memcpy(to + i * to_len, from + i * from_len, from_len * sizeof(*to));
    return to;
}

static enum err grow_copies(struct lineup *o, uint32_t cap)
{
    size_t figures = (size_t)cap * AISLE_PLACES * sizeof(uint16_t);
    void *list;
    for (unsigned i = 0; i < DIM_CODED_COUNT; i++) {
        list = realloc(o->figures[i].codes, figures);
        if (list == NULL)
            return ERR_NOMEM;
        o->figures[i].codes = list;
        list = realloc(o->figures[i].rests, figures);
        if (list == NULL)
            return ERR_NOMEM;
        o->figures[i].rests = list;
    }
    list = realloc(o->prices, (size_t)cap * AISLE_BLOCKS * sizeof(*o->prices));
    if (list == NULL)
        return ERR_NOMEM;
    o->prices = list;
    return OK;
}

static enum err grow_lists(struct lineup *o, uint32_t cap)
{
    void *list = realloc(o->aisles, cap * sizeof(*o->aisles));
    if (list == NULL)
        return ERR_NOMEM;
    o->aisles = list;
    list = realloc(o->faces, cap * sizeof(*o->faces));
    if (list == NULL)
        return ERR_NOMEM;
    o->faces = list;
    list = realloc(o->slot_at, (size_t)cap * AISLE_PLACES * sizeof(uint32_t));
    if (list == NULL)
        return ERR_NOMEM;
    o->slot_at = list;
    if (o->kind == ORDER_PRICE)
        TRY(grow_copies(o, cap));
    list = realloc(o->heap, cap * sizeof(*o->heap));
    if (list == NULL)
        return ERR_NOMEM;
    o->heap = list;
    return OK;
}

static enum err grow_aisles(struct lineup *o, uint32_t cap)
{
    uint32_t old = o->aisle_cap;
    if (cap <= old)
        return OK;
    TRY(grow_lists(o, cap));
    uint64_t *words = restride(o->words, (size_t)old * AISLE_BLOCKS,
                               (size_t)cap * AISLE_BLOCKS);
    uint64_t *summaries = restride(o->summaries, old, cap);
    if (words == NULL || summaries == NULL) {
        free(words);
        free(summaries);
        return ERR_NOMEM;
    }
    free(o->words);
    free(o->summaries);
    o->words = words;
    o->summaries = summaries;
    o->aisle_cap = cap;
    return OK;
}

static enum err grow_places(const struct catalog *c, struct lineup *o)
{
    void *list = realloc(o->place_of, c->slot_cap * sizeof(*o->place_of));
    if (list == NULL)
        return ERR_NOMEM;
    o->place_of = list;
    return OK;
}

/* An eighth more than is used, at least one. */
enum err lineup_reserve(struct catalog *c, struct lineup *o)
{
    if (c->slot_cap > 0)
        TRY(grow_places(c, o));
    if (o->aisle_count < o->aisle_cap)
        return OK;
    return grow_aisles(o, o->aisle_count + 1 + o->aisle_count / 8);
}

enum err lineup_build(struct catalog *c, struct lineup *o)
{
    struct lineup fresh = {.kind = o->kind};
    uint32_t aisles = c->count / AISLE_FILL + 1;
    uint32_t *slots = malloc((c->count + 1) * sizeof(*slots));
    uint32_t count = 0;
    enum err err = slots == NULL ? ERR_NOMEM : grow_aisles(&fresh, aisles + 1);
    if (err == OK)
        err = lineup_reserve(c, &fresh);
    if (err != OK) {
        free(slots);
        lineup_done(&fresh);
        return err;
    }
    for (uint32_t i = 0; i < c->slot_cap; i++) {
        if (c->rows[i].in)
            slots[count++] = i;
    }
    CHECK(count == c->count);
    fresh.built = true;
    lineup_lay(c, &fresh, slots, count, 0, aisles);
    free(slots);
    lineup_done(o);
    *o = fresh;
    return OK;
}

/* ---- bits ---- */

void lineup_flip(struct lineup *o, uint32_t bitmap, uint32_t place, bool on)
{
    uint32_t block = place / BLOCK_PLACES;
    uint64_t *word = lineup_word(o, bitmap, 0) + block;
    uint64_t *summary = lineup_summary(o, bitmap, block / AISLE_BLOCKS);
    uint64_t bit = UINT64_C(1) << place % BLOCK_PLACES;
    uint64_t mark = UINT64_C(1) << block % AISLE_BLOCKS;
    *word = on ? *word | bit : *word & ~bit;
    *summary = *word != 0 ? *summary | mark : *summary & ~mark;
}

void lineup_flip_row(const struct catalog *c, struct lineup *o, uint32_t slot,
                     uint32_t place, bool on)
{
    const struct row *row = &c->rows[slot];
    lineup_flip(o, BITMAP_THERE, place, on);
    for (uint32_t i = 0; i < FLAG_COUNT; i++) {
        if (row->flags >> i & 1)
            lineup_flip(o, BITMAP_FLAGS + i, place, on);
    }
    for (uint32_t i = 0; i < DIM_COUNT; i++) {
        uint32_t reach = ladder_reach(&c->ladders[i], c->have[i][slot]);
        for (uint32_t rung = 0; rung < reach; rung++)
            lineup_flip(o, dim_bitmap[i] + rung, place, on);
    }
    for (uint32_t i = 0; i < CATALOG_SETS; i++) {
        if (c->sets[i].used && row_has_tag(row, c->sets[i].tag))
            lineup_flip(o, BITMAP_SETS + i, place, on);
    }
}

/* Of the bitmaps from the first of a flag, a dimension or a set on, the row is
 * in so many. */
static uint32_t row_reach(const struct catalog *c, uint32_t slot,
                          uint32_t bitmap)
{
    const struct row *row = &c->rows[slot];
    unsigned dim = 0;
    if (bitmap == BITMAP_THERE)
        return 1;
    if (bitmap < BITMAP_RUNGS)
        return row->flags >> (bitmap - BITMAP_FLAGS) & 1;
    if (bitmap >= BITMAP_SETS)
        return c->sets[bitmap - BITMAP_SETS].used &&
               row_has_tag(row, c->sets[bitmap - BITMAP_SETS].tag);
    while (dim_bitmap[dim] != bitmap)
        dim++;
    return ladder_reach(&c->ladders[dim], c->have[dim][slot]);
}

bool row_bitmap(const struct catalog *c, uint32_t slot, uint32_t bitmap)
{
    uint32_t first = bitmap;
    if (bitmap >= BITMAP_RUNGS && bitmap < BITMAP_SETS) {
        unsigned dim = DIM_COUNT - 1;
        while (dim_bitmap[dim] > bitmap)
            dim--;
        first = dim_bitmap[dim];
    }
    return bitmap - first < row_reach(c, slot, first);
}

/* Writes a block's words of some neighbouring bitmaps. */
static void block_write(struct lineup *o, uint32_t bitmap, uint32_t count,
                        uint32_t aisle, uint32_t block, const uint64_t *words)
{
    uint64_t mark = UINT64_C(1) << block;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *summary = lineup_summary(o, bitmap + i, aisle);
        lineup_word(o, bitmap + i, aisle)[block] = words[i];
        *summary = words[i] != 0 ? *summary | mark : *summary & ~mark;
    }
}

/* Rungs reached of one block: bits of rung[k - 1] where the reach is k. */
static void block_refill(const struct catalog *c, struct lineup *o,
                         uint32_t aisle, uint32_t block, uint32_t bitmap,
                         uint32_t count)
{
    uint64_t words[LADDER_RUNGS_MAX] = {0};
    uint64_t there = lineup_word(o, BITMAP_THERE, aisle)[block];
    uint32_t first = aisle * AISLE_PLACES + block * BLOCK_PLACES;
    CHECK(count <= LADDER_RUNGS_MAX);
    for (; there != 0; there &= there - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(there);
        uint32_t reach = row_reach(c, o->slot_at[first + at], bitmap);
        for (uint32_t i = 0; i < reach; i++)
            words[i] |= UINT64_C(1) << at;
    }
    block_write(o, bitmap, count, aisle, block, words);
}

void lineup_refill(const struct catalog *c, struct lineup *o, uint32_t bitmap,
                   uint32_t count)
{
    for (uint32_t aisle = 0; aisle < o->aisle_count; aisle++) {
        for (uint32_t block = 0; block < AISLE_BLOCKS; block++)
            block_refill(c, o, aisle, block, bitmap, count);
    }
}

/* ---- where a newcomer goes ---- */

/* How far outside a box: the key first, then by the price of what is usually
 * wanted. */
struct distance {
    uint64_t key;
    uint64_t price;
};

static uint64_t outside(uint64_t value, uint64_t low, uint64_t high)
{
    if (value < low)
        return low - value;
    return value > high ? value - high : 0;
}

static bool is_nearer(const struct distance *a, const struct distance *b)
{
    return a->key != b->key ? a->key < b->key : a->price < b->price;
}

static uint64_t part_of(const struct tariff *tariff, unsigned i)
{
    return tariff->part[i] < UINT32_MAX ? tariff->part[i] : UINT32_MAX;
}

static struct distance to_aisle(const struct catalog *c, const struct lineup *o,
                                uint32_t slot, const struct aisle *aisle)
{
    const struct tariff *tariff = &c->tariffs[slot];
    struct distance d = {.key = outside(c->rows[slot].key[o->kind],
                                        aisle->key_low, aisle->key_high)};
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        d.price +=
            c->typical[i] *
            outside(part_of(tariff, i), aisle->box.low[i], aisle->box.high[i]);
    return d;
}

static struct distance to_block(const struct catalog *c, const struct lineup *o,
                                uint32_t slot, const struct aisle *aisle,
                                uint32_t block)
{
    const struct tariff *tariff = &c->tariffs[slot];
    uint32_t key = c->rows[slot].key[o->kind];
    struct distance d = {.key =
                             outside(key, aisle->block_key[block], UINT32_MAX)};
    if (d.key == 0 && aisle->block_key[block] != UINT32_MAX)
        d.key = key - aisle->block_key[block];
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        d.price += c->typical[i] * outside(part_of(tariff, i),
                                           aisle->block_low[i][block],
                                           aisle->block_high[i][block]);
    return d;
}

/* The nearest aisle; only those with room, if so asked. */
static uint32_t aisle_for(const struct catalog *c, const struct lineup *o,
                          uint32_t slot, bool room)
{
    uint32_t best = o->aisle_count;
    struct distance least = {UINT64_MAX, UINT64_MAX};
    for (uint32_t i = 0; i < o->aisle_count; i++) {
        const struct aisle *aisle = &o->aisles[i];
        if (room && aisle->room == 0)
            continue;
        struct distance d = to_aisle(c, o, slot, aisle);
        if (best == o->aisle_count || is_nearer(&d, &least)) {
            best = i;
            least = d;
        }
    }
    CHECK(best < o->aisle_count);
    return best;
}

static uint32_t block_for(const struct catalog *c, const struct lineup *o,
                          uint32_t slot, const struct aisle *aisle)
{
    uint64_t left = aisle->room;
    uint32_t best = AISLE_BLOCKS;
    struct distance least = {UINT64_MAX, UINT64_MAX};
    CHECK(left != 0);
    while (left != 0) {
        uint32_t block = (uint32_t)__builtin_ctzll(left);
        struct distance d = to_block(c, o, slot, aisle, block);
        left &= left - 1;
        if (best == AISLE_BLOCKS || is_nearer(&d, &least)) {
            best = block;
            least = d;
        }
    }
    return best;
}

/* One that stands empty, or a new one, which is reserved; aisle_cap if it is
 * not. */
static uint32_t spare_aisle(const struct lineup *o)
{
    for (uint32_t i = 0; i < o->aisle_count; i++) {
        if (o->aisles[i].used == 0)
            return i;
    }
    return o->aisle_count;
}

/* Are three places of four empty? Prices have moved away from most aisles. */
static bool is_sparse(const struct catalog *c, const struct lineup *o)
{
    return o->aisle_count > 4 + 4 * (c->count / AISLE_PLACES);
}

/* Sorts an aisle anew, or into two: itself and a spare one. */
static void aisle_sort(struct catalog *c, struct lineup *o, uint32_t aisle,
                       bool in_two)
{
    uint32_t count = 0;
    for (uint32_t block = 0; block < AISLE_BLOCKS; block++) {
        uint64_t there = lineup_word(o, BITMAP_THERE, aisle)[block];
        uint32_t first = aisle * AISLE_PLACES + block * BLOCK_PLACES;
        for (; there != 0; there &= there - 1)
            c->sorting[count++] =
                o->slot_at[first + (uint32_t)__builtin_ctzll(there)];
    }
    if (!in_two) {
        lineup_lay(c, o, c->sorting, count, aisle, 1);
        return;
    }
    uint32_t spare = spare_aisle(o);
    CHECK(spare < o->aisle_cap);
    uint32_t half = lineup_halve(c, o, c->sorting, count);
    lineup_lay(c, o, c->sorting, half, aisle, 1);
    lineup_lay(c, o, c->sorting + half, count - half, spare, 1);
}

/* Has a part twice the share in the price that it had, or half of it? Parts of
 * less than a thirty-second do not count. */
static bool has_moved(const uint32_t then[TARIFF_PARTS],
                      const uint32_t now[TARIFF_PARTS])
{
    uint64_t all_then = 0;
    uint64_t all_now = 0;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        all_then += then[i];
        all_now += now[i];
    }
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint64_t a =
            then[i] * (all_now >> 6) + (all_then >> 5) * (all_now >> 6);
        uint64_t b =
            now[i] * (all_then >> 6) + (all_now >> 5) * (all_then >> 6);
        if (a > 2 * b || b > 2 * a)
            return true;
    }
    return false;
}

void lineup_adapt(struct catalog *c, struct lineup *o)
{
    if (++o->searches % ADAPT_SEARCHES != 0)
        return;
    uint32_t at = o->searches / ADAPT_SEARCHES % o->aisle_count;
    if (o->aisles[at].used > 0 && has_moved(o->aisles[at].mix, c->typical))
        aisle_sort(c, o, at, false);
}

void lineup_enter(struct catalog *c, struct lineup *o, uint32_t slot)
{
    uint32_t at = aisle_for(c, o, slot, false);
    struct aisle *aisle = &o->aisles[at];
    if (aisle->room == 0 && is_sparse(c, o) && lineup_build(c, o) == OK)
        return; /* it is among all that were laid anew */
    if (aisle->room == 0 && spare_aisle(o) < o->aisle_cap)
        aisle_sort(c, o, at, true);
    else if (aisle->changes >= AISLE_PLACES)
        aisle_sort(c, o, at, false);
    at = aisle_for(c, o, slot, true);
    aisle = &o->aisles[at];
    uint32_t block = block_for(c, o, slot, aisle);
    uint64_t there = lineup_word(o, BITMAP_THERE, at)[block];
    CHECK(~there != 0);
    aisle->changes++;
    lineup_place(c, o, slot,
                 at * AISLE_PLACES + block * BLOCK_PLACES +
                     (uint32_t)__builtin_ctzll(~there));
}

/* ---- leaving ---- */

/* Does the block's box end at this row? Then it may be smaller without it. */
static bool is_at_the_edge(const struct catalog *c, const struct lineup *o,
                           uint32_t slot, const struct aisle *aisle,
                           uint32_t block)
{
    if (o->kind != ORDER_PRICE &&
        c->rows[slot].key[o->kind] == aisle->block_key[block])
        return true;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint64_t part = part_of(&c->tariffs[slot], i);
        if (part == aisle->block_low[i][block] ||
            part == aisle->block_high[i][block])
            return true;
    }
    return false;
}

void lineup_leave(struct catalog *c, struct lineup *o, uint32_t slot)
{
    uint32_t place = o->place_of[slot];
    uint32_t at = place / AISLE_PLACES;
    uint32_t block = place / BLOCK_PLACES % AISLE_BLOCKS;
    struct aisle *aisle = &o->aisles[at];
    lineup_flip_row(c, o, slot, place, false);
    aisle->used--;
    aisle->room |= UINT64_C(1) << block;
    o->place_of[slot] = PLACE_NONE;
    if (is_at_the_edge(c, o, slot, aisle, block))
        lineup_measure(c, o, at, block);
}
