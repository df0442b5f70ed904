/* Fetching the state by pages, and giving it to others. A store that holds
 * nothing but the genesis is brought to the end of the last epoch that has
 * ended: steps of the light client from the genesis prove its header, its
 * state_root proves the pages (sync.h). Then the chain stands on that block and
 * goes on by runs, like everybody who is behind.
 *
 * What peers say of themselves decides only whom we ask. An answer that does
 * not hold is its sender's last; silence is not a crime, but who is silent is
 * asked less and less. */

#include "ledger/sx/sx_pages.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS     1000u  /* for somebody who is far ahead, then it is runs */
#define LOOK_MS_MAX 30000u /* ... who says so and does not show it */
#define ASK_MS      4000u  /* no answer by then */
#define HOLD_MS     250u   /* who has no time is left alone for this long */
#define HOLD_MAX    6u     /* ... doubled so often at most, for silence */
#define PEER_ASKS   2u     /* open at one peer */
/* Answers that come while the disk works are one batch: random keys are dear
 * one by one. So much of it, then nothing is asked for. */
#define FILLING_BYTES (8u * 1024 * 1024)

/* ---- life ---- */

/* Where the steps ended: the last one again, for the peaks that come with it.
 */
static enum err resume(struct sx *core, struct sx_pages *pages)
{
    uint64_t epoch = 0;
    TRY(chain_sync_steps(core->chain, &epoch));
    light_walk_start(&pages->walk, chain_genesis(core->chain));
    if (epoch > 2) {
        TRY(chain_set_of(core->chain, epoch, &pages->walk.set));
        pages->walk.epoch_low = epoch;
        pages->walk.epoch = epoch;
    }
    pages->before = pages->walk;
    return OK;
}

enum err sx_pages_new(struct sx *core, uint64_t sync_epochs)
{
    bool begun = chain_is_syncing(core->chain);
    struct sx_pages *pages;
    if (!begun && (sync_epochs == 0 || chain_head(core->chain).height > 0))
        return OK;
    pages = calloc(1, sizeof(*pages));
    if (pages == NULL)
        return ERR_NOMEM;
    core->pages = pages;
    pages->epochs = sync_epochs < 2 ? 2 : sync_epochs;
    if (pages->epochs > SX_STEPS_MAX)
        pages->epochs = SX_STEPS_MAX;
    pages->stage = begun ? SX_FETCH_PAGES : SX_FETCH_LOOK;
    TRY(resume(core, pages));
    return sync_new(chain_store(core->chain), chain_id(core->chain),
                    &pages->sync);
}

void sx_pages_free(struct sx *core)
{
    if (core->pages == NULL)
        return;
    store_batch_free(core->pages->filling);
    sync_free(core->pages->sync);
    free(core->pages);
    core->pages = NULL;
}

bool sx_fetching(const struct sx *core)
{
    return chain_is_syncing(core->chain);
}

bool sx_pages_looking(const struct sx *core)
{
    return core->pages != NULL && core->pages->stage == SX_FETCH_LOOK;
}

void sx_pages_status(const struct sx *core, struct sx_fetch *out)
{
    const struct sx_pages *pages = core->pages;
    struct sync_count count;
    memset(out, 0, sizeof(*out));
    if (pages == NULL)
        return;
    sync_count(pages->sync, &count);
    *out = (struct sx_fetch){
        .stage = pages->stage,
        .step = pages->walk.epoch - 1,
        .target = pages->has_target ? pages->target.height : 0,
        .pages = count.pages,
        .records = count.records,
        .bytes = count.bytes,
        .swept = count.swept,
    };
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        out->peers += pages->asks[i].number != 0;
}

/* ---- questions ---- */

static struct pages_ask *find_ask(struct sx_pages *pages, uint32_t number)
{
    for (uint32_t i = 0; i < ASKS_MAX; i++) {
        if (pages->asks[i].number == number)
            return &pages->asks[i];
    }
    return NULL;
}

