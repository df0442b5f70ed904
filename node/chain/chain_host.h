#ifndef NODE_CHAIN_HOST_H
#define NODE_CHAIN_HOST_H

/* Hosts the consensus core (ledger/sx/sx.h): gives it time, checks
 * transactions' signatures on the worker pool before it sees them, syncs its
 * safety log on one thread and commits its batches on another, and carries its
 * effects to whoever asked. Everything else happens on the loop thread,
 * callbacks too. */

#include "ledger/sx/sx.h"
#include "node/chain/verifier.h"

#include <uv.h>

struct chain_host;

struct chain_host_events {
    void *ctx;
    /* A block is final and on the disk. */
    void (*on_final)(void *ctx, const struct candidate *candidate);
    /* One message of ledger/sx/sx_msg.h to one peer. */
    void (*on_send)(void *ctx, uint64_t peer, struct bytes message);
    /* A transaction waits here; bring it towards a validator. first: it was
     * taken just now; else it has waited for long. token as it was submitted.
     */
    void (*on_relay)(void *ctx, uint64_t token, bool first, struct bytes tx);
    /* That was all for now: bytes that were lent go. May be NULL. */
    void (*on_told)(void *ctx);
    /* token as it was submitted. ERR_EXISTS with a height: final already. */
    void (*on_refused)(void *ctx, const struct hash *id, uint64_t token,
                       enum err err, uint64_t height);
    /* Something the operator should know; index: of a validator. */
    void (*on_notice)(void *ctx, enum sx_notice notice, uint16_t index);
    void (*on_peer_bad)(void *ctx, uint64_t peer, enum err err);
    /* The core has stopped: the node must end. */
    void (*on_halt)(void *ctx, enum err err);
};

struct chain_host_options {
    uv_loop_t *loop;
    const char *dir;               /* of the database */
    const struct genesis *genesis; /* lent until close */
    const struct kind_table *kinds;
    const char *log_dir;         /* of the safety log; with a signer */
    const struct signer *signer; /* lent; a validator's, or NULL */
    struct pubkey link_key;      /* what our links are bound to */
    uint64_t sync_epochs;        /* sx_options'; 0: all blocks are executed */
    struct chain_host_events events;
};

/* ERR_* of store_lmdb_open, chain_open, wal_open and sx_new. */
MUST_USE enum err chain_host_open(const struct chain_host_options *options,
                                  struct chain_host **out);
/* Waits for the storage thread and the workers, then frees. Callbacks may still
 * come while it waits for nothing else: none after it returns. */
void chain_host_close(struct chain_host *host);

struct chain *chain_host_chain(struct chain_host *host);
struct sx *chain_host_core(struct chain_host *host);

/* Copies the bytes; the answer comes as on_final (of its block) or on_refused.
 * ERR_TOO_LARGE, ERR_RATE (too many wait for their signature check). */
MUST_USE enum err chain_host_submit(struct chain_host *host, struct bytes tx,
                                    uint64_t token);
/* The operator's word that what this validator has forgotten is harmless; see
 * SX_EV_VOUCH. */
void chain_host_vouch(struct chain_host *host);
/* Links come and go; `peer` is a number that is never used again, key what the
 * link is bound to. */
void chain_host_link(struct chain_host *host, uint64_t peer,
                     const struct pubkey *key);
void chain_host_unlink(struct chain_host *host, uint64_t peer);
/* A message of ledger/sx/sx_msg.h from a peer; copied where it has to wait.
 * *out_useful: it brings decided or proposed blocks that are of use here, as
 * far as can be told before signatures are looked at. ERR_RATE. */
MUST_USE enum err chain_host_message(struct chain_host *host, uint64_t peer,
                                     struct bytes message, bool *out_useful);

/* Set while the disk refuses a commit (it is tried again each second): what
 * people should be told; NULL when all is well. */
const char *chain_host_trouble(const struct chain_host *host);

/* ---- verification from genesis, in the background ---- */

/* Starts unless one runs. It reads what is committed through a reader of its
 * own, so the node goes on. ERR_BUSY, or a fault. */
MUST_USE enum err chain_host_verify_start(struct chain_host *host);
void chain_host_verify_get(struct chain_host *host, struct verifier_now *out);

#endif
