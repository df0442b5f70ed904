#ifndef LEDGER_CHAIN_CHAIN_H
#define LEDGER_CHAIN_CHAIN_H

/* The chain: the room's front. It executes blocks on overlays, checks what
 * others made, hands out what has to be written, and answers questions about
 * the past. It knows nothing of votes but the certificate that comes with a
 * block; who decides is sx.h.
 *
 * Two positions: the `tip` is on the disk; the `head` is decided, executed, and
 * perhaps still on its way to the disk. Blocks are built on the head; the world
 * is told about the tip. */

#include "ledger/block.h"
#include "ledger/cert.h"
#include "ledger/genesis.h"
#include "ledger/kind.h"
#include "ledger/light.h"
#include "ledger/state/mmr.h"
#include "ledger/pool/pool.h"
#include "ledger/result.h"
#include "ledger/disk/store.h"

#define CHAIN_FLIGHT_MAX 64u /* decided blocks not yet on the disk */
/* Blocks that one certificate decides at most: the last of them and those of
 * its ancestors that were not decided before. Also how many executed blocks may
 * stand on the head undecided. */
#define CHAIN_RUN_MAX 32u

struct chain;

/* Opens the chain in a store; writes the genesis into an empty one (one
 * store_commit, on this thread). Checks the genesis, and the hash links of the
 * last 100 blocks. store, and the tables behind kinds, are lent until
 * chain_close; genesis is copied. kinds holds the kinds beside the ledger's own
 * (which are always there); an id given twice is a bug of ours.
 * ERR_GENESIS, ERR_VERSION, ERR_CORRUPT, or a fault. */
MUST_USE enum err chain_open(struct store *store, const struct genesis *genesis,
                             const struct kind_table *kinds,
                             struct chain **out);
void chain_close(struct chain *chain); /* NULL is fine */

struct chain_tip {
    uint64_t height;
    struct hash id;
    struct header header;
    uint64_t view; /* the view its certificate decided it in; 0 for genesis */
};
struct chain_tip chain_tip(const struct chain *chain);
struct chain_tip chain_head(const struct chain *chain);
uint64_t chain_head_height(const struct chain *chain);
const struct hash *chain_head_id(
    const struct chain *chain); /* until it moves */

const struct hash *chain_id(const struct chain *chain);
const struct genesis *chain_genesis(const struct chain *chain);
const struct params *chain_params(const struct chain *chain);
/* Of the epoch the next block belongs to. */
const struct validators *chain_validators(const struct chain *chain);
uint64_t chain_next_epoch(const struct chain *chain);
struct store *chain_store(const struct chain *chain);
/* NULL when unknown. */
const struct tx_kind *chain_kind(const struct chain *chain, uint32_t id);

/* The state on the disk: what to show and to act on. Read only (a put is
 * CHECKed). Lent until chain_close. Several reads that belong together go
 * between store_hold and store_release. */
struct state *chain_state(struct chain *chain);
/* The state at the head, for checking what may come next. Read only, lent until
 * the next call that changes the chain. */
struct state *chain_head_state(struct chain *chain);

/* ---- transactions ---- */

/* Would this transaction be good in the next block, at time_ms? Runs the kind
 * on a scratch overlay when the nonce is the account's next; with a later nonce
 * it checks all but the kind's own rules. The signature is the caller's. First
 * match: ERR_CHAIN, ERR_KIND, ERR_FEE, ERR_EXPIRED, ERR_NONCE (below the
 * account's), ERR_FUNDS (the fee), then the kind's own refusals; or a fault. */
MUST_USE enum err chain_check_tx(struct chain *chain, const struct tx *tx,
                                 uint64_t time_ms);

/* Would this evidence be good in the next block? What evidence_apply refuses;
 * or a fault. */
MUST_USE enum err chain_check_evidence(struct chain *chain,
                                       const struct evidence *evidence);

/* ---- blocks ---- */

/* A block executed on its parent: its bytes, results and changes. */
struct candidate;

struct chain_drop {
    struct hash id;
    uint64_t token;
    enum err err;
};
struct chain_drops {
    struct chain_drop *items; /* heap, the caller frees */
    size_t count;
};

/* Makes the next block out of waiting transactions: time is max(wall_ms, what
 * the parent and min_interval allow). parent: NULL is the head, or a candidate
 * not decided yet. On the head, expired and refused ones are taken out of the
 * pool: *out_drops (freed by free(drops.items)), also on a fault; on an
 * undecided parent they are only left out, since it may die. evidence: in
 * any order, NULL when there is none; what does not hold after this parent is
 * left out, and what is past EVIDENCE_BLOCK_MAX. Faults only. */
MUST_USE enum err chain_build(struct chain *chain,
                              const struct candidate *parent, struct pool *pool,
                              const struct evidence *evidence,
                              size_t evidence_count, uint64_t wall_ms,
                              const struct pubkey *proposer,
                              struct chain_drops *out_drops,
                              struct candidate **out);

