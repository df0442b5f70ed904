#ifndef SCHED_INDEX_CATALOG_H
#define SCHED_INDEX_CATALOG_H

/* A catalog holds offers so that "which of them can take this, best first?" is
 * answered without looking at those that cannot: threshold bitmaps over offers
 * that lie in the order of their price. search.h asks, survey.h explains.
 *
 *     offer --> columns by slot: what it has of each dimension, its tariff,
 *               flags, tags                          (one for all orders)
 *     order --> places 0, 1, 2, ...: who stands where
 *               64 places are a block: one word of every bitmap, one box of
 *               tariffs; 64 blocks are a aisle: one word of every summary, one
 *               box. Bitmaps: is there somebody; flags; for each dimension and
 *               rung "has at least that much"; for each set of interest "bears
 *               that tag". Summary: which words are not zero.
 *
 * The price order, exactly. What an offer costs depends on what is asked, for
 * prices have parts (tariff.h), so no one line of offers is in the order of
 * price for every request. Instead offers with like tariffs lie together: a
 * block is a small box in the space of tariffs, split there where its price
 * varies most. The least of each part bounds from below what anybody in the box
 * asks for, whatever is wanted. A search takes aisles, and blocks within them,
 * by that bound, verifies whom it meets to the micro-credit, and ends when no
 * bound is below what it has. It is exact for every mix, with one set of
 * bitmaps. (Lines sorted at reference mixes m, with the bound
 *   w.p >= lambda m.p + sum (w_i - lambda m_i) min p_i, lambda = min w_i/m_i,
 * are exact too, but have to look at everybody whose price is between the two
 * bounds: a twentieth of all where memory per core differs by two.)
 *
 * Orders. PRICE has nothing before the price. NEAR and FAST have a key before
 * it, a step of distance or of slowness: boxes bound that first. Both are built
 * when they are first searched, and kept from then on.
 *
 * Changes. Amounts and flags flip only the bits they cross. Newcomers take a
 * free place in the block whose box they are nearest to (blocks are built 7/8
 * full); a full aisle is split in two, one that has seen as many changes as it
 * has places is sorted anew: 4,096 offers are moved at a time, and all only
 * when three places of four have become empty.
 *
 * When what is wanted has changed, so that blocks are narrow in the wrong
 * direction, aisles are sorted anew, one now and then.
 *
 * Rungs follow what is asked (ladder.h), sets follow the tags that are named
 * most; of others the rows are looked at. Answers do not depend on
 * either. No clock, no dice: the same calls give the same answers.
 *
 * Memory for 100,000 offers: columns 22 MB, at most 4 MB an order, whatever
 * names and figures peers choose. */

#include "base/err.h"
#include "sched/index/dimension.h"
#include "sched/index/tag.h"
#include "sched/index/tariff.h"

#include <stddef.h>

#define ORDER_MAP(X)                                                           \
    X(ORDER_PRICE)                                                             \
    X(ORDER_NEAR)                                                              \
    X(ORDER_FAST)

#define X(symbol) symbol,
enum order_kind { ORDER_MAP(X) ORDER_COUNT };
#undef X

/* Tags of interest that have bitmaps. */
#define CATALOG_SETS 24u
/* Tags of one offer. */
#define CATALOG_TAGS_MAX 640u

struct catalog;

struct catalog_row {
    uint64_t have[DIM_COUNT];
    struct tariff tariff;
    uint32_t flags; /* flag_bit()s */
    uint32_t tag_count;
    /* Lent until the row has been put again or removed: while it is put the
     * old ones are still there. */
    const uint64_t *tags;
    uint64_t name; /* of equal misses the lowest is nearest */
    /* What comes before the price, less is better; ORDER_PRICE's is 0. */
    uint32_t key[ORDER_COUNT];
};

static inline uint32_t flag_bit(enum flag flag)
{
    return UINT32_C(1) << (unsigned)flag;
}

/* Given: catalog_free. ERR_NOMEM. */
MUST_USE enum err catalog_new(struct catalog **out);
void catalog_free(struct catalog *catalog); /* NULL is fine */

/* After OK the next catalog_put of a slot up to this one cannot fail. Slots are
 * the caller's names, small numbers. ERR_NOMEM. */
MUST_USE enum err catalog_reserve(struct catalog *catalog, uint32_t slot);
/* Puts a row in, or in place of the one that is there; copied but for its tags.
 * A new slot is reserved (CHECKed). */
void catalog_put(struct catalog *catalog, uint32_t slot,
                 const struct catalog_row *row);
/* The slot has a row (CHECKed), here and below. */
void catalog_remove(struct catalog *catalog, uint32_t slot);
void catalog_have_set(struct catalog *catalog, uint32_t slot,
                      enum dimension dimension, uint64_t have);
void catalog_flag_set(struct catalog *catalog, uint32_t slot, enum flag flag,
                      bool on);
void catalog_key_set(struct catalog *catalog, uint32_t slot,
                     enum order_kind order, uint32_t key);

bool catalog_has(const struct catalog *catalog, uint32_t slot);
uint32_t catalog_count(const struct catalog *catalog);
uint64_t catalog_have(const struct catalog *catalog, uint32_t slot,
                      enum dimension dimension);
/* All of them at once. */
void catalog_amounts(const struct catalog *catalog, uint32_t slot,
                     uint64_t out[DIM_COUNT]);
bool catalog_flag(const struct catalog *catalog, uint32_t slot, enum flag flag);
/* Changes whenever an offer may take what it did not take before. */
uint64_t catalog_generation(const struct catalog *catalog);

/* Bytes held by all columns; by one order, 0 while it is not built. */
size_t catalog_column_bytes(const struct catalog *catalog);
size_t catalog_order_bytes(const struct catalog *catalog,
                           enum order_kind order);

/* CHECKs that every bitmap, summary and box agrees with the columns. Walks
 * everything: for tests. */
void catalog_check(const struct catalog *catalog);

#endif