static uint32_t asks_at(const struct sx_pages *pages, uint64_t peer)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        count += pages->asks[i].number != 0 && pages->asks[i].peer == peer;
    return count;
}

uint32_t sx_ask_number(struct sx_pages *pages)
{
    if (++pages->last_number == 0)
        pages->last_number = 1;
    return pages->last_number;
}

static void end_ask(struct sx_pages *pages, struct pages_ask *ask)
{
    if (!ask->steps)
        sync_lost(pages->sync, ask->number);
    ask->number = 0;
}

/* It said nothing, or nothing of use. */
void sx_ask_hold(struct sx *core, struct sx_peer *peer)
{
    peer->held_ms = core->mono_ms + ((uint64_t)HOLD_MS << peer->vain);
    if (peer->vain < HOLD_MAX)
        peer->vain++;
}

static void expire(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    for (uint32_t i = 0; i < ASKS_MAX; i++) {
        struct pages_ask *ask = &pages->asks[i];
        struct sx_peer *peer;
        if (ask->number == 0)
            continue;
        if (SX_MUTANT(ANSWER_LATE))
            continue;
        if (core->mono_ms < ask->until_ms) {
            sx_wake(core, ask->until_ms);
            continue;
        }
        peer = sx_peer_find(core, ask->peer);
        if (peer != NULL)
            sx_ask_hold(core, peer);
        end_ask(pages, ask);
    }
}

void sx_pages_unlink(struct sx *core, uint64_t peer)
{
    for (uint32_t i = 0; core->pages != NULL && i < ASKS_MAX; i++) {
        struct pages_ask *ask = &core->pages->asks[i];
        if (ask->number != 0 && ask->peer == peer && !SX_MUTANT(ANSWER_LATE))
            end_ask(core->pages, ask);
    }
}

void sx_ask_blame(struct sx *core, struct sx_peer *peer, enum err err)
{
    peer->poisons = !SX_MUTANT(POISON_FORGIVEN);
    sx_blame(core, peer->id, err);
}

/* One of the fitting peers that may be asked now, at random. Sets the timer for
 * those that may be later. */
struct sx_peer *sx_ask_pick(struct sx *core,
                            bool (*fits)(const struct sx_pages *,
                                         const struct sx_peer *))
{
    uint32_t start;
    if (core->peer_count == 0 || sx_crowded(core))
        return NULL;
    start = (uint32_t)(sx_random(core) % core->peer_count);
    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct sx_peer *peer = &core->peers[(start + i) % core->peer_count];
        if (peer->poisons || !fits(core->pages, peer) ||
            asks_at(core->pages, peer->id) >= PEER_ASKS)
            continue;
        if (core->mono_ms >= peer->held_ms)
            return peer;
        sx_wake(core, peer->held_ms);
    }
    return NULL;
}

void sx_ask_note(struct sx *core, const struct sx_peer *peer, uint32_t number,
                 bool steps)
{
    struct pages_ask *ask = find_ask(core->pages, 0);
    CHECK(ask != NULL);
    *ask = (struct pages_ask){.number = number,
                              .peer = peer->id,
                              .until_ms = core->mono_ms + ASK_MS,
                              .steps = steps};
    sx_wake(core, ask->until_ms);
}

bool sx_ask_answered(struct sx *core, const struct sx_peer *peer,
                     uint32_t number, bool steps)
{
    struct pages_ask *ask = NULL;
    if (core->pages != NULL && number != 0)
        ask = find_ask(core->pages, number);
    if (ask == NULL || ask->steps != steps ||
        (ask->peer != peer->id && !SX_MUTANT(ANSWER_FOREIGN)))
        return false;
    if (!SX_MUTANT(ANSWER_TWICE))
        ask->number = 0;
    return true;
}

/* ---- batches ---- */

