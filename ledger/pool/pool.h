#ifndef LEDGER_POOL_POOL_H
#define LEDGER_POOL_POOL_H

/* The pool: transactions that wait for a block. A transaction stays until it is
 * final, refused, expired or has to give way, so that a lost block loses
 * nothing. Bounded by count, bytes and per account. First come, first served;
 * one account's go in nonce order.
 *
 * In a full pool the last transaction of some account gives way to a newcomer
 * that is worth more to the next block: one behind a missing nonce, which can
 * enter none, gives way to one that can; of two alike the one that pays less
 * for a byte to one that pays an eighth more. So places cannot be held without
 * paying for them. What a block that may become final holds stays. */

#include "ledger/kind.h"

#define POOL_TXS_MAX     20000u
#define POOL_BYTES_MAX   (32u * 1024 * 1024)
#define POOL_ACCOUNT_MAX 1024u /* waiting transactions of one account */
#define POOL_GAP_MAX     16u   /* nonces that may be missing in between */

struct pool;

struct pool_limits {
    uint32_t txs;         /* 0: POOL_TXS_MAX */
    uint64_t bytes;       /* 0: POOL_BYTES_MAX */
    uint32_t account_txs; /* 0: POOL_ACCOUNT_MAX */
};

/* One waiting transaction; everything in it is lent by the pool until the sweep
 * after its removal. */
struct pool_entry {
    struct tx tx; /* payload points into bytes */
    struct bytes bytes;
    uint64_t token;    /* the submitter's, echoed in effects */
    uint64_t added_ms; /* monotonic; moved by pool users that re-send */
    uint32_t carried;  /* blocks that hold it: those that are undecided, and
                          decided ones that are not stored yet */
};

MUST_USE enum err pool_new(const struct pool_limits *limits, struct pool **out);
void pool_free(struct pool *pool); /* NULL is fine */

/* Copies a transaction in. `next_nonce` is its sender's in the state at the
 * head; the caller has checked signature, kind, fee, expiry and funds. Who gave
 * way to it is said by pool_gone.
 * First match: ERR_EXISTS (this very one waits already), ERR_NONCE (below
 * next_nonce, more than POOL_GAP_MAX missing before it, or already taken),
 * ERR_POOL_FULL (and too little gives way), ERR_NOMEM. */
MUST_USE enum err pool_add(struct pool *pool, const struct tx *tx,
                           struct bytes bytes, uint64_t next_nonce,
                           uint64_t token, uint64_t now_ms);
/* One that gave way and was not told of yet; NULL ends. It stays readable until
 * the sweep. */
struct pool_entry *pool_gone(struct pool *pool);
/* A block moved the account on: its next nonce in the state. */
void pool_account_at(struct pool *pool, const struct pubkey *sender,
                     uint64_t next_nonce);
/* NULL when it does not wait here. */
struct pool_entry *pool_find(struct pool *pool, const struct hash *id);
/* Removes, and forgets who carried it; ids that do not wait are fine. The
 * entry's bytes stay readable until pool_sweep, so that what was said about it
 * in this step holds. */
void pool_remove(struct pool *pool, const struct hash *id);
void pool_sweep(struct pool *pool);

/* A block with this transaction has come (+1) or died (-1); one that is stored
 * is told by pool_remove instead. One that does not wait here is remembered
 * too, until pool_remove or its last block's death: it may come later. */
void pool_carry(struct pool *pool, const struct hash *id, int by);
/* Is it in such a block, whether it waits here or not? */
bool pool_carried(struct pool *pool, const struct hash *id);

uint32_t pool_count(const struct pool *pool);
/* How many are in no such block. */
uint32_t pool_fresh(const struct pool *pool);
uint64_t pool_bytes(const struct pool *pool);
/* What an account's waiting transactions will pay in fees. */
struct amount pool_fees(struct pool *pool, const struct pubkey *sender);

/* In arrival order; NULL ends. pool_next(pool, NULL) is the first. */
struct pool_entry *pool_next(struct pool *pool, const struct pool_entry *after);
/* An account's, in nonce order: the first with nonce >= `nonce`, or NULL. */
struct pool_entry *pool_account_next(struct pool *pool,
                                     const struct pubkey *sender,
                                     uint64_t nonce);

#endif
