#ifndef LEDGER_CHAIN_ENDED_H
#define LEDGER_CHAIN_ENDED_H

/* What a newcomer is given: the steps of the light client, and the state as it
 * was when the last epoch ended. That state is what the store has, with what
 * has changed since taken from STORE_UNDO, where each change left it. */

#include "ledger/chain/chain.h"
#include "ledger/sx/sx_msg.h"

/* What is filled is lent from the arena; `ask` is the caller's to set. Each
 * answer is of one moment of the store.
 *
 * Fills STEPS from `epoch` on, at most SX_STEPS_MAX steps and SX_SYNC_BYTES.
 * Faults only. */
MUST_USE enum err ended_steps(struct chain *chain, uint64_t epoch,
                              struct arena *arena, struct sx_msg *out);
/* Fills PAGES with the first of the pages that `ask` wants: none when another
 * epoch has ended last, and none after one that does not exist. Faults only. */
MUST_USE enum err ended_pages(struct chain *chain, const struct sx_msg *ask,
                              struct arena *arena, struct sx_msg *out);

#endif
