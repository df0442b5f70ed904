#ifndef LEDGER_SX_SX_H
#define LEDGER_SX_SX_H

/* The consensus core: events in, effects out. It reads no clock, opens no
 * socket, starts no thread; same events, same effects. The same object code
 * runs in the node, in the simulator and in the exhaustive driver. The protocol
 * (Simplex) and its safety are told in docs/consensus.md; the bytes that cross
 * the network are sx_msg.h's.
 *
 * A validator votes and leads in turn; everybody else follows: it takes blocks
 * that a finalize certificate proves, executes them, compares every root and
 * only then stores them. Both run the same rules; a follower has no signer.
 * One validator is a set of one: the same votes and certificates, all inside
 * one step.
 *
 * Log before send: what a step has signed or must not forget is an SX_LOG, and
 * nothing that depends on it leaves before SX_EV_LOGGED says that it is on the
 * disk. Store before final: transactions are called final in the step of
 * SX_EV_STORED. A disk that refuses a batch (ERR_FULL) is the caller's to wait
 * for; a failed sync of the log ends the process. */

#include "ledger/chain/chain.h"
#include "ledger/disk/wal.h"

#define SX_PEERS_MAX 512u

struct sx;

struct sx_options {
    const struct signer *signer; /* lent; NULL: a node that only follows */
    struct pubkey link_key;      /* what this node's links are bound to: the
                                    `key` of SX_EV_LINK at the other end */
    uint64_t mono_ms;            /* now */
    uint64_t seed;               /* jitter and the choice of peers; nothing
                                    that must be agreed on */
    struct pool_limits pool;     /* zeroes: the defaults */
    /* A waiting transaction is handed on again after this long; 0: 2 s */
    uint64_t relay_ms;
    /* A validator listens this long before it signs anything: a second machine
     * with the same key would be heard. It counts from the first link on, or
     * from the first step where this key alone is a quorum. 0: not at all
     * (tests). */
    uint64_t listen_ms;
    /* A store that holds nothing but the genesis fetches the state by pages
     * when at least so many epochs have ended, 2 to SX_STEPS_MAX; with fewer,
     * or 0, it executes all blocks. A fetch that was begun is ended in any
     * case. */
    uint64_t sync_epochs;
};

/* chain is lent until sx_free. ERR_NOMEM. */
MUST_USE enum err sx_new(struct chain *chain, const struct sx_options *options,
                         struct sx **out);
void sx_free(struct sx *core); /* NULL is fine */

/* Records of the safety log; on the disk: append only. */
enum sx_log_type {
    SX_LOG_VOTE = 1,    /* a vote of our own */
    SX_LOG_CERT = 2,    /* a certificate, verified */
    SX_LOG_BLOCK = 3,   /* a block we executed */
    SX_LOG_INIT = 4,    /* empty; the first record of a log made with its key:
                           this key has signed nothing yet. Written by whoever
                           makes the key, never by the core */
    SX_LOG_AMNESIA = 5, /* empty: from here on we know that we have forgotten */
    SX_LOG_RECALLED = 6, /* epoch u64 LE, view u64 LE of the last decision: what
                            was forgotten is over for who knows of that or a
                            later one */
};

/* A log for a key that is being made: its first record says that nothing has
 * been signed. ERR_* of wal_create, wal_open and wal_sync. */
MUST_USE enum err sx_make_log(const char *dir, const struct wal_owner *owner);

/* Before the first step, for a core with a signer: every record of its safety
 * log in order, then what the opening found and the number of the record before
 * the next one (wal_last). A log that is missing, empty, damaged, shorter than
 * the chain's store remembers, or trimmed further than this store allows (an
 * older copy of it was put back) puts the core into amnesia: it signs nothing
 * until a finalization proves that its forgotten votes are harmless.
 * ERR_CORRUPT (a record that passed its checksum makes no sense: a bug or
 * another program's), ERR_NOMEM. */
MUST_USE enum err sx_replay(struct sx *core, uint64_t seq, uint8_t type,
                            struct bytes body);
void sx_replayed(struct sx *core, const struct wal_report *report,
                 uint64_t last);
