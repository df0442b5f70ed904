#ifndef NODE_OWN_TX_H
#define NODE_OWN_TX_H

/* The transactions this node sends in its own name (contracts it opens,
 * delivers, settles): signed with the node's key, numbered, kept on the disk,
 * watched until they are final. "A peer took it" is not "it is in the chain".
 *
 * The one rule: what others may hold under a number is not numbered anew while
 * it can still come into a block. What was not taken is sent again, the same
 * bytes under the same number; what went out is kept first, so that the process
 * that begins after a kill -9 sends the same again. There are three ends:
 *
 * - it is final;
 * - its number is used up, by another of ours: it gets a new one, for the old
 *   copy can enter no block any more;
 * - the rules refuse it: its number is free, and those behind it wait. What
 *   comes next takes it; where nothing comes, the last one does, for nobody
 *   waits behind the number that the last one leaves. (A deed is done once: of
 *   two copies the chain refuses the second.)
 *
 * A payment (TX_TRANSFER: what the operator sends from the node's account) is
 * no such deed, for of two copies the chain takes both. So there is only ever
 * one:
 *
 * - it gets the number that is the chain's next, when all that came before it
 *   have ended, and those behind it wait until it has it: no gap is below it;
 * - it leaves its number only when another was seen under it, or when the chain
 *   has come to the height at which the old copy expires;
 * - where its number is used up and nobody saw by what (the state was fetched,
 *   or it was before we came), it is told as refused, with ERR_NONCE: it may
 *   have been paid, and is not paid again.
 *
 * One that is refused for its funds after it went out may still come into a
 * block, if money comes back before its number is used and before it expires.
 *
 * Pure of I/O: told what happens, answers through calls. */

#include "ledger/tx.h"

#define OWN_TX_MAX 4096u

struct own_tx;

struct own_tx_options {
    struct hash chain;
    const struct signer *signer; /* lent */
    uint64_t nonce;              /* the account's next, on the chain */
    /* Hands signed bytes on; OK or ERR_RATE (tried again at the next tick). */
    enum err (*submit)(void *ctx, struct bytes tx, uint64_t token);
    /* What would the rules say of it in the next block? Asked of the one whose
     * turn it is, after each block. NULL: nobody knows before the core says. */
    enum err (*judge)(void *ctx, struct bytes tx);
    /* Does it wait in our pool, or in a block? NULL: nobody but us hands ours
     * in. */
    bool (*waits)(void *ctx, const struct hash *id);
    /* Keeps a record by name (empty: forgets it), in the order of the calls; a
     * fault: it could not. NULL: nothing is kept. */
    enum err (*keep)(void *ctx, const char *name, struct bytes record);
    /* The ticket that own_tx_kept will bring when all of them are on the disk.
     */
    uint64_t (*ticket)(void *ctx);
    /* It will not happen: the rules said no. */
    void (*refused)(void *ctx, uint32_t kind, const struct hash *subject,
                    enum err err);
    void *ctx;
};

MUST_USE enum err own_tx_new(const struct own_tx_options *options,
                             struct own_tx **out);
void own_tx_free(struct own_tx *own);

/* A record that was kept by an earlier process, before anything is added.
 * ERR_CORRUPT (none of ours), ERR_CHAIN (another network's or another key's:
 * not taken), ERR_NOMEM. */
MUST_USE enum err own_tx_load(struct own_tx *own, struct bytes record);
/* Everything up to this ticket is on the disk. */
void own_tx_kept(struct own_tx *own, uint64_t ticket);

/* Takes a payload (copied). The same (kind, subject) while one waits is OK and
 * does nothing. ERR_RATE when OWN_TX_MAX wait. A payment's subject is a name
 * that the caller makes up; its fee is the least. It is on the disk once it has
 * a number, not before. */
MUST_USE enum err own_tx_add(struct own_tx *own, uint32_t kind,
                             const struct hash *subject, struct bytes payload,
                             uint64_t height, uint64_t now_ms);
/* The core refused a token of ours; foreign tokens are ignored. */
void own_tx_refused(struct own_tx *own, uint64_t token, enum err err,
                    uint64_t height, uint64_t now_ms);
/* One of ours is in a final block: known by what it does, not by its id, since
 * it may have been numbered twice. Of a payment `subject` is the transaction's
 * id. In the order of the blocks. */
void own_tx_final(struct own_tx *own, uint32_t kind, const struct hash *subject,
                  uint64_t nonce);
/* The account's next nonce on the chain, where blocks were not seen one by one.
 */
void own_tx_nonce(struct own_tx *own, uint64_t nonce);
/* The id that a payment has now; false: it has no number yet, or has ended. */
MUST_USE bool own_tx_payment_id(const struct own_tx *own,
                                const struct hash *subject,
                                struct hash *out_id);
/* Which payment of ours, if it is one, this transaction is. Before
 * own_tx_final.
 */
MUST_USE bool own_tx_payment_of(const struct own_tx *own, uint64_t nonce,
                                const struct hash *id,
                                struct hash *out_subject);
/* Sends what is due (again). Call after each block and each second. */
void own_tx_tick(struct own_tx *own, uint64_t height, uint64_t now_ms);
uint32_t own_tx_count(const struct own_tx *own);
/* Tokens of this room have this bit; others must not. */
#define OWN_TX_TOKEN (1ull << 63)

#endif
