#include "ledger/sx_room.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* Decoded transactions of one step; more wait for the next event. */
#define STEP_ARENA_MAX (64u * 1024 * 1024)

/* ---- life ---- */

/* Whose turn is it? Looked at in every step: the set may change with an epoch.
 */
static enum err update_role(struct sx *core)
{
    const struct validators *set = chain_validators(core->chain);
    core->decides =
        core->signer != NULL && validators_find(set, &core->signer->key) >= 0;
    return core->decides && set->count > 1 ? ERR_QUORUM : OK;
}

enum err sx_new(struct chain *chain, const struct sx_options *options,
                struct sx **out)
{
    const struct params *params = chain_params(chain);
    struct sx *core = calloc(1, sizeof(*core));
    if (core == NULL)
        return ERR_NOMEM;
    core->chain = chain;
    core->signer = options->signer;
    core->min_interval_ms = params_need(params, "min_interval_ms");
    core->heartbeat_ms = params_need(params, "heartbeat_ms");
    core->relay_ms = options->relay_ms != 0 ? options->relay_ms : SX_RELAY_MS;
    core->mono_ms = options->mono_ms;
    core->block_mono_ms = options->mono_ms;
    core->silent_until_ms = options->mono_ms + options->listen_ms;
    arena_init(&core->arena, STEP_ARENA_MAX);
    enum err err = update_role(core);
    if (err == OK)
        err = pool_new(&options->pool, &core->pool);
    if (err != OK) {
        sx_free(core);
        return err;
    }
    *out = core;
    return OK;
}

void sx_free(struct sx *core)
{
    if (core == NULL)
        return;
    pool_free(core->pool);
    arena_done(&core->arena);
    free(core->effects);
    free(core);
}

bool sx_decides(const struct sx *core)
{
    return core->decides;
}

struct pool *sx_pool(struct sx *core)
{
    return core->pool;
}

/* ---- effects ---- */

void sx_halt(struct sx *core, enum err err)
{
    CHECK(err != OK);
    if (core->halted == OK)
        core->halted = err;
}

struct sx_effect *sx_effect_add(struct sx *core, enum sx_effect_kind kind)
{
    if (core->effect_count == core->effect_cap) {
        size_t cap = core->effect_cap == 0 ? 64 : 2 * core->effect_cap;
        struct sx_effect *effects =
            realloc(core->effects, cap * sizeof(*effects));
        if (effects == NULL) {
            sx_halt(core, ERR_NOMEM);
            return NULL;
        }
        core->effects = effects;
        core->effect_cap = cap;
    }
    struct sx_effect *effect = &core->effects[core->effect_count++];
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    return effect;
}

void sx_wake(struct sx *core, uint64_t at_ms)
{
    if (at_ms < core->wake_ms)
        core->wake_ms = at_ms;
}

void sx_refuse(struct sx *core, const struct hash *id, uint64_t token,
               enum err err, uint64_t height)
{
    struct sx_effect *effect = sx_effect_add(core, SX_TX_REFUSED);
    if (effect == NULL)
        return;
    effect->id = *id;
    effect->token = token;
    effect->err = err;
    effect->height = height;
}

/* ---- deciding: one validator's proposal, votes and certificates ---- */

static bool same_epoch(const struct chain_tip *head, uint64_t epoch)
{
    return head->header.epoch == epoch;
}

/* Of one validator each vote is a quorum. Signs nothing a block of this height
 * was not executed for: the head moves before the next view can be named. */
static enum err vote_alone(struct sx *core, enum vote_kind kind,
                           const struct proposal *on, struct cert *out)
{
    const struct validators *set = chain_validators(core->chain);
    struct vote vote;
    int index = validators_find(set, &core->signer->key);
    CHECK(index >= 0 && set->count == 1);
    TRY(vote_sign(kind, on, (uint16_t)index, chain_id(core->chain),
                  core->signer, &vote));
    cert_init(out, kind, on, (uint16_t)set->count);
    TRY(cert_add(out, &vote));
    /* A signer that errs must not become a chain nobody can follow. */
    return cert_verify(out, set, chain_id(core->chain));
}

static enum err decide(struct sx *core, const struct candidate *candidate,
                       struct cert *out)
{
    const struct block *block = candidate_block(candidate);
    struct chain_tip head = chain_head(core->chain);
    struct cert notarized;
    struct proposal on = {.epoch = block->header.epoch, .id = block->id};
    if (same_epoch(&head, on.epoch))
        on.parent_view = head.view;
    on.view = on.parent_view + 1;
    TRY(vote_alone(core, VOTE_NOTARIZE, &on, &notarized));
    return vote_alone(core, VOTE_FINALIZE, &on, out);
}

void sx_commit(struct sx *core, struct candidate *candidate,
               const struct cert *cert)
{
    uint32_t txs = candidate_block(candidate)->tx_count;
    struct store_batch *batch;
    enum err err = chain_commit(core->chain, candidate, cert, &batch);
    if (err != OK) {
        candidate_free(candidate);
        sx_halt(core, err);
        return;
    }
    core->block_mono_ms = core->mono_ms;
    core->flight_txs += txs;
    struct sx_effect *effect = sx_effect_add(core, SX_STORE);
    if (effect == NULL) {
        store_batch_free(batch);
        return;
    }
    effect->height = store_batch_height(batch);
    effect->batch = batch;
}

