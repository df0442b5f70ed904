#ifndef LEDGER_GENESIS_H
#define LEDGER_GENESIS_H

/* The genesis: what everybody on a network agrees on before the first block.
 * The chain id is the hash of its canonical bytes, so two networks that differ
 * in anything have different ids.
 *
 * Canonical bytes, msgpack:
 *   [GENESIS_MESSAGE, 1, network str, test bool, time_ms,
 *    [[name, value]...] params, [[key 32, micro, owner 32]...] validators,
 *    [[key 32, micro]...] accounts]
 * each list strictly ascending. Hash tag HASH_TAG_GENESIS.
 *
 * A validator's amount is bonded (bond.h): it is the validator's weight, it
 * counts in the supply, and belongs to the owner: the validator's own account
 * unless another is named.
 *
 * People read and carry the text form, one fact a line, '#' starts a comment:
 *   suan-genesis 1
 *   network demo
 *   addresses test
 *   time_ms 1700000000000
 *   param epoch_blocks 600
 *   validator tsuan1... 5000.00
 *   validator tsuan1... 5000.00 tsuan1...OWNER
 *   account tsuan1... 1000.00
 * The first fact is the version, and the kind of addresses stands before the
 * first of them; else the order is free. Parsing gives the canonical bytes;
 * ledger parameters left out of a text take their defaults and are spelled out
 * in the bytes. */

#include "ledger/params.h"
#include "ledger/validators.h"

#define GENESIS_MESSAGE      2
#define GENESIS_VERSION      1
#define GENESIS_NETWORK_MAX  32 /* with the zero: [a-z0-9-]{1,31} */
#define GENESIS_ACCOUNTS_MAX 10000u
#define GENESIS_BYTES_MAX    (1024u * 1024)

struct genesis_account {
    struct pubkey key;
    struct amount balance; /* > 0 */
};

struct genesis {
    char network[GENESIS_NETWORK_MAX];
    bool test;        /* addresses "tsuan1..." rather than "suan1..." */
    uint64_t time_ms; /* chain time of height 0 */
    struct params params;
    struct validators validators; /* of epochs 1 and 2, at least one */
    struct pubkey owners[LIMIT_VALIDATORS]; /* theirs; zero: itself */
    struct genesis_account *accounts;       /* ascending by key; heap */
    uint32_t account_count;
    struct hash chain; /* set by genesis_seal and genesis_decode */
};

/* Defaults, no validators, no accounts. */
void genesis_init(struct genesis *genesis);
void genesis_done(struct genesis *genesis); /* safe on a zeroed struct */
/* owner NULL: the validator's own account. ERR_EXISTS, ERR_RANGE (zero, too
 * many, too much in sum). */
MUST_USE enum err genesis_add_validator(struct genesis *genesis,
                                        const struct pubkey *key,
                                        struct amount bonded,
                                        const struct pubkey *owner);
/* ERR_EXISTS, ERR_RANGE (zero, too many), ERR_NOMEM. */
MUST_USE enum err genesis_add_account(struct genesis *genesis,
                                      const struct pubkey *key,
                                      struct amount balance);
/* Checks everything, fills the owners left out and sets the chain id.
 * ERR_GENESIS (a bad network name, no validator), ERR_RANGE (parameters),
 * ERR_BOND_MIN (a validator's amount is below bond_min_micro), ERR_OVERFLOW
 * (the sum of balances and bonds), ERR_NOMEM. */
MUST_USE enum err genesis_seal(struct genesis *genesis);
/* The sum of all balances and bonds of a sealed genesis. */
struct amount genesis_supply(const struct genesis *genesis);
/* Puts the validators' bonds into the state. Faults. */
MUST_USE enum err genesis_bonds(const struct genesis *genesis,
                                struct state *state);
/* "suan" or "tsuan": what address_format wants. */
const char *genesis_address_prefix(const struct genesis *genesis);

void genesis_encode(const struct genesis *genesis, struct buf *out);
/* Sealed on OK; genesis_done is the caller's then. ERR_TOO_LARGE, what
 * mp_open_message refuses, ERR_NOT_CANONICAL (order), what genesis_seal
 * refuses. */
MUST_USE enum err genesis_decode(struct bytes bytes, struct genesis *out);

/* The text form of a sealed genesis. */
void genesis_format(const struct genesis *genesis, struct buf *out);
/* Sealed on OK. ERR_PARSE, ERR_ADDRESS, ERR_RANGE, ERR_EXISTS, ERR_TOO_LARGE
 * and what genesis_seal refuses; *out_line (may be NULL) is the 1-based line at
 * fault, 0 when the whole is. */
MUST_USE enum err genesis_parse(struct bytes text, struct genesis *out,
                                unsigned *out_line);

#endif
