#ifndef LEDGER_PARAMS_H
#define LEDGER_PARAMS_H

/* The numbers a network agrees on in its genesis, by name. The ledger needs the
 * ones in PARAMS_LEDGER; market (or anyone) adds its own names, which the
 * ledger carries without knowing what they mean. Sorted by name, so that one
 * set of numbers has one spelling. Header.params is their hash. */

#include "base/mp.h"
#include "ledger/state/state.h"

#define PARAMS_MAX      64
#define PARAMS_NAME_MAX 32 /* with the zero: [a-z0-9_]{1,31} */

/* name, default, smallest, largest allowed */
#define PARAMS_LEDGER(X)                                                       \
    /* blocks of one epoch: the validator set is fixed inside it */            \
    X("epoch_blocks", 600, 1, 1000000)                                         \
    /* chain time between two blocks, at least */                              \
    X("min_interval_ms", 1, 1, 600000)                                         \
    /* how long a message takes, at first guess: D0 of the timers */           \
    X("delay_ms", 60, 1, 10000)                                                \
    /* an empty block after this much silence; 0: never (the default) */       \
    X("heartbeat_ms", 0, 0, 86400000)                                          \
    /* what one block may hold */                                              \
    X("block_bytes", 524288, 32768, 524288)                                    \
    X("block_txs", 4096, 1, 4096)                                              \
    /* what vouches for a validator, at least, in microcredits */              \
    X("bond_min_micro", 1000000, 1, UINT64_C(1) << 53)                         \
    /* sets of this many epochs back can still be accused */                   \
    X("evidence_epochs", 6, 1, 1000)                                           \
    /* what is unbonded stays liable this long; >= evidence_epochs + 2 */      \
    X("unbond_epochs", 8, 3, 1002)                                             \
    /* what evidence takes, of the bond and of what is being unbonded */       \
    X("slash_permille", 50, 1, 1000)

/* The smallest fee of the ledger's own kinds: base + per byte of payload. Part
 * of the protocol version, not of the genesis: kind.fee_min sees no state. */
#define FEE_BASE_MICRO 1000u
#define FEE_BYTE_MICRO 10u
struct amount fee_for_payload(size_t payload_len);

struct param {
    char name[PARAMS_NAME_MAX];
    uint64_t value;
};

struct params {
    uint32_t count;
    struct param items[PARAMS_MAX]; /* strictly ascending by name */
};

/* The ledger's names at their defaults. */
void params_init(struct params *params);
/* Adds or replaces. ERR_RANGE: a malformed name, a value outside a ledger
 * name's bounds, or more than PARAMS_MAX names. */
MUST_USE enum err params_set(struct params *params, const char *name,
                             uint64_t value);
/* ERR_NOT_FOUND. */
MUST_USE enum err params_get(const struct params *params, const char *name,
                             uint64_t *out);
/* A ledger name, which params_check has promised is there (CHECKed). */
uint64_t params_need(const struct params *params, const char *name);
/* Every ledger name is present and in bounds, the order is strict, and
 * unbond_epochs >= evidence_epochs + 2 (what may be accused is still bonded or
 * unbonding): ERR_RANGE. */
MUST_USE enum err params_check(const struct params *params);

/* As an array of [name str, value uint], for genesis and the hash. */
void params_encode(const struct params *params, struct buf *out);
/* Reads that array where the reader stands; sets the reader's error. */
void params_decode(struct mp_reader *reader, struct params *out);
/* hash(HASH_TAG_PARAMS, encoding). ERR_NOMEM. */
MUST_USE enum err params_hash(const struct params *params, struct hash *out);

/* ---- in the state: one STATE_PARAMS record per name, u64 LE ---- */

/* What a transaction kind uses: the network's number of that name.
 * ERR_NOT_FOUND when the genesis does not have it, or a fault: ERR_CORRUPT also
 * for what no genesis can have. */
MUST_USE enum err params_state_get(struct state *state, const char *name,
                                   uint64_t *out);
MUST_USE enum err params_state_put(struct state *state, const char *name,
                                   uint64_t value);

/* The record that holds the sum of all money, set at genesis (not in
 * struct params). */
#define PARAMS_SUPPLY "supply"

#endif
