#ifndef SCHED_INDEX_CATALOG_IMPL_H
#define SCHED_INDEX_CATALOG_IMPL_H

/* The inside of the catalog, shared by sched/index/ *.c alone. */

#include "sched/index/catalog.h"
#include "sched/index/ladder.h"
#include "sched/index/lanes.h"

#define BLOCK_PLACES 64u /* a word */
#define AISLE_BLOCKS 64u /* a word of a summary */
#define AISLE_EIGHTS (AISLE_BLOCKS / 8)
#define AISLE_PLACES (BLOCK_PLACES * AISLE_BLOCKS)
#define PLACE_NONE   UINT32_MAX
/* Answers "nobody" that are remembered. */
#define NOWHERE_MAX 64u
/* A tag gets a set while there is a free one; else once it was named twice as
 * often as that of the set named least, and some more. Counts are halved after
 * so many names. */
#define SET_WISHES 256u
#define SET_MORE   16u
#define SET_PERIOD 4096u

#define ADAPT_SEARCHES 256u

/* Bitmaps by number: who is there, flags, rungs by dimension, sets. */
enum {
    BITMAP_THERE = 0,
    BITMAP_FLAGS = 1,
    BITMAP_RUNGS = BITMAP_FLAGS + FLAG_COUNT,
    BITMAP_BEFORE_RUNGS = BITMAP_RUNGS - 1,
#define X(symbol, rungs, follow, first)                                        \
    BITMAP_OF_##symbol, BITMAP_LAST_##symbol = BITMAP_OF_##symbol + (rungs)-1,
    DIM_MAP(X)
#undef X
        BITMAP_SETS,
    BITMAP_COUNT = BITMAP_SETS + CATALOG_SETS
};
extern const uint32_t dim_bitmap[DIM_COUNT]; /* of its first rung */
extern const uint8_t dim_codes[DIM_COUNT];   /* 1 + its figures; 0 = none */

/* A aisle's boxes: of itself, and of each of its blocks. */
struct aisle {
    uint32_t used;    /* places */
    uint32_t changes; /* newcomers since it was sorted */
    uint64_t room;    /* blocks with a free place */
    uint32_t key_low;
    uint32_t key_high;
    uint32_t mix[TARIFF_PARTS]; /* catalog->typical when it was sorted */
    struct tariff_box box;
    /* of each eight blocks, so that not all need be looked at */
    uint32_t eight_key[AISLE_EIGHTS];
    uint32_t eight_low[TARIFF_PARTS][AISLE_EIGHTS];
    uint32_t block_key[AISLE_BLOCKS]; /* the lowest */
    uint32_t block_low[TARIFF_PARTS][AISLE_BLOCKS];
    uint32_t block_high[TARIFF_PARTS][AISLE_BLOCKS];
    /* no less than anybody has, no more than any name */
    uint64_t block_most[DIM_COUNT][AISLE_BLOCKS];
    uint64_t block_name[AISLE_BLOCKS];
};

/* What a search asks of every aisle: they lie side by side. */
struct aisle_face {
    uint32_t key_low;
    uint32_t low[TARIFF_PARTS];
};

/* The tariffs of a block's places, cut to 32 bits. */
struct block_prices {
    uint32_t part[TARIFF_PARTS][BLOCK_PLACES];
};

/* Aisles waiting in a search, the best bound first. */
struct aisle_bound {
    uint32_t key;
    uint32_t aisle;
    uint64_t floor;
};

struct lineup {
    enum order_kind kind;
    bool built;
    uint32_t searches; /* of them each ADAPT_SEARCHES-th looks at an aisle */
    uint32_t aisle_count;
    uint32_t aisle_cap;
    uint64_t *words;     /* [bitmap][aisle_cap * AISLE_BLOCKS] */
    uint64_t *summaries; /* [bitmap][aisle_cap] */
    struct aisle *aisles;
    struct aisle_face *faces;
    /* ORDER_PRICE's: columns once more, in the order of places and rounded, so
     * that what is next to each other is looked at together. */
    struct figures figures[DIM_CODED_COUNT];
    struct block_prices *prices; /* [block] */
    uint32_t *slot_at;           /* by place */
    uint32_t *place_of;          /* by slot */
    struct aisle_bound *heap;
};

struct row {
    uint64_t name;
    const uint64_t *tags;
    uint32_t tag_count;
    uint32_t flags;
    uint32_t key[ORDER_COUNT];
    bool in;
};

struct catalog {
    uint32_t slot_cap;
    uint32_t count;
    uint64_t *have[DIM_COUNT];
    struct tariff *tariffs;
    struct row *rows;
    struct ladder ladders[DIM_COUNT];
    /* Offers that reach so many rungs, and have more than the last of them. */
    uint32_t loose[DIM_COUNT][LADDER_RUNGS_MAX + 1];
    uint32_t reach[DIM_COUNT][LADDER_RUNGS_MAX + 1]; /* .. at all */
    struct {
        uint64_t tag;
        uint32_t count; /* of late */
        bool used;
    } sets[CATALOG_SETS];
    uint64_t named; /* counts tags named */
    bool held;      /* a question is being made: no set is given up */
    struct {
        uint64_t tag;
        uint32_t count;
    } wishes[SET_WISHES]; /* tags that have no set, by hash */
    uint64_t generation;
    struct {
        uint64_t question;
        uint64_t generation;
    } nowhere[NOWHERE_MAX];
    uint64_t nowhere_generation;    /* the latest of them */
    uint32_t typical[TARIFF_PARTS]; /* weights of requests, a running mean */
    struct lineup orders[ORDER_COUNT];
    uint32_t sorting[AISLE_PLACES]; /* slots being moved */
    /* survey.c's: words by rule and block */
    uint64_t *survey;
    size_t survey_words;
};

