#ifndef LEDGER_STATE_OVERLAY_H
#define LEDGER_STATE_OVERLAY_H

/* The making of states: what chain.c needs beyond state.h. Inside ledger.
 *
 * The ground is the store itself. An overlay holds the records (and, once
 * sealed, the tree pages) that one block changed. Overlays of blocks on their
 * way to the disk stay in the chain of parents until the store has them;
 * reading through both gives the same, because what a parent does not hold it
 * did not change. */

#include "base/amount.h"
#include "ledger/state/smt.h"
#include "ledger/state/state.h"
#include "ledger/disk/store.h"

#define OVERLAY_BYTES_MAX (256u * 1024 * 1024)

/* Read only. store is lent until state_free. */
MUST_USE enum err state_ground(struct store *store, const struct hash *chain,
                               struct state **out);
/* An empty overlay. It keeps its parent alive. */
MUST_USE enum err state_fork(struct state *parent, struct state **out);
/* Gives up one hold; memory goes when no overlay stands on it. NULL is fine. */
void state_free(struct state *state);

/* The parent's changes are in the store now: read from there. */
void state_rebase(struct state *state, struct state *parent);

/* How many overlays a read goes through at most; the ground is 0. */
unsigned state_depth(const struct state *state);

/* Ends the changes: computes the tree and its root. Checks on the way that the
 * changed accounts and vaults gained `minted` together (the supply at genesis,
 * zero ever after): ERR_CONSERVATION. Faults. */
MUST_USE enum err state_seal(struct state *state, struct amount minted,
                             struct hash *out_root);
/* Of a sealed overlay or of the ground. */
MUST_USE enum err state_root(struct state *state, struct hash *out);
/* Adds the changed records and pages of a sealed overlay. */
void state_to_batch(const struct state *state, struct store_batch *batch);
/* The tree as seen through this state: lent, valid as long as it. */
struct smt_pages state_pages(struct state *state);
void state_path(const struct state *state, enum state_table table,
                struct bytes key, struct hash *out);

#endif
