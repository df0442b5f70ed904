#ifndef LEDGER_SX_SX_PAGES_H
#define LEDGER_SX_SX_PAGES_H

/* What the pages of the core that fetch the state share: sx_pages.c (questions,
 * pages, the end), sx_steps.c (steps). Inside ledger. */

#include "ledger/sx/sx_room.h"
#include "ledger/chain/sync.h"

/* A question that is open. */
struct pages_ask {
    uint32_t number; /* 0: free */
    uint64_t peer;
    uint64_t until_ms;
    bool steps;
};
#define ASKS_MAX (SYNC_ASKS_MAX + 1u) /* one for steps */

struct sx_pages {
    enum sx_fetch_stage stage;
    uint64_t epochs;        /* worth fetching from so many on */
    uint64_t look_since_ms; /* somebody has blocks; 0: nobody yet */
    struct sync *sync;
    struct light_walk walk;   /* to the next step */
    struct light_walk before; /* ... and the step before that */
    bool has_target;
    bool restart; /* the target is new: once all batches are stored */
    struct header target;
    struct mmr history; /* before the target's block */
    struct pages_ask asks[ASKS_MAX];
    uint32_t last_number;
    struct store_batch *filling; /* waits for the disk to be idle */
    uint32_t batches;            /* on their way to it */
    bool arriving;               /* the last batch is on its way */
};

/* ---- sx_pages.c: questions ---- */

/* Another number, for a question. */
uint32_t sx_ask_number(struct sx_pages *pages);
/* It was sent: the answer is waited for. */
void sx_ask_note(struct sx *core, const struct sx_peer *peer, uint32_t number,
                 bool steps);
/* The question this answers, which is over then; false: none of ours, or it
 * comes too late. */
bool sx_ask_answered(struct sx *core, const struct sx_peer *peer,
                     uint32_t number, bool steps);
/* One of the fitting peers that may be asked now, at random. Sets the timer for
 * those that may be later. */
struct sx_peer *sx_ask_pick(struct sx *core,
                            bool (*fits)(const struct sx_pages *,
                                         const struct sx_peer *));
/* It said nothing, or nothing of use. */
void sx_ask_hold(struct sx *core, struct sx_peer *peer);
/* What it said does not hold. */
void sx_ask_blame(struct sx *core, struct sx_peer *peer, enum err err);
/* A batch of the fetch; NULL: the core has halted. */
struct store_batch *sx_fetch_batch(struct sx *core);
void sx_fetch_store(struct sx *core, struct store_batch *batch);

/* ---- sx_steps.c ---- */

#define SX_LOOK_VAIN 3u
/* Far ahead, by its own word. */
bool sx_is_far_ahead(const struct sx_pages *pages, const struct sx_peer *peer);
bool sx_asks_steps(const struct sx_pages *pages);
void sx_ask_steps(struct sx *core);

#endif