void sx_fetch_store(struct sx *core, struct store_batch *batch)
{
    struct sx_effect *effect = sx_effect_add(core, SX_STORE);
    if (effect == NULL) {
        store_batch_free(batch);
        return;
    }
    effect->batch = batch;
    core->pages->batches++;
}

struct store_batch *sx_fetch_batch(struct sx *core)
{
    struct store_batch *batch = store_batch_new(0);
    if (batch == NULL)
        sx_halt(core, ERR_NOMEM);
    return batch;
}

/* ---- pages ---- */

/* As far as we know the state of our target is what it has. */
static bool is_at_target(const struct sx_pages *pages,
                         const struct sx_peer *peer)
{
    return peer->epoch == pages->target.epoch + 1;
}

/* It was behind when it last said where it is: perhaps it has come on. */
static bool was_behind(const struct sx_pages *pages, const struct sx_peer *peer)
{
    return peer->epoch <= pages->target.epoch;
}

static bool ask_some_pages(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    struct sx_peer *peer;
    struct bytes keys[SX_PAGES_MAX];
    if (sync_asks(pages->sync) == SYNC_ASKS_MAX)
        return false;
    peer = sx_ask_pick(core, is_at_target);
    if (peer == NULL)
        peer = sx_ask_pick(core, was_behind);
    if (peer == NULL)
        return false;
    struct sx_msg msg = {.tag = SX_MSG_GET_PAGES,
                         .ask = sx_ask_number(pages),
                         .epoch = pages->target.epoch};
    msg.item_count = sync_want(pages->sync, msg.ask, SX_PAGES_MAX, keys);
    if (msg.item_count == 0)
        return false;
    memcpy(msg.items, keys, msg.item_count * sizeof(keys[0]));
    sx_ask_note(core, peer, msg.ask, false);
    sx_send(core, peer->id, &msg);
    return true;
}

static void ask_pages(struct sx *core)
{
    const struct store_batch *filling = core->pages->filling;
    if (filling != NULL && store_batch_bytes(filling) >= FILLING_BYTES)
        return;
    while (ask_some_pages(core))
        ;
}

static void take_pages(struct sx *core, struct sx_peer *peer,
                       const struct sx_msg *msg)
{
    struct sx_pages *pages = core->pages;
    if (pages->filling == NULL)
        pages->filling = sx_fetch_batch(core);
    if (pages->filling == NULL)
        return;
    enum err err = sync_take(pages->sync, msg->ask, msg->items, msg->item_count,
                             pages->filling);
    if (err == OK)
        peer->vain = 0;
    else if (err_is_fault(err))
        sx_halt(core, err);
    else
        sx_ask_blame(core, peer, err);
}

/* What has come goes to the disk when that is idle. */
static void flush(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    struct store_batch *batch = pages->filling;
    if (batch == NULL || pages->batches > 0)
        return;
    pages->filling = NULL;
    if (store_batch_bytes(batch) > 0)
        sx_fetch_store(core, batch);
    else
        store_batch_free(batch);
}

void sx_on_pages(struct sx *core, struct sx_peer *peer,
                 const struct sx_msg *msg)
{
    struct sx_pages *pages = core->pages;
    if (!sx_ask_answered(core, peer, msg->ask, false))
        return;
    peer->epoch = msg->epoch == UINT64_MAX ? msg->epoch : msg->epoch + 1;
    /* Of what it was asked before the target changed nothing is wanted now. */
    if (pages->restart || msg->item_count == 0) {
        sync_lost(pages->sync, msg->ask);
        if (msg->item_count == 0 && msg->epoch <= pages->target.epoch)
            sx_ask_hold(core, peer);
        return;
    }
    take_pages(core, peer, msg);
}

/* ---- the end ---- */

