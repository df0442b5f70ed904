/* The validator with its chain, and the way of transactions to it and of blocks
 * back. What a node's own follower would do (keep what waits, hand it on again,
 * drop what a block made worthless) is done here for it. */

#include "tests/sim/world.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define RELAY_MS UINT64_C(2000)
#define GRANT    UINT64_C(50000000)

/* ---- the core ---- */

static void step(struct world *world, struct sx_event *event);

static void on_core_wake(struct world *world, const struct about *about)
{
    struct sx_event event = {.kind = SX_EV_TIME};
    if (world->validator.wake_ms != about->u)
        return;
    world->validator.wake_ms = 0;
    step(world, &event);
}

static void on_stored(struct world *world, const struct about *about)
{
    struct sx_event event = {.kind = SX_EV_STORED, .height = about->u};
    step(world, &event);
}

static void on_logged(struct world *world, const struct about *about)
{
    struct sx_event event = {.kind = SX_EV_LOGGED, .seq = about->u};
    step(world, &event);
}

static void store_batch(struct world *world, const struct sx_effect *effect)
{
    struct about about = {.u = effect->height};
    CHECK(store_commit(world->validator.store, effect->batch) == OK);
    store_batch_free(effect->batch);
    world_after(world, 1, on_stored, &about);
}

/* Nothing is done on the validator's word: a node's own chain finds out. */
static void note_refusal(const struct world *world,
                         const struct sx_effect *effect)
{
    world_say(world, "chain: refused for %u: tx %02x%02x %s",
              (unsigned)effect->token, effect->id.b[0], effect->id.b[1],
              err_name(effect->err));
}

static void note_tx(struct world *world, const struct tx *tx,
                    const struct result *result, struct touched *out)
{
    struct state *state = chain_state(world->validator.chain);
    struct arena arena;
    out->tx = tx->id;
    out->sender = tx->sender;
    out->nonce = tx->nonce;
    out->kind = tx->kind;
    out->subject = result->effect.subject;
    arena_init(&arena, 1u << 16);
    out->has_contract =
        contract_get(state, &out->subject, &arena, &out->contract) == OK;
    arena_done(&arena);
    world->validator.tx_count++;
    if (tx->kind >= 100 && tx->kind < 108)
        world->validator.final_count[tx->kind - 100]++;
    world_say(world, "block: kind %u of %02x%02x now %s", tx->kind,
              out->subject.b[0], out->subject.b[1],
              out->has_contract ? contract_state_text(out->contract.state)
                                : "-");
}

static void on_block_at(struct world *world, const struct about *about)
{
    struct sim_node *node = &world->nodes[about->node];
    if (node->up && !node->cut_off)
        node_block(world, node, about->u);
}

static void on_final(struct world *world, const struct sx_effect *effect)
{
    struct decider *v = &world->validator;
    const struct block *block = candidate_block(effect->candidate);
    const struct result *results = candidate_results(effect->candidate);
    struct sim_block *out;
    v->blocks = world_room(v->blocks, sizeof(*v->blocks), v->block_count,
                           &v->block_cap);
    CHECK(effect->height == v->block_count);
    out = &v->blocks[v->block_count++];
    memset(out, 0, sizeof(*out));
    out->time_ms = block->header.time_ms;
    out->tx_count = block->tx_count;
    out->txs = calloc(block->tx_count + 1, sizeof(*out->txs));
    CHECK(out->txs != NULL);
    for (uint32_t i = 0; i < block->tx_count; i++)
        note_tx(world, &block->txs[i], &results[i], &out->txs[i]);
    for (uint32_t i = 0; i < world->node_count; i++)
        CHECK(account_get(chain_state(v->chain),
                          &world->nodes[i].key.signer.key,
                          &out->accounts[i]) == OK);
    world_trace(world, 2, effect->height, u64le_get(effect->id.b));
    judge_block(world, out);
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct about about = {.node = i, .u = effect->height};
        world_after(world, world_delay(world), on_block_at, &about);
    }
}

