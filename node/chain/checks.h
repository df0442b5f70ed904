#ifndef NODE_CHECKS_H
#define NODE_CHECKS_H

/* Signature checks of transactions, on the worker threads and before the core
 * sees what they are on. Each transaction is checked once, whoever brings it: a
 * client, a peer, a block. What a block brings that is being checked already is
 * waited for. Loop thread only, callbacks too; they may call checks_tx. */

#include "ledger/sx/sx.h"

#include <uv.h>

struct checks;

struct checks_events {
    void *ctx;
    /* Does this transaction wait in the pool? Then it was checked. */
    bool (*is_known)(void *ctx, const struct hash *id);
    /* What a message's blocks are worth, before any signature is looked at, and
     * the index of a peer that has proven that it signs in this epoch, else -1:
     * sx_use_of, sx_peer_index. */
    enum sx_use (*use_of)(void *ctx, uint64_t peer, const struct sx_msg *msg);
    int (*index_of)(void *ctx, uint64_t peer);
    /* In the order they were given to checks_tx, verified, lent. Those that are
     * here already are among them: the core knows what to say. */
    void (*on_txs)(void *ctx, const struct sx_tx *txs, size_t count);
    /* One that does not hold: ERR_* of tx_decode and tx_verify. */
    void (*on_tx_bad)(void *ctx, uint64_t token, enum err err);
    /* A message that had to wait; lent. OK: all signatures of the transactions
     * it brings hold. ids: of its transactions when it brings one block, or
     * NULL; lent. */
    void (*on_message)(void *ctx, uint64_t peer, struct bytes message,
                       const struct hash *ids, enum err err);
};

/* chain: its id. ERR_NOMEM. */
MUST_USE enum err checks_new(uv_loop_t *loop, const struct hash *chain,
                             const struct checks_events *events,
                             struct checks **out);
/* Nothing more is begun or told. */
void checks_stop(struct checks *checks);
/* Do workers still have some? Run the loop until they do not. */
bool checks_busy(const struct checks *checks);
/* Not busy. NULL is fine. */
void checks_free(struct checks *checks);

/* Copies the bytes; on_txs or on_tx_bad tells. ERR_TOO_LARGE, ERR_RATE (too
 * many wait), ERR_NOMEM. */
MUST_USE enum err checks_tx(struct checks *checks, struct bytes tx,
                            uint64_t token);

enum checks_verdict {
    CHECKS_PLAIN, /* it brings no transactions that are needed, or cannot be
                     read: not looked at */
    CHECKS_GOOD,  /* all it brings was checked */
    CHECKS_WAIT,  /* copied; on_message tells */
    CHECKS_KNOWN, /* it waits already; nothing more comes of this one */
};
/* A message of ledger/sx/sx_msg.h. *out_ids: as with on_message, lent until the
 * next call. ERR_RATE (too many wait), ERR_NOMEM, or what is wrong with it:
 * ERR_UNASKED, ERR_ROOT (the transactions are not those of the header) and what
 * block_slices refuses.
 *
 * Messages that wait are told as soon as they can, validators' first, the runs
 * (FINALS) of a peer in their order. What validators wait for is checked before
 * what others do. Of proposals only those of the leaders wait, four of each; of
 * blocks each one once, 64 in all; of runs 32 of each peer, 256 of all that are
 * no validators. So nobody takes another's room. */
MUST_USE enum err checks_message(struct checks *checks, uint64_t peer,
                                 struct bytes message, enum checks_verdict *out,
                                 const struct hash **out_ids);

/* The peer is gone: its messages are not told and cost nothing more. */
void checks_gone(struct checks *checks, uint64_t peer);

/* How many signatures were checked since the beginning. */
uint64_t checks_count(const struct checks *checks);

#endif