static void arrive(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    struct store_batch *batch = sx_fetch_batch(core);
    if (batch == NULL)
        return;
    enum err err =
        chain_sync_fill(core->chain, &pages->target, &pages->history, batch);
    if (err != OK) {
        store_batch_free(batch);
        sx_halt(core, err);
        return;
    }
    pages->arriving = true;
    sx_fetch_store(core, batch);
}

static void arrived(struct sx *core)
{
    enum err err = chain_sync_end(core->chain);
    sx_pages_free(core);
    if (err != OK) {
        sx_halt(core, err);
        return;
    }
    sx_epoch_start(core);
    core->block_mono_ms = core->mono_ms;
    sx_notice(core, SX_NOTICE_FETCHED, core->me);
}

void sx_pages_stored(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    CHECK(pages->batches > 0);
    pages->batches--;
    if (pages->arriving && pages->batches == 0)
        arrived(core);
}

static void sweep(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    struct store_batch *batch = sx_fetch_batch(core);
    bool done = false;
    bool again = false;
    if (batch == NULL)
        return;
    if (SX_MUTANT(SWEEP_NONE)) {
        store_batch_free(batch);
        arrive(core);
        return;
    }
    enum err err = sync_sweep(pages->sync, batch, &done, &again);
    if (err == OK && store_batch_bytes(batch) > 0)
        sx_fetch_store(core, batch);
    else
        store_batch_free(batch);
    if (err != OK)
        sx_halt(core, err);
    else if (done && again) {
        pages->restart = true;
        pages->stage = SX_FETCH_PAGES;
    } else if (done)
        arrive(core);
    else
        sx_wake(core, core->mono_ms + 1);
}

/* ---- what is due ---- */

/* Does anybody have blocks? Does one say that it is far ahead? */
static void look_around(const struct sx *core, bool *out_any, bool *out_far)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        const struct sx_peer *peer = &core->peers[i];
        *out_any = *out_any || peer->height > 0;
        *out_far =
            *out_far || (!peer->poisons && sx_is_far_ahead(core->pages, peer));
    }
}

/* Nobody is far enough ahead: by runs, as always. */
static void look(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    bool any = false;
    bool far = false;
    look_around(core, &any, &far);
    if (any && pages->look_since_ms == 0)
        pages->look_since_ms = core->mono_ms;
    uint64_t until = pages->look_since_ms + (far ? LOOK_MS_MAX : LOOK_MS);
    if (chain_head(core->chain).height > 0 ||
        (any && core->mono_ms >= until && !sx_asks_steps(pages))) {
        sx_pages_free(core);
        return;
    }
    if (far)
        sx_ask_steps(core);
    if (any && core->mono_ms < until)
        sx_wake(core, until);
}

static void begin_walk(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    for (uint32_t i = 0; i < ASKS_MAX; i++) {
        if (!pages->asks[i].steps)
            pages->asks[i].number = 0;
    }
    enum err err = sync_start(pages->sync, &pages->target.state_root);
    if (err != OK)
        sx_halt(core, err);
    pages->restart = false;
}

static void fetch(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    flush(core);
    if (pages->restart && pages->batches == 0)
        begin_walk(core);
    bool walks = pages->has_target && !pages->restart;
    if (walks && sync_walked(pages->sync)) {
        if (pages->batches == 0 || SX_MUTANT(SWEEP_EARLY))
            pages->stage = SX_FETCH_SWEEP;
        return;
    }
    sx_ask_steps(core);
    if (walks)
        ask_pages(core);
}

void sx_pages_go(struct sx *core)
{
    struct sx_pages *pages = core->pages;
    if (pages == NULL || core->halted != OK)
        return;
    expire(core);
    if (pages->stage == SX_FETCH_LOOK)
        look(core);
    else if (pages->stage == SX_FETCH_PAGES)
        fetch(core);
    if (core->pages != NULL && pages->stage == SX_FETCH_SWEEP &&
        !pages->arriving && (pages->batches == 0 || SX_MUTANT(SWEEP_EARLY)))
        sweep(core);
}