static void step(struct world *world, struct sx_event *event)
{
    struct decider *v = &world->validator;
    struct sx_effects effects;
    struct about about = {0};
    uint64_t logged = 0;
    if (v->paused && event->kind != SX_EV_STORED && event->kind != SX_EV_LOGGED)
        return;
    event->mono_ms = world->now_ms + 1000;
    event->wall_ms = WORLD_T0 + world->now_ms;
    sx_step(v->core, event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct sx_effect *effect = &effects.items[i];
        switch (effect->kind) {
        case SX_LOG:
            logged = effect->seq;
            break;
        case SX_STORE:
            store_batch(world, effect);
            break;
        case SX_FINAL:
            on_final(world, effect);
            break;
        case SX_TX_REFUSED:
            note_refusal(world, effect);
            break;
        case SX_WAKE:
            v->wake_ms = effect->at_ms;
            about.u = effect->at_ms;
            agenda_add(&world->agenda,
                       effect->at_ms > event->mono_ms ? effect->at_ms - 1000
                                                      : world->now_ms + 1,
                       on_core_wake, &about);
            break;
        case SX_HALT:
            judge_fails(world, "the chain halts: %s", err_text(effect->err));
        case SX_NOTICE:
            judge_fails(world, "the validator gives notice %u",
                        (unsigned)effect->notice);
        case SX_LOG_TRIM:
        case SX_SEND:
        case SX_TX_TAKEN:
        case SX_RELAY:
        case SX_PEER_BAD:
            break;
        }
    }
    if (logged > 0) {
        about.u = logged;
        world_after(world, 1, on_logged, &about);
    }
}

void chain_pause(struct world *world, bool paused)
{
    struct sx_event event = {.kind = SX_EV_TIME};
    world->validator.paused = paused;
    if (!paused)
        step(world, &event);
}

/* ---- transactions ---- */

static void on_tx_at(struct world *world, const struct about *about)
{
    struct sx_tx tx = {.bytes = about->bytes, .token = about->node};
    struct sx_event event = {.kind = SX_EV_SUBMIT, .txs = &tx, .tx_count = 1};
    step(world, &event);
}

/* Late, lost or twice, as everything; a copy may turn up much later, from a
 * peer that kept it. */
static void send_tx(struct world *world, struct sim_node *node,
                    const struct waiting_tx *tx)
{
    struct about about = {.node = node->index, .bytes = {tx->bytes, tx->len}};
    if (node->cut_off)
        return;
    if (!world->healed && dice_chance(&world->dice, world->plan.loss_permille))
        return;
    uint64_t delay_ms = world_delay(world);
    if (node->tx_clear_ms > world->now_ms + delay_ms)
        delay_ms = node->tx_clear_ms - world->now_ms;
    node->tx_clear_ms = world->now_ms + delay_ms;
    world_after(world, delay_ms, on_tx_at, &about);
    if (!world->healed && dice_chance(&world->dice, world->plan.copy_permille))
        world_after(world, dice_between(&world->dice, 1, 20000), on_tx_at,
                    &about);
}

static struct waiting_tx *pool_of(struct sim_node *node, const struct hash *id)
{
    for (size_t i = 0; i < node->pool_count; i++)
        if (hash_equal(&node->pool[i].id, id))
            return &node->pool[i];
    return NULL;
}

bool chain_waits(struct sim_node *node, const struct hash *id)
{
    return pool_of(node, id) != NULL;
}

/* What a follower's core finds when it looks at what waits: only one that has
 * all blocks can tell. */
static enum err check_at(struct world *world, const struct sim_node *node,
                         struct bytes bytes, bool as_next)
{
    struct arena arena;
    struct tx tx;
    enum err err;
    if (node->height + 1 != world->validator.block_count)
        return OK;
    arena_init(&arena, 1u << 18);
    CHECK(tx_decode(bytes, &arena, &tx) == OK);
    if (as_next)
        tx.nonce =
            world->validator.blocks[node->height].accounts[node->index].nonce;
    err = chain_check_tx(world->validator.chain, &tx, node_now(world, node));
    arena_done(&arena);
    CHECK(!err_is_fault(err));
    return err;
}

