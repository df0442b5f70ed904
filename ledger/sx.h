#ifndef LEDGER_SX_H
#define LEDGER_SX_H

/* The consensus core: events in, effects out. It reads no clock, opens no
 * socket, starts no thread; same events, same effects.
 *
 * A node whose signer is the network's one validator decides blocks: proposal,
 * notarize vote and certificate, finalize vote and certificate, all inside one
 * step, with the votes and certificates that a set of many uses. Any other node
 * follows: it takes blocks that carry a certificate, executes them, compares
 * every root and only then stores them.
 *
 * A disk that refuses a batch (ERR_FULL) is the caller's to wait for: it tries
 * the same batch again, and the core makes nothing further meanwhile.
 *
 * Store before send: a block leaves, and its transactions are called final, in
 * the step of its SX_EV_STORED, never before. While a block is on its way to
 * the disk new transactions gather for the next one. */

#include "ledger/chain.h"

/* How many blocks an answer to SX_FETCH holds at most. */
#define SX_FETCH_BLOCKS 32u

struct sx;

struct sx_options {
    const struct signer *signer; /* lent; NULL: a node that only follows */
    uint64_t mono_ms;            /* now */
    struct pool_limits pool;     /* zeroes: the defaults */
    /* A follower hands a waiting transaction on again after this long; 0: 2 s
     */
    uint64_t relay_ms;
    /* A validator listens this long before it decides anything: when its disk
     * was put back to an older state, peers have what it signed since. */
    uint64_t listen_ms;
};

/* chain is lent until sx_free. ERR_QUORUM when the signer is one of several
 * validators (this version decides alone), ERR_NOMEM. */
MUST_USE enum err sx_new(struct chain *chain, const struct sx_options *options,
                         struct sx **out);
void sx_free(struct sx *core); /* NULL is fine */

struct sx_tx {
    struct bytes bytes;
    bool verified; /* tx_verify was OK for these bytes, with this chain's id */
    uint64_t token;
};

enum sx_event_kind {
    SX_EV_TIME,   /* nothing but the time: after SX_WAKE */
    SX_EV_SUBMIT, /* transactions, from this node's users or from peers */
    SX_EV_BLOCK,  /* a block and its certificate, from a peer */
    SX_EV_PEER,   /* a peer says it has this height: a hint, not a fact */
    SX_EV_STORED, /* the batch of this height is on the disk */
};

struct sx_event {
    enum sx_event_kind kind;
    uint64_t mono_ms; /* monotonic: intervals */
    uint64_t wall_ms; /* ms since 1970: the time of blocks, nothing else */
    /* SX_EV_SUBMIT */
    const struct sx_tx *txs;
    size_t tx_count;
    /* SX_EV_BLOCK, SX_EV_PEER */
    uint64_t peer;
    struct bytes block;
    struct bytes cert;
    bool sigs_verified; /* block_verify_sigs was OK for this block */
    /* SX_EV_PEER, SX_EV_STORED */
    uint64_t height;
};

enum sx_effect_kind {
    SX_STORE,    /* batch: yours; store_commit it, free it, say SX_EV_STORED.
                    Batches are committed in the order they are given. */
    SX_SEND,     /* height, block, cert: to every peer that follows */
    SX_FINAL,    /* height, candidate: final and on the disk */
    SX_TX_TAKEN, /* id, token: waits in the pool; hand `block` (the bytes of the
                    transaction) on to peers */
    SX_TX_REFUSED, /* id, token, err; height when it is final already (then
                      err is ERR_EXISTS). Also for one taken earlier that
                      expired or that the rules refused in the end. id is zero
                      when the bytes could not be read. */
    SX_RELAY,      /* id, block: waits too long already, hand it on again */
    SX_FETCH,      /* peer, height: ask that peer for blocks from this height */
    SX_PEER_BAD,   /* peer, err: what it sent does not hold */
    SX_WAKE, /* at_ms: send SX_EV_TIME then (monotonic); the last one counts,
                none: no timer is needed */
    SX_HALT, /* err: stop. ERR_ROOT and other refusals: a decided block does
                not execute here as its header says; our state or our
                program is wrong (chain verify tells which). A fault: the
                machine failed. Every later step repeats it. */
};

struct sx_effect {
    enum sx_effect_kind kind;
    struct hash id;
    uint64_t token;
    enum err err;
    uint64_t height;
    uint64_t peer;
    uint64_t at_ms;
    struct bytes block;                /* lent until the next step */
    struct bytes cert;                 /* likewise */
    const struct candidate *candidate; /* likewise */
    struct store_batch *batch;         /* given */
};

struct sx_effects {
    const struct sx_effect *items; /* lent until the next step */
    size_t count;
};

/* Takes one event; the effects are to be carried out in order. */
void sx_step(struct sx *core, const struct sx_event *event,
             struct sx_effects *out);

bool sx_decides(const struct sx *core); /* this node is the validator */
struct pool *sx_pool(struct sx *core);  /* to look at */

#endif