/* What another made, decoded and not executed: good for candidate_block,
 * chain_run and candidate_free. Copies the bytes. ids: of its transactions, in
 * order, computed from these bytes; or NULL. What block_decode refuses, or
 * ERR_NOMEM. */
MUST_USE enum err chain_read(struct bytes block, const struct hash *ids,
                             struct candidate **out);
/* Executes what was read, once, as chain_execute says; whatever else comes than
 * OK, it is good for candidate_free only. */
MUST_USE enum err chain_run(struct chain *chain, const struct candidate *parent,
                            bool sigs_verified, struct pool *pool,
                            struct candidate *candidate);
/* Executes what another made and compares everything the header promises.
 * sigs_verified: block_verify_sigs was OK for these bytes; else transaction
 * signatures are checked here, save those that wait in `pool` (may be NULL).
 * First match: what block_decode refuses, ERR_CHAIN, ERR_HEIGHT, ERR_PARENT,
 * ERR_TOO_LARGE (the network's limits), ERR_TIME, ERR_PROPOSER, ERR_ROOT
 * (epoch, next_set, params, history), ERR_SIGNATURE, what evidence_apply
 * refuses, what a transaction is refused for, ERR_ROOT (receipts, state),
 * ERR_CONSERVATION; or a fault. */
MUST_USE enum err chain_execute(struct chain *chain,
                                const struct candidate *parent,
                                struct bytes block, bool sigs_verified,
                                struct pool *pool, struct candidate **out);

const struct block *candidate_block(const struct candidate *candidate);
struct bytes candidate_bytes(const struct candidate *candidate);
const struct result *candidate_results(const struct candidate *candidate);
/* The certificate's bytes once committed, else empty. */
struct bytes candidate_cert(const struct candidate *candidate);
void candidate_free(struct candidate *candidate); /* NULL is fine */

/* Moves the head over a run: candidates that stand on each other, the first on
 * the head, the last decided by `cert` (verified by the caller: kind, epoch and
 * id are CHECKed). Gives the one batch to store, labelled with the last height,
 * so that what is on the disk always ends in a certified block. The candidates
 * are the chain's from now on; lent until the step after chain_stored. On a
 * fault nothing changes and they stay the caller's. ERR_BUSY when there is no
 * room for the run among CHAIN_FLIGHT_MAX blocks that wait for the disk. */
MUST_USE enum err chain_commit(struct chain *chain,
                               struct candidate *const *run, size_t count,
                               const struct cert *cert,
                               struct store_batch **out_batch);
/* How many decided blocks wait for the disk. */
uint32_t chain_in_flight(const struct chain *chain);
/* The batch of this label is on the disk (in the order given, CHECKed): the tip
 * follows. out_run: its candidates, lent until the next chain_stored or
 * chain_close; returns how many. */
size_t chain_stored(struct chain *chain, uint64_t height,
                    const struct candidate *out_run[CHAIN_RUN_MAX]);

/* ---- chains that do not begin at the genesis ---- */

/* The block whose state was fetched instead of executed, the last of its epoch.
 * It and what came before it is not here: their blocks, transactions and
 * results are ERR_NOT_FOUND; the headers and certificates of the epochs' last
 * blocks are. 0: all of history is here. */
uint64_t chain_base(const struct chain *chain);
/* The state is being fetched: until chain_sync_end the chain stands at the
 * genesis by name, and its state is nobody's: nothing is to be built, executed
 * or checked on it (CHECKed), nor shown. True after a restart, too. */
bool chain_is_syncing(const struct chain *chain);
/* From here on it is, once this batch is stored. The chain stands at the
 * genesis and nothing is on its way to the disk (CHECKed). */
void chain_sync_begin(struct chain *chain, struct store_batch *batch);
/* ... unless that batch was thrown away. */
void chain_sync_cancel(struct chain *chain);
/* An epoch's last block, checked by the caller, and the validators of the epoch
 * after. Epochs ascend. */
void chain_sync_step(struct chain *chain, const struct light_step *step,
                     const struct validators *next, struct store_batch *batch);
/* The epoch of the last step in the store; 0: none. ERR_CORRUPT, or a fault. */
MUST_USE enum err chain_sync_steps(struct chain *chain, uint64_t *out_epoch);
/* The state in the store is that of this header, whose step was stored: the
 * batch makes it the base. history: of the headers before it. ERR_ROOT: it is
 * not what the header says; or a fault. */
MUST_USE enum err chain_sync_fill(struct chain *chain,
                                  const struct header *header,
                                  const struct mmr *history,
                                  struct store_batch *batch);
/* That batch is stored: the chain stands on its base. What chain_open finds. */
MUST_USE enum err chain_sync_end(struct chain *chain);

/* ---- the past: what is on the disk ---- */

/* All copy into the arena. ERR_NOT_FOUND, or a fault. */
MUST_USE enum err chain_block_at(struct chain *chain, uint64_t height,
                                 struct arena *arena, struct bytes *out);
