#ifndef LEDGER_TX_H
#define LEDGER_TX_H

/* A transaction: one signed wish of one account.
 *
 * Bytes, canonical msgpack: [body, signature] where body is the bin of
 *   [TX_MESSAGE, 1, chain 32, kind, sender 32, nonce, expiry_height, fee,
 * payload bin] and the signature is the sender's over sign_digest(HASH_TAG_TX,
 * chain, body). The id is hash(HASH_TAG_TX, the whole encoding). */

#include "base/limits.h"
#include "base/mp.h"

#define TX_MESSAGE 1
#define TX_VERSION 1

/* Kinds below 100 are the ledger's own; market brings 100..199. */
enum tx_kind_id {
    TX_TRANSFER = 1,       /* transfer.h */
    TX_VALIDATOR_BOND = 2, /* bond_tx.h: these three */
    TX_VALIDATOR_UNBOND = 3,
    TX_VALIDATOR_WITHDRAW = 4,
};

struct tx {
    struct hash chain;
    uint32_t kind;
    struct pubkey sender;
    uint64_t nonce;         /* the sender's next, starting at 0 */
    uint64_t expiry_height; /* last height whose block may hold it */
    struct amount fee;      /* what the sender pays, all of it, when included */
    struct bytes payload;   /* lent from the encoding; the kind's own format */
    struct signature sig;
    struct hash id; /* set by tx_decode and tx_sign, not encoded */
};

/* Decodes form only: gate, sizes, versions. The signature is not checked here
 * (tx_verify: costs 50 us and may run on any thread).
 * ERR_TOO_LARGE above LIMIT_TX_BYTES, then what mp_open_message refuses. */
MUST_USE enum err tx_decode(struct bytes bytes, struct arena *arena,
                            struct tx *out);
/* The same for bytes whose id the caller has computed. */
MUST_USE enum err tx_decode_known(struct bytes bytes, const struct hash *id,
                                  struct arena *arena, struct tx *out);
/* tx_decode_known and tx_verify in one, without encoding it once more. */
MUST_USE enum err tx_decode_verified(struct bytes bytes, const struct hash *id,
                                     const struct hash *chain,
                                     struct arena *arena, struct tx *out);
/* Appends the encoding of a signed transaction. */
void tx_encode(const struct tx *tx, struct buf *out);
/* Sets sender, sig and id; the other fields are the caller's. */
MUST_USE enum err tx_sign(struct tx *tx, const struct signer *signer);
/* ERR_CHAIN, ERR_SIGNATURE. Pure and thread safe. */
MUST_USE enum err tx_verify(const struct tx *tx, const struct hash *chain);

#endif
