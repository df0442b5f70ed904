#ifndef SCHED_INDEX_SEARCH_H
#define SCHED_INDEX_SEARCH_H

/* A search walks the offers of a catalog that can take what is asked, those
 * with the best bounds first. Whoever is met is right to the last digit in all
 * that the catalog knows; the caller judges what it alone knows, keeps the best
 * it has, and says what need not be shown any more:
 *
 *     TRY(search_begin(&search, catalog, ORDER_PRICE, &query));
 *     while (search_next(&search, &hit)) {
 *         ... keep hit.slot, if it is good ...
 *         if (enough)
 *             search_stop_above(&search, worst.key, worst.cost);
 *     }
 *
 * Hits come nearly in order, not in order: when search_next says false, nobody
 * that was not shown is as good as what the last search_stop_above said.
 *
 * A question that nobody could answer is remembered, with its generation: asked
 * again before something was freed, the answer is nobody, at once. */

#include "sched/index/catalog.h"

#define QUERY_TAGS_MAX 20u
#define QUERY_ANY_MAX  2u
#define QUERY_ANY_TAGS 8u

/* It must bear one of them, at least. */
struct query_any {
    uint32_t count; /* > 0 */
    uint64_t tags[QUERY_ANY_TAGS];
};

struct query {
    uint64_t want[DIM_COUNT];   /* at least; 0 = does not matter */
    uint64_t mix[TARIFF_PARTS]; /* what the price is reckoned of */
    uint64_t cost_max;          /* of an hour; UINT64_MAX = whatever it costs,
                                   but a cost that is no number is too much */
    uint32_t flags_on;          /* flag_bit()s that must be on */
    uint32_t flags_off;         /* .. must be off */
    uint32_t tag_count;
    struct {
        uint64_t tag;
        bool absent; /* it must not bear it */
    } tags[QUERY_TAGS_MAX];
    uint32_t any_count;
    struct query_any any[QUERY_ANY_MAX];
};

/* Appends a tag, or a list of several of which it must bear one: what there is
 * no room for is left out, and the caller has to look itself. */
void query_tag(struct query *query, uint64_t tag, bool absent);
void query_any(struct query *query, const uint64_t *tags, uint32_t count);

struct search_hit {
    uint32_t slot;
    uint32_t key;  /* of the order */
    uint64_t cost; /* of an hour, in micro-credits: tariff_cost */
};

/* Bitmaps that a search may look at. */
#define SEARCH_WITH_MAX    (QUERY_TAGS_MAX + DIM_COUNT + FLAG_COUNT + 1)
#define SEARCH_WITHOUT_MAX (QUERY_TAGS_MAX + FLAG_COUNT)

/* Those of one aisle. */
struct search_lines {
    uint64_t blocks; /* the others have nobody */
    const uint64_t *with[SEARCH_WITH_MAX];
    uint32_t with_count;
    const uint64_t *without[SEARCH_WITHOUT_MAX];
    uint32_t without_count;
};

/* A search lives on the stack; the catalog must not change during it. One at a
 * time: the next search_begin on the same order ends it. */
struct search {
    struct catalog *catalog;
    struct lineup *order;
    const struct query *query; /* lent */
    struct tariff_mix mix;
    uint32_t with[SEARCH_WITH_MAX];
    uint32_t with_count;
    uint32_t without[SEARCH_WITHOUT_MAX];
    uint32_t without_count;
    uint32_t any[QUERY_ANY_MAX][QUERY_ANY_TAGS];
    uint32_t loose;     /* bits of tags[] that have no bitmap: looked up */
    uint32_t loose_any; /* bits of any[], likewise */
    uint32_t inexact[DIM_COUNT]; /* no rung is what is wanted: look it up */
    uint32_t inexact_count;
    bool nobody;      /* has enough of something */
    uint32_t waiting; /* aisles */
    uint32_t taken;   /* aisles */
    uint32_t aisle;
    bool open; /* it has blocks left, perhaps: */
    struct search_lines lines;
    uint32_t opened; /* eights of its blocks that were looked at: */
    uint64_t words[64];
    uint64_t floors[64];
    uint64_t bounds[64]; /* what they are taken by; UINT64_MAX: not at all */
    uint64_t least[8];   /* of each eight bounds; of others of their box */
    uint32_t block;
    uint64_t bits;    /* of its members those that may be next */
    uint64_t own[64]; /* ORDER_PRICE: their own floors */
    uint64_t cap;     /* floors above cost too much in any case */
    uint32_t stop_key;
    uint64_t stop_cost;
    uint64_t stop_floor;
    bool stopped; /* search_stop_above was called */
    bool kept;    /* .. and somebody who fits was perhaps not shown for it */
    uint32_t hits;
};

/* ERR_NOMEM: the order is built when it is first searched. */
MUST_USE enum err search_begin(struct search *search, struct catalog *catalog,
                               enum order_kind order,
                               const struct query *query);
bool search_next(struct search *search, struct search_hit *out);
/* What is worse than this need not be shown. Never loosens. */
void search_stop_above(struct search *search, uint32_t key, uint64_t cost);

/* Was everybody shown who can take it? Once search_next said false. */
bool search_showed_all(const struct search *search);
/* The best that anybody not shown yet can have, its slot undefined; false when
 * nobody is left. For callers whose own order is not this one. */
bool search_rest(const struct search *search, struct search_hit *out);

/* How many offers can take it: exact. */
uint32_t search_count(struct catalog *catalog, const struct query *query);

#endif