_Static_assert(LANES == BLOCK_PLACES, "a block's figures are compared at once");

/* A dimension's figures; NULL: it has none there. */
static inline const struct figures *lineup_figures(const struct lineup *o,
                                                   unsigned dimension)
{
    unsigned coded = dim_codes[dimension];
    if (coded == 0 || o->figures[coded - 1].codes == NULL)
        return NULL;
    return &o->figures[coded - 1];
}

static inline uint64_t *lineup_word(const struct lineup *o, uint32_t bitmap,
                                    uint32_t aisle)
{
    return &o->words[((size_t)bitmap * o->aisle_cap + aisle) * AISLE_BLOCKS];
}
static inline uint64_t *lineup_summary(const struct lineup *o, uint32_t bitmap,
                                       uint32_t aisle)
{
    return &o->summaries[(size_t)bitmap * o->aisle_cap + aisle];
}

/* ---- lineup.c ---- */
void lineup_done(struct lineup *o);
/* All rows anew; ERR_NOMEM, then it is as before. */
MUST_USE enum err lineup_build(struct catalog *c, struct lineup *o);
/* Room for one more aisle, and slots up to slot_cap. ERR_NOMEM. */
MUST_USE enum err lineup_reserve(struct catalog *c, struct lineup *o);
/* Now and then: sorts an aisle anew that was sorted for other requests. */
void lineup_adapt(struct catalog *c, struct lineup *o);
void lineup_enter(struct catalog *c, struct lineup *o, uint32_t slot);
void lineup_leave(struct catalog *c, struct lineup *o, uint32_t slot);
void lineup_flip(struct lineup *o, uint32_t bitmap, uint32_t place, bool on);
/* A dimension's figure at a place. */
void lineup_figure_set(struct lineup *o, unsigned dimension, uint32_t place,
                       uint64_t have);
/* All bits of a row. */
void lineup_flip_row(const struct catalog *c, struct lineup *o, uint32_t slot,
                     uint32_t place, bool on);
/* The rungs of a dimension, or a set, from the columns. */
void lineup_refill(const struct catalog *c, struct lineup *o, uint32_t bitmap,
                   uint32_t count);
/* Is the row in that bitmap? For checks: slow. */
bool row_bitmap(const struct catalog *c, uint32_t slot, uint32_t bitmap);

/* ---- lineup_lay.c ---- */
/* Lays slots out over so many aisles from `aisle` on, which are empty. Changes
 * the list's order. */
void lineup_lay(struct catalog *c, struct lineup *o, uint32_t *slots,
                uint32_t count, uint32_t aisle, uint32_t aisles);
/* Parts slots in two where they differ most; returns how many are the first. */
uint32_t lineup_halve(const struct catalog *c, const struct lineup *o,
                      uint32_t *slots, uint32_t count);
/* The boxes of a block, and with it of its aisle, from the columns. */
void lineup_measure(const struct catalog *c, struct lineup *o, uint32_t aisle,
                    uint32_t block);
/* Puts a slot at a free place: bits, boxes, counts. */
void lineup_place(struct catalog *c, struct lineup *o, uint32_t slot,
                  uint32_t place);

/* ---- catalog.c ---- */
bool row_has_tag(const struct row *row, uint64_t tag);
/* Somebody wants or has that much: the rungs may move, if they follow that. */
enum follow { FOLLOW_WANTS, FOLLOW_HAVES };
void catalog_observe(struct catalog *c, enum dimension dimension,
                     enum follow what, uint64_t amount);
/* Is everybody in that rung's bitmap? Then it need not be looked at. */
bool catalog_all_reach(const struct catalog *c, enum dimension dimension,
                       uint32_t bitmap);
/* Who has at least `want`: everybody of bitmap *out_does, of *out_may perhaps,
 * nobody else. BITMAP_THERE in out_may: everybody perhaps; BITMAP_COUNT:
 * nobody. Equal: no need to look anybody up. */
void catalog_bracket(const struct catalog *c, enum dimension dimension,
                     uint64_t want, uint32_t *out_may, uint32_t *out_does);
/* The same of somebody who wants that much: catalog_observe, too. */
void catalog_bracket_wanted(struct catalog *c, enum dimension dimension,
                            uint64_t want, uint32_t *out_may,
                            uint32_t *out_does);
/* The bitmap of a tag's set, made if it is time; BITMAP_COUNT: it has none, and
 * whoever asks looks at the rows. */
uint32_t catalog_set_of(struct catalog *c, uint64_t tag);
/* The order, built. ERR_NOMEM. */
MUST_USE enum err catalog_order(struct catalog *c, enum order_kind kind,
                                struct lineup **out);

#endif
