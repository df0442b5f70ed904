#include "sched/index/catalog_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

const uint32_t dim_bitmap[DIM_COUNT] = {
#define X(symbol, rungs, follow, first) [symbol] = BITMAP_OF_##symbol,
    DIM_MAP(X)
#undef X
};

#define X(symbol) [symbol] = CODED_##symbol + 1,
const uint8_t dim_codes[DIM_COUNT] = {DIM_CODED_MAP(X)};
#undef X

static const struct {
    uint32_t rungs;
    enum follow follow;
    uint64_t first;
} dims[DIM_COUNT] = {
#define X(symbol, rungs, follow, first)                                        \
    [symbol] = {rungs, FOLLOW_##follow, first},
    DIM_MAP(X)
#undef X
};

#define X(symbol, rungs, follow, first)                                        \
    _Static_assert((rungs) >= 1 && (rungs) <= LADDER_RUNGS_MAX, "rungs");
DIM_MAP(X)
#undef X
_Static_assert(FLAG_COUNT <= 32, "flags are a mask");

/* What is usually wanted until somebody wanted something: 4 GiB and 10 GiB of
 * disk with a core, and an eighth of a device. */
static const uint32_t usual[TARIFF_PARTS] = {[TARIFF_CPU] = 128000,
                                             [TARIFF_MEM] = 512000,
                                             [TARIFF_DISK] = 1280000,
                                             [TARIFF_DEVICE] = 16000};

/* ---- life ---- */

enum err catalog_new(struct catalog **out)
{
    struct catalog *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return ERR_NOMEM;
    for (unsigned i = 0; i < DIM_COUNT; i++)
        ladder_init(&c->ladders[i], dims[i].rungs, dims[i].first);
    for (unsigned i = 0; i < ORDER_COUNT; i++)
        c->orders[i].kind = (enum order_kind)i;
    memcpy(c->typical, usual, sizeof(usual));
    c->generation = 1;
    enum err err = lineup_build(c, &c->orders[ORDER_PRICE]);
    if (err != OK) {
        catalog_free(c);
        return err;
    }
    *out = c;
    return OK;
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    for (unsigned i = 0; i < ORDER_COUNT; i++)
        lineup_done(&catalog->orders[i]);
    for (unsigned i = 0; i < DIM_COUNT; i++)
        free(catalog->have[i]);
    free(catalog->tariffs);
    free(catalog->rows);
    free(catalog->survey);
    free(catalog);
}

/* ---- rungs ---- */

/* One offer more, or less, that has so much. */
static void loose_add(struct catalog *c, unsigned dim, uint64_t have,
                      uint32_t by)
{
    const struct ladder *ladder = &c->ladders[dim];
    uint32_t reach = ladder_reach(ladder, have);
    c->reach[dim][reach] += by;
    if (reach == 0 ? have > 0 : have != ladder->rung[reach - 1])
        c->loose[dim][reach] += by;
}

static void rungs_move(struct catalog *c, unsigned dim)
{
    memset(c->loose[dim], 0, sizeof(c->loose[dim]));
    memset(c->reach[dim], 0, sizeof(c->reach[dim]));
    for (uint32_t i = 0; i < c->slot_cap; i++) {
        if (c->rows[i].in)
            loose_add(c, dim, c->have[dim][i], 1);
    }
    for (unsigned i = 0; i < ORDER_COUNT; i++) {
        if (c->orders[i].built)
            lineup_refill(c, &c->orders[i], dim_bitmap[dim],
                          c->ladders[dim].cap);
    }
}

void catalog_observe(struct catalog *c, enum dimension dimension,
                     enum follow what, uint64_t amount)
{
    struct ladder *ladder = &c->ladders[dimension];
    if (dims[dimension].follow != what || amount == 0)
        return;
    ladder_observe(ladder, amount);
    if (ladder_review(ladder))
        rungs_move(c, dimension);
}

static void bracket(const struct catalog *c, enum dimension dimension,
                    uint64_t want, uint32_t reach, uint32_t *out_may,
                    uint32_t *out_does)
{
    const struct ladder *ladder = &c->ladders[dimension];
    uint32_t first = dim_bitmap[dimension];
    *out_may = reach > 0 ? first + reach - 1 : BITMAP_THERE;
    *out_does = reach < ladder->count ? first + reach : BITMAP_COUNT;
    if (want == 0 || ladder_on_rung(ladder, want, reach))
        *out_does = *out_may;
    else if (c->loose[dimension][reach] == 0)
        *out_may = *out_does; /* all between have the lower rung: too little */
}

void catalog_bracket(const struct catalog *c, enum dimension dimension,
                     uint64_t want, uint32_t *out_may, uint32_t *out_does)
{
    bracket(c, dimension, want, ladder_reach(&c->ladders[dimension], want),
            out_may, out_does);
}

void catalog_bracket_wanted(struct catalog *c, enum dimension dimension,
                            uint64_t want, uint32_t *out_may,
                            uint32_t *out_does)
{
    struct ladder *ladder = &c->ladders[dimension];
    uint32_t reach = ladder_reach(ladder, want);
    if (dims[dimension].follow == FOLLOW_WANTS && want > 0) {
        ladder_note(ladder, want, ladder_on_rung(ladder, want, reach));
        if (ladder_review(ladder)) {
            rungs_move(c, dimension);
            reach = ladder_reach(ladder, want);
        }
    }
    bracket(c, dimension, want, reach, out_may, out_does);
}

bool catalog_all_reach(const struct catalog *c, enum dimension dimension,
                       uint32_t bitmap)
{
    for (uint32_t i = 0; i <= bitmap - dim_bitmap[dimension]; i++) {
        if (c->reach[dimension][i] > 0)
            return false;
    }
    return true;
}

/* ---- rows ---- */

static enum err columns_grow(struct catalog *c, uint32_t slot)
{
    uint32_t cap = c->slot_cap;
    if (slot < cap)
        return OK;
    cap += cap / 8 + 64;
    cap = slot + 1 > cap ? slot + 1 : cap;
    for (unsigned i = 0; i < DIM_COUNT; i++) {
        void *column = realloc(c->have[i], cap * sizeof(uint64_t));
        if (column == NULL)
            return ERR_NOMEM;
        c->have[i] = column;
    }
    void *tariffs = realloc(c->tariffs, cap * sizeof(*c->tariffs));
    if (tariffs == NULL)
        return ERR_NOMEM;
    c->tariffs = tariffs;
    struct row *rows = realloc(c->rows, cap * sizeof(*rows));
    if (rows == NULL)
        return ERR_NOMEM;
    memset(rows + c->slot_cap, 0, (cap - c->slot_cap) * sizeof(*rows));
    c->rows = rows;
    c->slot_cap = cap;
    return OK;
}

enum err catalog_reserve(struct catalog *catalog, uint32_t slot)
{
    uint32_t before = catalog->slot_cap;
    CHECK(slot < UINT32_MAX - 1);
    TRY(columns_grow(catalog, slot));
    for (unsigned i = 0; i < ORDER_COUNT; i++) {
        struct lineup *o = &catalog->orders[i];
        bool grown = before != catalog->slot_cap || o->place_of == NULL;
        if (o->built && (grown || o->aisle_count == o->aisle_cap))
            TRY(lineup_reserve(catalog, o));
    }
    return OK;
}

bool row_has_tag(const struct row *row, uint64_t tag)
{
    for (uint32_t i = 0; i < row->tag_count; i++) {
        if (row->tags[i] == tag)
            return true;
    }
    return false;
}

bool catalog_has(const struct catalog *catalog, uint32_t slot)
{
    return slot < catalog->slot_cap && catalog->rows[slot].in;
}

static void columns_set(struct catalog *c, uint32_t slot,
                        const struct catalog_row *row)
{
    struct row *own = &c->rows[slot];
    for (unsigned i = 0; i < DIM_COUNT; i++)
        c->have[i][slot] = row->have[i];
    c->tariffs[slot] = row->tariff;
    *own = (struct row){.name = row->name,
                        .tags = row->tags,
                        .tag_count = row->tag_count,
                        .flags = row->flags,
                        .in = true};
    memcpy(own->key, row->key, sizeof(own->key));
}

static bool tags_same(const struct row *own, const struct catalog_row *row)
{
    return own->tag_count == row->tag_count &&
           (own->tag_count == 0 ||
            memcmp(own->tags, row->tags, own->tag_count * sizeof(uint64_t)) ==
                0);
}

/* Does it stay where it is, so that only bits change? */
static bool stays(const struct catalog *c, uint32_t slot,
                  const struct catalog_row *row)
{
    const struct row *own = &c->rows[slot];
    return own->in && own->name == row->name &&
           memcmp(own->key, row->key, sizeof(own->key)) == 0 &&
           memcmp(&c->tariffs[slot], &row->tariff, sizeof(row->tariff)) == 0;
}

static void tags_set(struct catalog *c, uint32_t slot,
                     const struct catalog_row *row)
{
    struct row *own = &c->rows[slot];
    bool same = tags_same(own, row);
    own->tags = row->tags;
    own->tag_count = row->tag_count;
    if (same)
        return;
    c->generation++;
    for (uint32_t i = 0; i < CATALOG_SETS; i++) {
        bool on = c->sets[i].used && row_has_tag(own, c->sets[i].tag);
        for (unsigned k = 0; k < ORDER_COUNT; k++) {
            struct lineup *o = &c->orders[k];
            if (o->built)
                lineup_flip(o, BITMAP_SETS + i, o->place_of[slot], on);
        }
    }
}

static void row_enter(struct catalog *c, uint32_t slot,
                      const struct catalog_row *row)
{
    if (c->rows[slot].in)
        catalog_remove(c, slot);
    columns_set(c, slot, row);
    for (unsigned i = 0; i < DIM_COUNT; i++) {
        loose_add(c, i, row->have[i], 1);
        catalog_observe(c, (enum dimension)i, FOLLOW_HAVES, row->have[i]);
    }
    c->count++;
    c->generation++;
    for (unsigned i = 0; i < ORDER_COUNT; i++) {
        if (c->orders[i].built)
            lineup_enter(c, &c->orders[i], slot);
    }
}

void catalog_put(struct catalog *catalog, uint32_t slot,
                 const struct catalog_row *row)
{
    CHECK(slot < catalog->slot_cap && row->tag_count <= CATALOG_TAGS_MAX);
    CHECK(row->key[ORDER_PRICE] == 0);
    if (!stays(catalog, slot, row)) {
        row_enter(catalog, slot, row);
        return;
    }
    tags_set(catalog, slot, row);
    for (unsigned i = 0; i < DIM_COUNT; i++)
        catalog_have_set(catalog, slot, (enum dimension)i, row->have[i]);
    for (unsigned i = 0; i < FLAG_COUNT; i++)
        catalog_flag_set(catalog, slot, (enum flag)i, row->flags >> i & 1);
}

void catalog_remove(struct catalog *catalog, uint32_t slot)
{
    CHECK(catalog_has(catalog, slot));
    for (unsigned i = 0; i < ORDER_COUNT; i++) {
        if (catalog->orders[i].built)
            lineup_leave(catalog, &catalog->orders[i], slot);
    }
    for (unsigned i = 0; i < DIM_COUNT; i++)
        loose_add(catalog, i, catalog->have[i][slot], UINT32_MAX);
    catalog->rows[slot] = (struct row){0};
    catalog->count--;
}

/* Flips the rungs between two amounts. */
static void rungs_flip(const struct catalog *c, struct lineup *o, uint32_t slot,
                       enum dimension dimension, uint32_t from, uint32_t to)
{
    uint32_t place = o->place_of[slot];
    uint32_t block = place / BLOCK_PLACES % AISLE_BLOCKS;
    uint64_t have = c->have[dimension][slot];
    uint64_t *most =
        &o->aisles[place / AISLE_PLACES].block_most[dimension][block];
    *most = have > *most ? have : *most;
    lineup_figure_set(o, dimension, place, have);
    for (; from < to; from++)
        lineup_flip(o, dim_bitmap[dimension] + from, place, true);
    for (; from > to; from--)
        lineup_flip(o, dim_bitmap[dimension] + from - 1, place, false);
}

void catalog_have_set(struct catalog *catalog, uint32_t slot,
                      enum dimension dimension, uint64_t have)
{
    CHECK(catalog_has(catalog, slot));
    uint64_t before = catalog->have[dimension][slot];
    const struct ladder *ladder = &catalog->ladders[dimension];
    if (have == before)
        return;
    loose_add(catalog, dimension, before, UINT32_MAX);
    loose_add(catalog, dimension, have, 1);
    catalog->have[dimension][slot] = have;
    catalog->generation += have > before;
    for (unsigned i = 0; i < ORDER_COUNT; i++) {
        struct lineup *o = &catalog->orders[i];
        if (o->built)
            rungs_flip(catalog, o, slot, dimension,
                       ladder_reach(ladder, before),
                       ladder_reach(ladder, have));
    }
}

void catalog_flag_set(struct catalog *catalog, uint32_t slot, enum flag flag,
                      bool on)
{
    CHECK(catalog_has(catalog, slot));
    struct row *row = &catalog->rows[slot];
    if (((row->flags & flag_bit(flag)) != 0) == on)
        return;
    row->flags ^= flag_bit(flag);
    catalog->generation++;
    for (unsigned i = 0; i < ORDER_COUNT; i++) {
        struct lineup *o = &catalog->orders[i];
        if (o->built)
            lineup_flip(o, BITMAP_FLAGS + flag, o->place_of[slot], on);
    }
}

void catalog_key_set(struct catalog *catalog, uint32_t slot,
                     enum order_kind order, uint32_t key)
{
    CHECK(catalog_has(catalog, slot) && order != ORDER_PRICE);
    struct lineup *o = &catalog->orders[order];
    if (catalog->rows[slot].key[order] == key)
        return;
    if (o->built)
        lineup_leave(catalog, o, slot);
    catalog->rows[slot].key[order] = key;
    if (o->built)
        lineup_enter(catalog, o, slot);
}

/* ---- what is asked ---- */

enum err catalog_order(struct catalog *c, enum order_kind kind,
                       struct lineup **out)
{
    struct lineup *o = &c->orders[kind];
    if (!o->built)
        TRY(lineup_build(c, o));
    *out = o;
    return OK;
}

/* How often the tag, which has no set, was named of late. Of two that share a
 * cell the one that is named more holds it. */
static uint32_t wish(struct catalog *c, uint64_t tag)
{
    uint32_t at = (uint32_t)(tag % SET_WISHES);
    if (c->wishes[at].tag == tag)
        return ++c->wishes[at].count;
    if (c->wishes[at].count > 0) {
        c->wishes[at].count--;
        return 0;
    }
    c->wishes[at].tag = tag;
    c->wishes[at].count = 1;
    return 1;
}

static void names_fade(struct catalog *c)
{
    if (++c->named % SET_PERIOD != 0)
        return;
    for (uint32_t i = 0; i < CATALOG_SETS; i++)
        c->sets[i].count /= 2;
    for (uint32_t i = 0; i < SET_WISHES; i++)
        c->wishes[i].count /= 2;
}

static void set_make(struct catalog *c, uint32_t set, uint64_t tag)
{
    uint32_t *wishes = &c->wishes[tag % SET_WISHES].count;
    c->sets[set].tag = tag;
    c->sets[set].used = true;
    c->sets[set].count = *wishes + 1;
    *wishes = 0;
    for (unsigned i = 0; i < ORDER_COUNT; i++) {
        if (c->orders[i].built)
            lineup_refill(c, &c->orders[i], BITMAP_SETS + set, 1);
    }
}

uint32_t catalog_set_of(struct catalog *c, uint64_t tag)
{
    uint32_t least = 0;
    names_fade(c);
    for (uint32_t i = 0; i < CATALOG_SETS; i++) {
        if (c->sets[i].used && c->sets[i].tag == tag) {
            c->sets[i].count++;
            return BITMAP_SETS + i;
        }
        if (c->sets[least].used &&
            (!c->sets[i].used || c->sets[i].count < c->sets[least].count))
            least = i;
    }
    if (c->sets[least].used &&
        (c->held || wish(c, tag) <= 2 * c->sets[least].count + SET_MORE))
        return BITMAP_COUNT;
    set_make(c, least, tag);
    return BITMAP_SETS + least;
}

/* ---- looking at it ---- */

uint32_t catalog_count(const struct catalog *catalog)
{
    return catalog->count;
}

uint64_t catalog_have(const struct catalog *catalog, uint32_t slot,
                      enum dimension dimension)
{
    CHECK(catalog_has(catalog, slot));
    return catalog->have[dimension][slot];
}

bool catalog_flag(const struct catalog *catalog, uint32_t slot, enum flag flag)
{
    CHECK(catalog_has(catalog, slot));
    return catalog->rows[slot].flags & flag_bit(flag);
}

uint64_t catalog_generation(const struct catalog *catalog)
{
    return catalog->generation;
}

size_t catalog_column_bytes(const struct catalog *catalog)
{
    size_t row = DIM_COUNT * sizeof(uint64_t) + sizeof(struct tariff) +
                 sizeof(struct row);
    size_t place = DIM_CODED_COUNT * 2 * sizeof(uint16_t) +
                   sizeof(struct block_prices) / BLOCK_PLACES;
    return catalog->slot_cap * row +
           catalog->orders[ORDER_PRICE].aisle_cap * AISLE_PLACES * place;
}

size_t catalog_order_bytes(const struct catalog *catalog, enum order_kind order)
{
    const struct lineup *o = &catalog->orders[order];
    size_t words = (size_t)BITMAP_COUNT * (AISLE_BLOCKS + 1) * sizeof(uint64_t);
    size_t aisle = words + AISLE_PLACES * sizeof(uint32_t) +
                   sizeof(struct aisle) + sizeof(struct aisle_face) +
                   sizeof(struct aisle_bound);
    if (!o->built)
        return 0;
    return o->aisle_cap * aisle + catalog->slot_cap * sizeof(uint32_t);
}

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
                loose_add(&plain, i, c->have[i][k], 1);
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
