#ifndef MARKET_PARAMS_H
#define MARKET_PARAMS_H

/* The market's share of the chain's parameters: numbers a network agrees on in
 * its genesis (ledger/params.h), under these names. A name the genesis leaves
 * out has its default here, which is part of the protocol and never changes. */

#include "ledger/params.h"

/* name, default, smallest, largest allowed */
#define MARKET_PARAMS(X)                                                       \
    /* least bond, in thousandths of the cap */                                \
    X(bond_permille, 100, 0, 1000)                                             \
    /* after an expire the provider may claim a newer receipt for this long */ \
    X(claim_ms, 120000, 1, 604800000)                                          \
    /* what the buyer pays for all transactions of a contract, at its open */  \
    X(open_fee_micro, 3000, 0, 1000000000)                                     \
    /* a delivery is accepted by silence after twice its run, but not before   \
     * review_ms and not later than review_ms_max (or review_ms, if longer) */ \
    X(review_ms, 600000, 1, 604800000)                                         \
    X(review_ms_max, 86400000, 1, 604800000)

struct market_params {
#define X(name, preset, least, most) uint64_t name;
    MARKET_PARAMS(X)
#undef X
};

void market_params_default(struct market_params *out);
/* From a genesis. ERR_RANGE: a value outside its bounds. */
MUST_USE enum err market_params_of(const struct params *params,
                                   struct market_params *out);
/* Spells out, in a genesis being made, every name it leaves out. ERR_RANGE: a
 * value outside its bounds, or PARAMS_MAX names. */
MUST_USE enum err market_params_fill(struct params *params);
/* From the chain's state, while a block is executed. ERR_RANGE, or a fault. */
MUST_USE enum err market_params_load(struct state *state,
                                     struct market_params *out);

/* The least bond for a cap: cap * bond_permille / 1000, rounded up. Never above
 * the cap. */
struct amount market_bond_min(const struct market_params *params,
                              struct amount cap);
struct amount market_open_fee(const struct market_params *params);
/* How long a delivery after a run of wall_ms may be reviewed. */
uint64_t market_review_ms(const struct market_params *params, uint64_t wall_ms);

#endif
