/* Steps of the light client: from the genesis to the end of the last epoch that
 * has ended, which is the target of the fetch. */

#include "ledger/sx/sx_pages.h"

#include "base/check.h"

#include <string.h>

/* Its last ended epoch is not below the step we want next. */
static bool has_steps(const struct sx_pages *pages, const struct sx_peer *peer)
{
    return peer->epoch > pages->walk.epoch;
}

/* ... or it is the one before: for the peaks. */
static bool has_last_step(const struct sx_pages *pages,
                          const struct sx_peer *peer)
{
    return peer->epoch >= pages->walk.epoch;
}

bool sx_is_far_ahead(const struct sx_pages *pages, const struct sx_peer *peer)
{
    return (peer->epoch > pages->epochs || SX_MUTANT(FETCH_SOON)) &&
           peer->vain < SX_LOOK_VAIN;
}

/* Have we steps to an end whose peaks we do not have? */
static bool lacks_peaks(const struct sx_pages *pages)
{
    return !pages->has_target || pages->target.epoch + 1 < pages->walk.epoch;
}

bool sx_asks_steps(const struct sx_pages *pages)
{
    for (uint32_t i = 0; i < ASKS_MAX; i++) {
        if (pages->asks[i].number != 0 && pages->asks[i].steps)
            return true;
    }
    return false;
}

void sx_ask_steps(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    struct sx_peer *peer;
    if (sx_asks_steps(pages))
        return;
    if (pages->stage == SX_FETCH_LOOK)
        peer = sx_ask_pick(core, sx_is_far_ahead);
    else
        peer =
            sx_ask_pick(core, lacks_peaks(pages) ? has_last_step : has_steps);
    if (peer == NULL)
        return;
    struct sx_msg msg = {.tag = SX_MSG_GET_STEPS,
                         .ask = sx_ask_number(pages),
                         .epoch = pages->walk.epoch};
    sx_ask_note(core, peer, msg.ask, true);
    sx_send(core, peer->id, &msg);
}

/* What an answer would bring us to. */
struct progress {
    struct light_walk walk;
    struct light_walk before;
    struct light_step last;
    struct mmr history;
    bool has_target;
};

static enum err read_step(const struct sx *core, struct bytes bytes,
                          struct progress *at)
{
    struct cursor cursor;
    cursor_init(&cursor, bytes);
    at->before = at->walk;
    TRY(light_walk_step(&at->walk, &cursor, &at->last));
    TRY(cursor_finish(&cursor));
    const struct header *header = &at->last.header;
    return header->epoch <= UINT64_MAX / core->epoch_blocks &&
                   header->height == header->epoch * core->epoch_blocks
               ? OK
               : ERR_PROOF;
}

static enum err read_peaks(struct bytes peaks, const struct header *header,
                           struct mmr *out)
{
    struct cursor cursor;
    struct hash root;
    memset(out, 0, sizeof(*out));
    cursor_init(&cursor, peaks);
    out->count = header->height;
    for (unsigned level = MMR_LEVELS; level-- > 0;) {
        if ((header->height >> level & 1u) != 0)
            cursor_copy(&cursor, out->peaks[level].b, HASH_LEN);
    }
    TRY(cursor_finish(&cursor));
    mmr_root(out, &root);
    return hash_equal(&root, &header->history_root) || SX_MUTANT(PEAKS_ANY)
               ? OK
               : ERR_PROOF;
}

static enum err read_steps(const struct sx *core, const struct sx_msg *msg,
                           struct progress *at, struct store_batch *batch)
{
    for (uint32_t i = 0; i < msg->item_count; i++) {
        TRY(read_step(core, msg->items[i], at));
        chain_sync_step(core->chain, &at->last, &at->walk.set, batch);
    }
    if (at->last.header.epoch != msg->epoch)
        return msg->peaks.len == 0 ? OK : ERR_PROOF;
    TRY(read_peaks(msg->peaks, &at->last.header, &at->history));
    at->has_target = true;
    return OK;
}

/* More epochs have ended than it takes? */
static bool is_worth_it(const struct sx_pages *pages, const struct sx_msg *msg)
{
    return SX_MUTANT(FETCH_SOON) || (msg->epoch >= pages->epochs &&
                                     msg->item_count + 1 >= pages->epochs);
}

static void take_progress(struct sx *core, const struct progress *at)
{
    struct sx_pages *pages = core->pages;
    if (pages->stage == SX_FETCH_LOOK)
        sx_notice(core, SX_NOTICE_FETCHES, core->me);
    pages->stage = SX_FETCH_PAGES;
    pages->walk = at->walk;
    pages->before = at->before;
    if (!at->has_target)
        return;
    pages->target = at->last.header;
    pages->history = at->history;
    pages->has_target = true;
    pages->restart = true;
}

/* Nobody has more, and we have no peaks to go with our last step: once more. */
static void step_back(struct sx_pages *pages, const struct sx_msg *msg)
{
    if (lacks_peaks(pages) && msg->epoch + 1 == pages->walk.epoch)
        pages->walk = pages->before;
}

static void take_steps(struct sx *core, struct sx_peer *peer,
                       const struct sx_msg *msg)
{
    struct sx_pages *pages = core->pages;
    struct progress at = {.walk = pages->walk, .before = pages->before};
    struct store_batch *batch = sx_fetch_batch(core);
    bool looking = pages->stage == SX_FETCH_LOOK;
    if (batch == NULL)
        return;
    if (looking)
        chain_sync_begin(core->chain, batch);
    enum err err = read_steps(core, msg, &at, batch);
    if (err == OK)
        err = store_batch_error(batch);
    if (err != OK) {
        store_batch_free(batch);
        if (looking)
            chain_sync_cancel(core->chain);
        if (err_is_fault(err))
            sx_halt(core, err);
        else
            sx_ask_blame(core, peer, err);
        return;
    }
    peer->vain = 0;
    sx_fetch_store(core, batch);
    take_progress(core, &at);
}

void sx_on_steps(struct sx *core, struct sx_peer *peer,
                 const struct sx_msg *msg)
{
    struct sx_pages *pages = core->pages;
    if (!sx_ask_answered(core, peer, msg->ask, true))
        return;
    if (pages->stage == SX_FETCH_LOOK && chain_head(core->chain).height > 0)
        return; /* a block was faster */
    peer->epoch = msg->epoch == UINT64_MAX ? msg->epoch : msg->epoch + 1;
    if (msg->item_count == 0 ||
        (pages->stage == SX_FETCH_LOOK && !is_worth_it(pages, msg))) {
        step_back(pages, msg);
        sx_ask_hold(core, peer);
    } else if (pages->stage != SX_FETCH_SWEEP) {
        take_steps(core, peer, msg);
    }
}