enum err chain_check(struct world *world, const struct sim_node *node,
                     struct bytes bytes)
{
    return check_at(world, node, bytes, false);
}

static void pool_drop(struct sim_node *node, struct waiting_tx *tx)
{
    free(tx->bytes);
    *tx = node->pool[--node->pool_count];
}

static void on_own_refusal(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    if (node != NULL)
        own_tx_refused(node->own, about->u, (enum err)about->code, 0,
                       world->now_ms);
}

/* A number is kept by what holds it, unless that is refused and this is not. */
static enum err take_over(struct world *world, struct sim_node *node,
                          struct bytes bytes, uint64_t nonce)
{
    struct about about = {.node = node->index, .life = node->life};
    struct waiting_tx *holder = NULL;
    for (size_t i = 0; i < node->pool_count; i++)
        if (node->pool[i].nonce == nonce)
            holder = &node->pool[i];
    if (holder == NULL)
        return OK;
    enum err err =
        check_at(world, node, bytes_make(holder->bytes, holder->len), true);
    if (err == OK || check_at(world, node, bytes, true) != OK)
        return ERR_NONCE;
    about.u = holder->token;
    about.code = (uint32_t)err;
    world_after(world, 1, on_own_refusal, &about);
    pool_drop(node, holder);
    return OK;
}

static void on_relay(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    struct waiting_tx *tx = node != NULL ? pool_of(node, &about->id) : NULL;
    uint64_t token;
    enum err err;
    if (tx == NULL)
        return;
    err = chain_check(world, node, bytes_make(tx->bytes, tx->len));
    if (err == OK) {
        send_tx(world, node, tx);
        world_after(world, RELAY_MS, on_relay, about);
        return;
    }
    token = tx->token;
    pool_drop(node, tx);
    own_tx_refused(node->own, token, err, 0, world->now_ms);
}

enum err chain_submit(struct world *world, struct sim_node *node,
                      struct bytes bytes, uint64_t token)
{
    const struct sim_block *seen = &world->validator.blocks[node->height];
    struct about about = {.node = node->index, .life = node->life, .u = token};
    struct waiting_tx waiting = {.len = bytes.len, .token = token};
    struct arena arena;
    struct tx tx;
    enum err err;
    arena_init(&arena, 1u << 18);
    CHECK(tx_decode(bytes, &arena, &tx) == OK);
    waiting.id = about.id = tx.id;
    waiting.nonce = tx.nonce;
    arena_done(&arena);
    err = pool_of(node, &waiting.id) != NULL ? ERR_EXISTS
          : waiting.nonce < seen->accounts[node->index].nonce
              ? ERR_NONCE
              : chain_check(world, node, bytes);
    if (err == OK)
        err = take_over(world, node, bytes, waiting.nonce);
    if (err != OK) {
        about.code = (uint32_t)err;
        world_after(world, 1, on_own_refusal, &about);
        return OK;
    }
    world_say(world, "node %u: sends tx %02x%02x number %llu", node->index,
              waiting.id.b[0], waiting.id.b[1],
              (unsigned long long)waiting.nonce);
    waiting.bytes = malloc(bytes.len);
    CHECK(waiting.bytes != NULL);
    memcpy(waiting.bytes, bytes.ptr, bytes.len);
    node->pool = world_room(node->pool, sizeof(*node->pool), node->pool_count,
                            &node->pool_cap);
    node->pool[node->pool_count++] = waiting;
    send_tx(world, node, &waiting);
    world_after(world, RELAY_MS, on_relay, &about);
    return OK;
}

void chain_pool_clear(struct sim_node *node)
{
    for (size_t i = 0; i < node->pool_count; i++)
        free(node->pool[i].bytes);
    node->pool_count = 0;
}

