#ifndef LEDGER_STATE_PROOF_H
#define LEDGER_STATE_PROOF_H

/* What a light client checks: a state record, or a transaction with its result,
 * against a finalised header, without a store. The verifier shares no code with
 * the prover but the hash and the codecs. It takes the validators of the
 * header's epoch; light.h finds those from the genesis alone.
 *
 * State proof, little-endian:
 *   'S' | version u8 = 1 | header | cert_len u32 | cert | table u8 | key_len
 * u16 | key | present u8 | (value_len u16 | value) when present | path proof
 * Transaction proof:
 *   'T' | version u8 = 1 | header | cert_len u32 | cert | mmr_len u16
 *   | (older header | mmr proof, of mmr_len bytes, when that is not 0)
 *   | tx_len u32 | tx | result | merkle proof (tx_root)
 *   | merkle proof (receipt_root)
 * The transaction stands in the block of the older header, which the certified
 * one's history_root commits to; without one, in the certified block. */

#include "ledger/block.h"
#include "ledger/cert.h"
#include "ledger/result.h"

#define PROOF_VERSION   1
#define PROOF_BYTES_MAX (64u * 1024)

/* Who stands behind a certified header. */
struct proof_quorum {
    uint32_t signers;
    uint32_t seats;
    uint64_t weight; /* of the signers */
    uint64_t total;  /* of the set */
};

struct state_proof {
    struct header header; /* certified */
    struct hash id;
    struct proof_quorum quorum;
    enum state_table table;
    struct bytes key; /* lent from the proof's bytes */
    bool present;
    struct bytes value; /* likewise; empty when absent */
};

/* set: the validators of the header's epoch, from a source the caller trusts
 * (the genesis for a network that has not changed its set).
 * ERR_TOO_LARGE, what the codecs refuse, ERR_CHAIN, ERR_PROOF (certificate and
 * header do not belong together, or the path fails), what cert_verify refuses.
 */
MUST_USE enum err proof_check_state(struct bytes proof,
                                    const struct hash *chain,
                                    const struct validators *set,
                                    struct state_proof *out);

struct tx_proof {
    struct header header; /* of the transaction's block */
    struct hash id;
    struct header certified; /* the same, or a later one */
    struct hash certified_id;
    struct proof_quorum quorum;
    struct tx tx; /* lent from the proof's bytes */
    uint32_t position;
    struct result result;
};
/* The same; ERR_HEIGHT when the older header is not older; the transaction's
 * own signature is checked too. */
MUST_USE enum err proof_check_tx(struct bytes proof, const struct hash *chain,
                                 const struct validators *set,
                                 struct arena *arena, struct tx_proof *out);

#endif
