#ifndef LEDGER_TRANSFER_H
#define LEDGER_TRANSFER_H

/* The ledger's own kind of transaction: money from one account to another.
 *
 * Payload: [to 32, amount micro, memo str <= TRANSFER_MEMO_MAX bytes].
 * Fee: at least fee_for_payload. Refuses, first match: what the codec refuses,
 * ERR_RANGE (amount 0), ERR_FUNDS, ERR_OVERFLOW. To oneself is allowed and
 * moves nothing. Effect: accounts {to}, moved the amount. */

#include "ledger/kind.h"

#define TRANSFER_MEMO_MAX 64u

struct transfer {
    struct pubkey to;
    struct amount amount;
    char memo[TRANSFER_MEMO_MAX + 1];
};

void transfer_encode(const struct transfer *transfer, struct buf *out);
MUST_USE enum err transfer_decode(struct bytes payload, struct arena *arena,
                                  struct transfer *out);
/* kind.h's apply. */
MUST_USE enum err transfer_apply(struct state *state, const struct tx *tx,
                                 const struct block_context *context,
                                 struct arena *arena,
                                 struct tx_effect *out_effect);

#endif
