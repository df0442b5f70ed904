#ifndef LEDGER_KIND_H
#define LEDGER_KIND_H

/* What a kind of transaction means. The ledger owns the frame (signature,
 * chain, nonce, expiry, fee, block, roots); a table of kinds, handed in at
 * start, owns the meaning. So ledger never learns what a market is. */

#include "ledger/account.h"
#include "ledger/tx.h"

/* The block a transaction is executed in. */
struct block_context {
    struct hash chain;
    uint64_t height;
    uint64_t epoch;
    uint64_t time_ms; /* chain time: the header's, ms since 1970 */
    struct pubkey proposer;
    struct pubkey fees_to; /* who owned the proposer's bond before this block:
                              its own key signs votes and no transactions */
};

/* What a transaction did, for receipts, indices and events: up to two ids it
 * touched (a contract, say) and up to three accounts whose balance it moved. */
struct tx_effect {
    struct hash subject; /* zero when none */
    struct pubkey accounts[3];
    uint32_t account_count;
    uint32_t code;       /* the kind's own: a contract's new state */
    struct amount moved; /* the kind's own: what was paid or locked */
};

struct tx_kind {
    uint32_t id;
    const char *name; /* "contract.open": shown by tools */

    /* The smallest fee, given the payload's length. 0 is allowed for kinds
     * whose own rules bound how often they can be valid. */
    struct amount (*fee_min)(size_t payload_len);

    /* Executes the payload; the arena is scratch for this one call. The ledger
     * has already checked signature, chain, expiry and nonce, taken the fee and
     * raised the nonce. Any refusal rolls the transaction back and makes a
     * block that holds it invalid, so the order of checks is part of consensus:
     * the kind's header states it. */
    enum err (*apply)(struct state *state, const struct tx *tx,
                      const struct block_context *context, struct arena *arena,
                      struct tx_effect *out_effect);
};

struct kind_table {
    const struct tx_kind *kinds;
    size_t count;
};

/* The ledger's own: transfer.h and bond_tx.h. */
extern const struct tx_kind ledger_kinds[];
extern const size_t ledger_kind_count;

#endif