/* Only the last block of a run has one. */
MUST_USE enum err chain_cert_at(struct chain *chain, uint64_t height,
                                struct arena *arena, struct bytes *out);
/* The first certified height from `height` on: its certificate decides all
 * blocks in between. ERR_NOT_FOUND up to the base, ERR_CORRUPT when there is
 * none within a run. */
MUST_USE enum err chain_cert_after(struct chain *chain, uint64_t height,
                                   struct arena *arena, uint64_t *out_height,
                                   struct bytes *out);
MUST_USE enum err chain_header_at(struct chain *chain, uint64_t height,
                                  struct header *out);
MUST_USE enum err chain_height_of(struct chain *chain, const struct hash *id,
                                  uint64_t *out);
MUST_USE enum err chain_results_at(struct chain *chain, uint64_t height,
                                   struct arena *arena, struct result **out,
                                   uint32_t *out_count);
MUST_USE enum err chain_set_of(struct chain *chain, uint64_t epoch,
                               struct validators *out);

struct tx_place {
    uint64_t height;
    uint32_t position;
};
MUST_USE enum err chain_find_tx(struct chain *chain, const struct hash *id,
                                struct tx_place *out);
/* The transaction's bytes and its result. */
MUST_USE enum err chain_tx_at(struct chain *chain, struct tx_place place,
                              struct arena *arena, struct bytes *out_bytes,
                              struct result *out_result);

/* Newest first, from below `before` (height 0: from the newest), at most `max`.
 * Every transaction an account sent or whose effect names it. */
struct tx_ref {
    struct tx_place place;
    struct hash id;
};
MUST_USE enum err chain_account_txs(struct chain *chain,
                                    const struct pubkey *account,
                                    struct tx_place before, struct tx_ref *out,
                                    size_t max, size_t *out_count);
/* The same for an effect's subject: a contract's story. */
MUST_USE enum err chain_subject_txs(struct chain *chain,
                                    const struct hash *subject,
                                    struct tx_place before, struct tx_ref *out,
                                    size_t max, size_t *out_count);

/* ---- proofs and audits ---- */

/* A proof of a state record (or of its absence) at the tip, as proof.h reads
 * it: header, certificate, path. ERR_NOT_FOUND at height 0, which nobody has
 * signed. */
MUST_USE enum err chain_prove(struct chain *chain, enum state_table table,
                              struct bytes key, struct buf *out);
/* A proof that a transaction is in the chain with this result, under the first
 * certified block from its own and from height `from` on. ERR_NOT_FOUND;
 * ERR_TOO_EARLY when there is no block `from` yet. */
MUST_USE enum err chain_prove_tx(struct chain *chain, const struct hash *id,
                                 uint64_t from, struct buf *out);
/* The parts of a proof file that stand before those (light.h). The start: the
 * genesis, or a block that the reader trusts (trusted not NULL). *out_epoch: of
 * the first step; a proof certified in an epoch below it needs no step, and
 * after a trusted block there is none. ERR_NOT_FOUND (no such block),
 * ERR_TOO_EARLY (the set it announces is not needed yet: the next block is of
 * its own epoch), or a fault. */
MUST_USE enum err chain_prove_start(struct chain *chain,
                                    const struct hash *trusted, struct buf *out,
                                    uint64_t *out_epoch);
/* One step: the last block of an epoch, which has ended, and the validators of
 * the next. ERR_NOT_FOUND, or a fault. */
MUST_USE enum err chain_prove_step(struct chain *chain, uint64_t epoch,
                                   struct buf *out);

/* Sums all balances and vaults on the disk: ERR_CONSERVATION when they are not
 * the supply, or a validator's vault is not what its bond says. */
MUST_USE enum err chain_audit_money(struct chain *chain);
/* Re-reads the state tree and compares every page with its parent's slot and
 * every record with its leaf: ERR_CORRUPT. */
MUST_USE enum err chain_audit_state(struct chain *chain);

struct verify_report {
    uint64_t base;   /* verified from here: 0 is the genesis */
    uint64_t height; /* verified up to here */
    uint64_t tip;    /* of how many */
    uint64_t txs;
    struct hash tip_id;
    enum err err;     /* of the first difference */
    const char *what; /* what differed: "state root"; static */
};
/* Called after every block; a non-OK return ends the verification with it. */
typedef enum err (*verify_fn)(void *ctx, const struct verify_report *report);
/* Executes the whole chain again from the genesis and compares every block,
 * certificate, result, state record, page, history node and index with what the
 * store has. scratch is an empty store for the replay (NULL: in memory). The
 * report is filled in any case; a difference is ERR_CORRUPT, with
 * report->err the reason.
 *
 * A chain with a base has nothing to execute from: the steps are checked from
 * the genesis to the base, every block after it by its links, roots, signatures
 * and certificates, and the state tree and the money at the tip. */
MUST_USE enum err chain_verify(struct store *store,
                               const struct genesis *genesis,
                               const struct kind_table *kinds,
                               struct store *scratch, verify_fn fn, void *ctx,
                               struct verify_report *out_report);

#endif