const struct contract *chain_contract(const struct world *world,
                                      const struct hash *id, uint64_t height)
{
    for (uint64_t h = height; h > 0; h--) {
        const struct sim_block *block = &world->validator.blocks[h];
        for (size_t i = 0; i < block->tx_count; i++)
            if (block->txs[i].has_contract &&
                hash_equal(&block->txs[i].subject, id))
                return &block->txs[i].contract;
    }
    return NULL;
}

/* ---- life ---- */

static void make_genesis(struct world *world)
{
    struct genesis *genesis = &world->validator.genesis;
    const struct sim_plan *plan = &world->plan;
    genesis_init(genesis);
    strcpy(genesis->network, "sim");
    genesis->test = true;
    genesis->time_ms = WORLD_T0;
    CHECK(params_set(&genesis->params, "min_interval_ms", plan->interval_ms) ==
          OK);
    CHECK(params_set(&genesis->params, "claim_ms", plan->claim_ms) == OK);
    CHECK(params_set(&genesis->params, "review_ms", plan->review_ms) == OK);
    CHECK(params_set(&genesis->params, "review_ms_max", plan->review_ms) == OK);
    CHECK(market_params_fill(&genesis->params) == OK);
    CHECK(genesis_add_validator(genesis, &world->validator.key.signer.key,
                                amount_micro(1000000), NULL) == OK);
    for (uint32_t i = 0; i < world->node_count; i++)
        /* A node's own money is for bonds; some have little. */
        CHECK(genesis_add_account(
                  genesis, &world->nodes[i].key.signer.key,
                  amount_micro(dice_chance(&world->dice, 150)
                                   ? dice_between(&world->dice, 1, 500)
                                   : GRANT)) == OK);
    for (uint32_t i = 0; i < WORLD_USERS; i++) {
        sim_key_init(&world->users[i].key, plan->seed, 200 + i);
        /* The last one cannot pay for much. */
        CHECK(genesis_add_account(
                  genesis, &world->users[i].key.signer.key,
                  amount_micro(i + 1 < WORLD_USERS
                                   ? GRANT
                                   : dice_between(&world->dice, 1, 40000))) ==
              OK);
    }
    CHECK(genesis_seal(genesis) == OK);
}

void chain_init(struct world *world)
{
    struct decider *v = &world->validator;
    struct kind_table kinds = {market_kinds, market_kind_count};
    struct sx_options options = {.signer = &v->key.signer, .mono_ms = 1000};
    struct wal_report made = {.first_seq = 1, .last_seq = 1};
    sim_key_init(&v->key, world->plan.seed, 100);
    make_genesis(world);
    CHECK(store_mem_new(&v->store) == OK);
    CHECK(chain_open(v->store, &v->genesis, &kinds, &v->chain) == OK);
    CHECK(sx_new(v->chain, &options, &v->core) == OK);
    CHECK(sx_replay(v->core, 1, SX_LOG_INIT, bytes_make(NULL, 0)) == OK);
    sx_replayed(v->core, &made, 1);
    v->blocks = world_room(v->blocks, sizeof(*v->blocks), v->block_count,
                           &v->block_cap);
    memset(&v->blocks[0], 0, sizeof(v->blocks[0]));
    v->blocks[0].time_ms = WORLD_T0;
    v->block_count = 1;
    for (uint32_t i = 0; i < world->node_count; i++)
        CHECK(account_get(chain_state(v->chain),
                          &world->nodes[i].key.signer.key,
                          &v->blocks[0].accounts[i]) == OK);
}

void chain_done(struct world *world)
{
    struct decider *v = &world->validator;
    for (size_t i = 0; i < v->block_count; i++)
        free(v->blocks[i].txs);
    free(v->blocks);
    sx_free(v->core);
    chain_close(v->chain);
    store_close(v->store);
    genesis_done(&v->genesis);
}