static void refuse_drops(struct sx *core, struct chain_drops *drops)
{
    for (size_t i = 0; i < drops->count; i++)
        sx_refuse(core, &drops->items[i].id, drops->items[i].token,
                  drops->items[i].err, 0);
    free(drops->items);
}

static bool heartbeat_due(const struct sx *core)
{
    return core->heartbeat_ms > 0 && chain_in_flight(core->chain) == 0 &&
           core->mono_ms >= core->block_mono_ms + core->heartbeat_ms;
}

/* Is there reason for a block now? Waiting transactions that are not in one
 * already; enough of them when a block is still being written. */
static bool block_wanted(const struct sx *core)
{
    uint32_t flying = chain_in_flight(core->chain);
    uint32_t waiting = pool_count(core->pool);
    uint32_t fresh =
        waiting > core->flight_txs ? waiting - core->flight_txs : 0;
    if (flying == 0)
        return fresh > 0 || heartbeat_due(core);
    return flying < SX_FLIGHT_DECIDE && fresh >= SX_AHEAD_TXS;
}

static void build_one(struct sx *core)
{
    struct candidate *candidate;
    struct chain_drops drops;
    struct cert cert;
    enum err err =
        chain_build(core->chain, NULL, core->pool, NULL, 0, core->wall_ms,
                    &core->signer->key, &drops, &candidate);
    refuse_drops(core, &drops);
    if (err != OK) {
        sx_halt(core, err);
        return;
    }
    /* Nothing fitted (all wait for an earlier nonce): no empty block. */
    if (candidate_block(candidate)->tx_count == 0 && !heartbeat_due(core)) {
        candidate_free(candidate);
        return;
    }
    err = decide(core, candidate, &cert);
    if (err != OK) {
        candidate_free(candidate);
        sx_halt(core, err);
        return;
    }
    sx_commit(core, candidate, &cert);
}

/* The one entry to making a block. */
static void try_decide(struct sx *core)
{
    uint64_t earliest = core->block_mono_ms + core->min_interval_ms;
    if (!core->decides || core->halted != OK)
        return;
    if (core->heartbeat_ms > 0)
        sx_wake(core, core->block_mono_ms + core->heartbeat_ms);
    if (!block_wanted(core))
        return;
    if (chain_head(core->chain).height == 0)
        earliest = 0;
    if (earliest < core->silent_until_ms)
        earliest = core->silent_until_ms;
    if (core->mono_ms < earliest) {
        sx_wake(core, earliest);
        return;
    }
    build_one(core);
}

/* ---- transactions ---- */

/* The fees of all that waits must be payable, else one account could fill the
 * pool with promises. */
static enum err check_fees(struct sx *core, const struct tx *tx,
                           uint64_t *out_nonce)
{
    struct account account;
    struct amount fees;
    TRY(account_get(chain_head_state(core->chain), &tx->sender, &account));
    TRY(amount_add(pool_fees(core->pool, &tx->sender), tx->fee, &fees));
    *out_nonce = account.nonce;
    return amount_cmp(account.balance, fees) < 0 ? ERR_FUNDS : OK;
}

static enum err admit(struct sx *core, const struct tx *tx,
                      const struct sx_tx *given)
{
    uint64_t next_nonce = 0;
    if (pool_find(core->pool, &tx->id) != NULL)
        return ERR_EXISTS;
    if (!given->verified)
        TRY(tx_verify(tx, chain_id(core->chain)));
    TRY(chain_check_tx(core->chain, tx, core->wall_ms));
    TRY(check_fees(core, tx, &next_nonce));
    return pool_add(core->pool, tx, given->bytes, next_nonce, given->token,
                    core->mono_ms);
}

static void submit_one(struct sx *core, const struct sx_tx *given)
{
    struct tx_place place = {0};
    struct tx tx = {0};
    enum err err = tx_decode(given->bytes, &core->arena, &tx);
    if (err == OK)
        err = admit(core, &tx, given);
    /* A sender who missed the answer and tries again: it is final. */
    if (err == ERR_NONCE && chain_find_tx(core->chain, &tx.id, &place) == OK)
        err = ERR_EXISTS;
    if (err != OK) {
        sx_refuse(core, &tx.id, given->token, err, place.height);
        return;
    }
    struct sx_effect *effect = sx_effect_add(core, SX_TX_TAKEN);
    if (effect == NULL)
        return;
    effect->id = tx.id;
    effect->token = given->token;
    effect->block = pool_find(core->pool, &tx.id)->bytes;
}

/* Taken before the pool may forget them: effects lend the pool's bytes until
 * the next step, so nothing is removed after this within the step but by build.
 */
