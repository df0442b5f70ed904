#ifndef MARKET_CONTRACT_INNER_H
#define MARKET_CONTRACT_INNER_H

/* What the pages of the contract share and nobody else needs. */

#include "market/contract/contract.h"
#include "market/message.h"

/* ---- payloads, decoded (contract_codec.c): form only ---- */

struct contract_open {
    struct request request;
    struct approval approval;
    struct quote quote;
};
struct contract_refuse {
    struct hash contract;
    enum end_reason reason;
};
struct contract_expire {
    struct hash contract;
    bool has_receipt;
    struct receipt receipt;
};
struct contract_claim {
    struct hash contract;
    struct receipt receipt;
};
MUST_USE enum err contract_open_decode(struct bytes payload,
                                       struct arena *arena,
                                       struct contract_open *out);
MUST_USE enum err contract_deliver_decode(struct bytes payload,
                                          struct arena *arena,
                                          struct contract_delivery *out);
MUST_USE enum err contract_refuse_decode(struct bytes payload,
                                         struct arena *arena,
                                         struct contract_refuse *out);
MUST_USE enum err contract_expire_decode(struct bytes payload,
                                         struct arena *arena,
                                         struct contract_expire *out);
MUST_USE enum err contract_claim_decode(struct bytes payload,
                                        struct arena *arena,
                                        struct contract_claim *out);
MUST_USE enum err contract_settle_decode(struct bytes payload,
                                         struct arena *arena, struct hash *out);

/* ---- records (contract.c) ---- */

bool end_reason_known(uint64_t reason);
/* The new record of a contract that was in state `from` (0: it is new): the
 * move and the invariant are CHECKed. Faults. */
MUST_USE enum err contract_put(struct state *state, uint32_t from,
                               const struct contract *c);
/* Makes `c` the latest of its task. */
MUST_USE enum err contract_put_task(struct state *state,
                                    const struct contract *c);

/* ---- rules used by more than one kind (contract_kind.c) ---- */

/* The buyer's side: ERR_PARTY, ERR_FEE. */
MUST_USE enum err contract_buyer_side(const struct pubkey *buyer,
                                      const struct pubkey *agent,
                                      const struct tx *tx);
/* Names an account in the effect whose balance moved by `amount`. */
void contract_effect_account(struct tx_effect *effect, const struct pubkey *key,
                             struct amount amount);

/* The kinds' bodies (struct tx_kind.apply). */
enum err contract_open_apply(struct state *state, const struct tx *tx,
                             const struct block_context *context,
                             struct arena *arena, struct tx_effect *out_effect);

#endif