/* What the chain's store remembers of the log: wal_owner.synced. ERR_CORRUPT,
 * or a fault. */
MUST_USE enum err sx_noted_seq(struct chain *chain, uint64_t *out);

/* ---- events ---- */

struct sx_tx {
    struct bytes bytes;
    const struct tx *tx; /* the bytes, decoded; NULL: the core does it. Lent */
    bool verified; /* tx_verify was OK for these bytes, with this chain's id */
    uint64_t token;
};

enum sx_event_kind {
    SX_EV_TIME,    /* nothing but the time: after SX_WAKE */
    SX_EV_SUBMIT,  /* transactions, from this node's users or from peers */
    SX_EV_LINK,    /* peer, key: an authenticated link is up */
    SX_EV_UNLINK,  /* peer: it is down */
    SX_EV_MESSAGE, /* peer, bytes: one message of sx_msg.h */
    SX_EV_LOGGED,  /* seq: the safety log is on the disk up to here */
    SX_EV_STORED,  /* height: the batch of this label is on the disk */
    SX_EV_VOUCH,   /* the operator's word that what was forgotten is harmless:
                      no vote of this key was given for anything above this
                      chain. Ends amnesia at once; else nothing happens. For
                      sets whose others are no quorum, who can never tell. If
                      the word is wrong, our two votes are evidence. */
};

struct sx_event {
    enum sx_event_kind kind;
    uint64_t mono_ms; /* monotonic: intervals */
    uint64_t wall_ms; /* ms since 1970: the time of blocks, nothing else */
    /* SX_EV_SUBMIT */
    const struct sx_tx *txs;
    size_t tx_count;
    /* SX_EV_LINK, SX_EV_UNLINK, SX_EV_MESSAGE. A peer's number is never used
     * again. */
    uint64_t peer;
    struct pubkey key;
    struct bytes bytes; /* lent until sx_step returns */
    bool txs_verified;  /* all transaction signatures in it were checked */
    const struct hash *tx_ids; /* of those of its one block, in order; NULL: the
                                  core computes them. Lent likewise */
    uint64_t seq;              /* SX_EV_LOGGED */
    uint64_t height;           /* SX_EV_STORED */
};

/* ---- effects ---- */

enum sx_effect_kind {
    SX_LOG,      /* seq, log_type, bytes: wal_append it (its number will be
                    seq), sync when the step's effects are carried out, then
                    SX_EV_LOGGED. Several before one sync are fine. */
    SX_LOG_TRIM, /* seq: records below are not needed any more */
    SX_STORE,    /* batch: yours; store_commit it, free it, say SX_EV_STORED.
                    Batches are committed in the order they are given. */
    SX_SEND,     /* peer, bytes: one message */
    SX_FINAL,    /* height, candidate: final and on the disk */
    SX_TX_TAKEN, /* id, token: waits in the pool; hand `bytes` (the bytes of the
                    transaction) on to peers */
    SX_TX_REFUSED, /* id, token, err; height when it is final already (then
                      err is ERR_EXISTS). Also for one taken earlier that
                      expired or that the rules refused in the end. id is zero
                      when the bytes could not be read. */
    SX_RELAY,      /* id, bytes: waits too long already, hand it on again */
    SX_PEER_BAD,   /* peer, err: what it sent does not hold */
    SX_WAKE,   /* at_ms: send SX_EV_TIME then (monotonic); the last one counts,
                  none: no timer is needed */
    SX_NOTICE, /* notice, index: something an operator should know */
    SX_HALT,   /* err: stop. ERR_ROOT and other refusals: a decided block does
                  not execute here as its header says; our state or our
                  program is wrong (chain verify tells which). ERR_PARENT: a
                  quorum has signed two histories. A fault: the machine failed.
                  Every later step repeats it. */
};

