#ifndef LEDGER_CHAIN_SYNC_H
#define LEDGER_CHAIN_SYNC_H

/* The receiving side of state sync: a walk that makes the state tree in a store
 * into the tree of another root, page by page. It says which pages it wants,
 * checks the ones that come, each by itself, and puts them into a batch. Who is
 * asked, when and how often is the caller's (sx_pages.c).
 *
 * The one rule: a page is on the disk only when everything below it is, records
 * too. So a page whose hash stands in its parent's slot is not asked for, nor
 * is anything below it; there is no list of what is done, and after a crash, or
 * when the root changes meanwhile, the walk starts again at the root and
 * descends only where it has to. Pages that have come and wait for what is
 * below them are held here, SYNC_OPEN_MAX at most and some on the way down.
 *
 * What is under a path that the old tree had and the new one has not is found
 * in the end: a sweep looks at every page and record once more, throws out what
 * the tree does not have, and finds what does not fit; that is walked again.
 * Only after a sweep without a finding is the tree the root's. */

#include "ledger/state/smt.h"
#include "ledger/disk/store.h"
#include "ledger/sx/sx_msg.h"

#define SYNC_OPEN_MAX 512u
#define SYNC_ASKS_MAX 8u

struct sync;

/* store is lent until sync_free and only read. chain: its id, for paths.
 * ERR_NOMEM. */
MUST_USE enum err sync_new(struct store *store, const struct hash *chain,
                           struct sync **out);
void sync_free(struct sync *sync); /* NULL is fine */

/* Towards this root. Open asks are forgotten. All batches so far have to be
 * committed before. A fault. */
MUST_USE enum err sync_start(struct sync *sync, const struct hash *root);

/* The next pages to ask somebody for, at most `max` keys (smt.h) in out_keys,
 * lent until the next call: 0 when nothing can be asked now. number: of this
 * ask, not 0, the caller's, in no other open ask. At most SYNC_ASKS_MAX are
 * open. */
uint32_t sync_want(struct sync *sync, uint32_t number, uint32_t max,
                   struct bytes *out_keys);
/* The answer to an ask: pages with their records, in the order asked for; fewer
 * is fine, the rest is asked for again. What is good and complete goes into the
 * batch. ERR_NOT_FOUND (no such ask), ERR_RANGE (more than asked for), what
 * sx_page_item_decode refuses, ERR_NOT_CANONICAL (not a page of this place),
 * ERR_PROOF (it does not hash to what its parent says, a record does not stand
 * under its path or is not its leaf's): then nothing of it is taken, its sender
 * is wrong, and the ask is over. Faults. */
MUST_USE enum err sync_take(struct sync *sync, uint32_t number,
                            const struct bytes *items, uint32_t count,
                            struct store_batch *batch);
/* No answer will come. */
void sync_lost(struct sync *sync, uint32_t number);
uint32_t sync_asks(const struct sync *sync); /* open ones */
/* Nothing is missing: once the batches are committed, sync_sweep. */
bool sync_walked(const struct sync *sync);

/* One more piece of the sweep, over what is committed; what has to change goes
 * into the batch, which is committed before the next call.
 *
 * *out_done: it has come to the end. Then, when *out_again, something did not
 * fit and was thrown out: sync_start. ERR_CORRUPT: the store contradicts itself
 * in a way that cannot come from a sync; or a fault. */
MUST_USE enum err sync_sweep(struct sync *sync, struct store_batch *batch,
                             bool *out_done, bool *out_again);

/* Since sync_new. */
struct sync_count {
    uint64_t pages;   /* that came */
    uint64_t records; /* with them */
    uint64_t kept;    /* subtrees that were here already */
    uint64_t bytes;   /* of answers */
    uint64_t swept;   /* pages and paths looked at in this sweep */
    uint32_t open;    /* pages held now */
};
void sync_count(const struct sync *sync, struct sync_count *out);

#endif