static void on_submit(struct sx *core, const struct sx_event *event)
{
    for (size_t i = 0; i < event->tx_count; i++) {
        arena_reset(&core->arena);
        submit_one(core, &event->txs[i]);
    }
}

/* A follower's waiting transactions: checked again, then handed on again. */
static void relay_waiting(struct sx *core)
{
    struct pool_entry *entry = pool_next(core->pool, NULL);
    while (entry != NULL) {
        struct pool_entry *next = pool_next(core->pool, entry);
        uint64_t due = entry->added_ms + core->relay_ms;
        if (core->mono_ms < due) {
            sx_wake(core, due);
            entry = next;
            continue;
        }
        enum err err = chain_check_tx(core->chain, &entry->tx, core->wall_ms);
        if (err_is_fault(err)) {
            sx_halt(core, err);
            return;
        }
        if (err != OK) {
            struct hash id = entry->tx.id;
            sx_refuse(core, &id, entry->token, err, 0);
            pool_remove(core->pool, &id);
        } else {
            struct sx_effect *effect = sx_effect_add(core, SX_RELAY);
            if (effect == NULL)
                return;
            effect->id = entry->tx.id;
            effect->block = entry->bytes;
            entry->added_ms = core->mono_ms;
            sx_wake(core, core->mono_ms + core->relay_ms);
        }
        entry = next;
    }
}

/* ---- stored ---- */

/* Only accounts that a block touched can have waiting transactions that it made
 * worthless. */
static void drop_stale(struct sx *core, const struct pubkey *sender)
{
    struct account account;
    struct pool_entry *entry;
    enum err err = account_get(chain_state(core->chain), sender, &account);
    if (err != OK) {
        sx_halt(core, err);
        return;
    }
    while ((entry = pool_account_next(core->pool, sender, 0)) != NULL &&
           entry->tx.nonce < account.nonce) {
        struct hash id = entry->tx.id;
        sx_refuse(core, &id, entry->token, ERR_NONCE, 0);
        pool_remove(core->pool, &id);
    }
}

static void clean_pool(struct sx *core, const struct block *block)
{
    for (uint32_t i = 0; i < block->tx_count; i++)
        pool_remove(core->pool, &block->txs[i].id);
    for (uint32_t i = 0; i < block->tx_count && core->halted == OK; i++)
        drop_stale(core, &block->txs[i].sender);
}

static void on_stored(struct sx *core, uint64_t height)
{
    const struct candidate *candidate = chain_stored(core->chain, height);
    const struct block *block = candidate_block(candidate);
    CHECK(core->flight_txs >= block->tx_count);
    core->flight_txs -= block->tx_count;
    struct sx_effect *send = sx_effect_add(core, SX_SEND);
    if (send != NULL) {
        send->height = height;
        send->id = block->id;
        send->block = candidate_bytes(candidate);
        send->cert = candidate_cert(candidate);
    }
    struct sx_effect *final = sx_effect_add(core, SX_FINAL);
    if (final != NULL) {
        final->height = height;
        final->id = block->id;
        final->candidate = candidate;
        final->block = candidate_bytes(candidate);
        final->cert = candidate_cert(candidate);
    }
    clean_pool(core, block);
}

/* ---- the step ---- */

static void dispatch(struct sx *core, const struct sx_event *event)
{
    switch (event->kind) {
    case SX_EV_TIME:
        return;
    case SX_EV_SUBMIT:
        on_submit(core, event);
        return;
    case SX_EV_BLOCK:
        sx_on_block(core, event);
        return;
    case SX_EV_PEER:
        sx_on_peer(core, event);
        return;
    case SX_EV_STORED:
        on_stored(core, event->height);
        return;
    }
    CHECK(false); /* an event is one of five */
}

static void finish(struct sx *core, struct sx_effects *out)
{
    struct sx_effect *effect;
    if (core->halted == OK && core->wake_ms != UINT64_MAX) {
        effect = sx_effect_add(core, SX_WAKE);
        if (effect != NULL)
            effect->at_ms = core->wake_ms;
    }
    if (core->halted != OK) {
        effect = sx_effect_add(core, SX_HALT);
        if (effect == NULL) {
            core->last_word = (struct sx_effect){.kind = SX_HALT};
            core->last_word.err = core->halted;
            *out = (struct sx_effects){&core->last_word, 1};
            return;
        }
        effect->err = core->halted;
    }
    *out = (struct sx_effects){core->effects, core->effect_count};
}

void sx_step(struct sx *core, const struct sx_event *event,
             struct sx_effects *out)
{
    arena_reset(&core->arena);
    core->effect_count = 0;
    core->wake_ms = UINT64_MAX;
    core->mono_ms = event->mono_ms;
    core->wall_ms = event->wall_ms;
    if (core->halted == OK) {
        pool_sweep(core->pool);
        dispatch(core, event);
        enum err err = update_role(core);
        if (err != OK)
            sx_halt(core, err);
        if (core->halted == OK && !core->decides)
            relay_waiting(core);
        try_decide(core);
        sx_fetch_more(core);
    }
    finish(core, out);
}