enum sx_notice {
    SX_NOTICE_EQUIVOCATION = 1, /* validator `index` signed both; evidence is
                                   on its way into a block */
    SX_NOTICE_TWIN,     /* our own key votes elsewhere: signing has stopped */
    SX_NOTICE_AMNESIA,  /* the safety log has gaps: signing waits */
    SX_NOTICE_RECALLED, /* ... and is allowed again */
    SX_NOTICE_CLOCK,    /* a proposal's time is outside our window: is one of
                           the clocks wrong? */
    SX_NOTICE_JOINED,   /* we are a validator from this epoch on */
    SX_NOTICE_LEFT,     /* we are none any more */
    SX_NOTICE_FETCHES,  /* the state is being fetched (chain_is_syncing) */
    SX_NOTICE_FETCHED,  /* ... and here: the chain stands on its base */
};

struct sx_effect {
    enum sx_effect_kind kind;
    struct hash id;
    uint64_t token;
    enum err err;
    uint64_t height;
    uint64_t peer;
    uint64_t seq;
    uint8_t log_type;
    enum sx_notice notice;
    uint16_t index;
    uint64_t at_ms;
    struct bytes bytes;                /* lent until the next step */
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

/* ---- to look at ---- */

/* The state is fetched in stages. */
enum sx_fetch_stage {
    SX_FETCH_OFF,   /* it is not, or no more */
    SX_FETCH_LOOK,  /* is there enough to fetch? */
    SX_FETCH_PAGES, /* steps to the target, pages of its state */
    SX_FETCH_SWEEP, /* all is here: it is looked through */
};
struct sx_fetch {
    enum sx_fetch_stage stage;
    uint64_t step;    /* epochs whose end is proven */
    uint64_t target;  /* height of the state that is fetched; 0: none yet */
    uint64_t pages;   /* that came */
    uint64_t records; /* with them */
    uint64_t bytes;
    uint64_t swept; /* pages and records looked through */
    uint32_t peers; /* that are being asked */
};

struct sx_status {
    uint64_t epoch;
    uint64_t view;
    uint64_t final_view; /* of the epoch */
    uint16_t leader;     /* index in the epoch's set */
    uint32_t validators;
    bool validator;    /* this node is one of them */
    bool amnesia;      /* ... and must not sign now */
    bool twin;         /* ... and must not sign any more */
    uint64_t target;   /* highest height proven to us */
    uint64_t delay_ms; /* D, as backed off now */
    uint32_t unfinal;  /* executed blocks that wait for their decision */
    uint64_t slots;    /* undecided views that there is room for */
    uint64_t idle;     /* 1: nothing is to be decided */
    struct sx_fetch fetch;
};
void sx_status(const struct sx *core, struct sx_status *out);
/* A validator of this epoch's set, as this node sees it. */
struct sx_member {
    bool self;
    bool linked;        /* it has proven its key on a link that is up */
    uint64_t silent_ms; /* since it was heard; UINT64_MAX: never, as far as
                           this epoch knows. 0 for ourselves */
};
void sx_member(const struct sx *core, uint32_t index, uint64_t mono_ms,
               struct sx_member *out);
bool sx_decides(const struct sx *core); /* this node is a validator now */
/* How high a peer's chain is, by its word; 0: unknown. */
uint64_t sx_peer_height(struct sx *core, uint64_t peer);
/* Has the peer proven that it signs in this epoch? */
bool sx_peer_signs(struct sx *core, uint64_t peer);
/* ... and then its index in the set; else -1. */
int sx_peer_index(struct sx *core, uint64_t peer);

/* What the blocks of a message (PROPOSE, BLOCK, FINALS of sx_msg.h, decoded)
 * are worth to this core now. Cheap: no signature is looked at, so that whoever
 * checks those of transactions can look here first. */
enum sx_use {
    SX_USE_NONE,    /* the core passes over them: nobody's fault, an answer may
                       be late */
    SX_USE_TAKE,    /* it takes them if all that is signed holds */
    SX_USE_LATER,   /* FINALS: it would behind the run that comes before */
    SX_USE_UNASKED, /* BLOCK: more of them than this peer was asked for. Nobody
                       who keeps to the rules sends that, however late */
};
struct sx_msg;
enum sx_use sx_use_of(struct sx *core, uint64_t peer, const struct sx_msg *msg);

struct pool *sx_pool(struct sx *core); /* to look at */

#endif
