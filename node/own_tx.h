#ifndef NODE_OWN_TX_H
#define NODE_OWN_TX_H

/* The transactions this node sends in its own name (contracts it opens,
 * delivers, settles): signed with the node's key, numbered, watched until they
 * are final, sent again with a fresh number when that is what is wrong. "A peer
 * took it" is not "it is in the chain". Pure of I/O: told what happens, answers
 * through `submit`. */

#include "ledger/tx.h"

#define OWN_TX_MAX 4096u

struct own_tx;

struct own_tx_options {
    struct hash chain;
    const struct signer *signer; /* lent */
    uint64_t nonce;              /* the account's next, on the chain */
    /* Hands signed bytes on; OK or ERR_RATE (tried again at the next tick). */
    enum err (*submit)(void *ctx, struct bytes tx, uint64_t token);
    /* It will not happen: the rules said no. */
    void (*refused)(void *ctx, uint32_t kind, const struct hash *subject,
                    enum err err);
    void *ctx;
};

MUST_USE enum err own_tx_new(const struct own_tx_options *options,
                             struct own_tx **out);
void own_tx_free(struct own_tx *own);

/* Takes a payload (copied). The same (kind, subject) while one waits is OK and
 * does nothing. ERR_RATE when OWN_TX_MAX wait. */
MUST_USE enum err own_tx_add(struct own_tx *own, uint32_t kind,
                             const struct hash *subject, struct bytes payload,
                             uint64_t height, uint64_t now_ms);
/* The core refused a token of ours; foreign tokens are ignored. */
void own_tx_refused(struct own_tx *own, uint64_t token, enum err err,
                    uint64_t height, uint64_t now_ms);
/* One of ours is in a final block: known by what it does, not by its id, since
 * it may have been numbered twice. */
void own_tx_final(struct own_tx *own, uint32_t kind, const struct hash *subject,
                  uint64_t nonce);
/* The account's next nonce on the chain, where blocks were not seen one by one.
 */
void own_tx_nonce(struct own_tx *own, uint64_t nonce);
/* Sends what is due (again). Call after each block and each second. */
void own_tx_tick(struct own_tx *own, uint64_t height, uint64_t now_ms);
uint32_t own_tx_count(const struct own_tx *own);
/* Tokens of this room have this bit; others must not. */
#define OWN_TX_TOKEN (1ull << 63)

#endif
