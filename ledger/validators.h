#ifndef LEDGER_VALIDATORS_H
#define LEDGER_VALIDATORS_H

/* The ordered set that signs one epoch: keys and weights, ascending by key, so
 * that a set has one spelling and a vote names its signer by index. */

#include "base/bytes.h"
#include "base/limits.h"
#include "base/sign.h"

#define VALIDATORS_WEIGHT_MAX (UINT64_C(1) << 61) /* of all together */
#define VALIDATORS_SLOTS_MAX  (4u * LIMIT_VALIDATORS)
#define VALIDATORS_BYTES_MAX  (2u + LIMIT_VALIDATORS * 40u)

struct validator {
    struct pubkey key;
    uint64_t weight; /* > 0 */
};

struct validators {
    uint32_t count;
    uint64_t weight; /* of all: W */
    struct validator items[LIMIT_VALIDATORS];
};

/* Inserts in order. ERR_EXISTS, ERR_RANGE (weight 0, W above the maximum, or
 * more than LIMIT_VALIDATORS). */
MUST_USE enum err validators_add(struct validators *set,
                                 const struct pubkey *key, uint64_t weight);
/* floor(2W/3) + 1: the weight of a certificate. */
uint64_t validators_quorum(const struct validators *set);
/* The index of a key, or -1. */
int validators_find(const struct validators *set, const struct pubkey *key);

/* Fixed layout: count u16 | count x (key 32 | weight u64). */
void validators_encode(const struct validators *set, struct buf *out);
/* ERR_TRUNCATED, ERR_TRAILING, ERR_RANGE (count, weights), ERR_NOT_CANONICAL
 * (order). out holds garbage unless OK. */
MUST_USE enum err validators_decode(struct bytes bytes, struct validators *out);
/* hash(HASH_TAG_SET, encoding): what a header's next_set commits to. */
void validators_hash(const struct validators *set, struct hash *out);

/* The leaders of an epoch: a shuffle of the set in which each holds
 * max(1, round(2 n w / W)) slots, keyed by the epoch root's id. leader(v) is
 * slot (v - 1) mod slot_count. */
struct leaders {
    uint32_t slot_count;
    uint16_t slots[VALIDATORS_SLOTS_MAX]; /* indices into the set */
};
void leaders_init(struct leaders *leaders, const struct validators *set,
                  const struct hash *epoch_root);
uint16_t leaders_at(const struct leaders *leaders, uint64_t view); /* view>=1 */

#endif
