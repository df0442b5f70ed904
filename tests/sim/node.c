/* A node's process: the two engines, what they want carried out, and what is
 * left of it when it is killed between any two effects. */

#include "tests/sim/world.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- time ---- */

uint64_t node_now(const struct world *world, const struct sim_node *node)
{
    return (uint64_t)((int64_t)(WORLD_T0 + world->now_ms) + node->skew_ms);
}

struct sim_node *node_living(struct world *world, const struct about *about)
{
    struct sim_node *node = &world->nodes[about->node];
    return node->up && node->life == about->life ? node : NULL;
}

static struct about about_node(const struct sim_node *node)
{
    return (struct about){.node = node->index, .life = node->life};
}

static void on_wake(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    struct trade_event event = {.kind = TRADE_TICK};
    if (node == NULL || node->wake_ms != about->u)
        return;
    node->wake_ms = UINT64_MAX;
    node_event(world, node, &event);
}

static void on_look(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    struct trade_event event = {.kind = TRADE_USE,
                                .id = about->id,
                                .task = (uint32_t)about->u,
                                .subject = about->subject};
    for (uint32_t attempt = REQUEST_ATTEMPTS_MAX;
         node != NULL && attempt-- > 0 && event.contract == NULL;) {
        struct hash id;
        contract_id(&about->id, event.task, attempt, &id);
        event.contract = chain_contract(world, &id, node->height);
    }
    if (node != NULL)
        node_event(world, node, &event);
}

static void wake_at(struct world *world, struct sim_node *node, uint64_t at_ms)
{
    uint64_t now_ms = node_now(world, node);
    struct about about = about_node(node);
    if (at_ms >= node->wake_ms)
        return;
    node->wake_ms = about.u = at_ms;
    world_after(world, at_ms > now_ms ? at_ms - now_ms : 1, on_wake, &about);
}

/* ---- effects ---- */

static struct log_file *log_of(struct sim_node *node,
                               const struct hash *contract, uint32_t stream)
{
    struct log_file *log;
    for (size_t i = 0; i < node->log_count; i++)
        if (hash_equal(&node->logs[i].contract, contract) &&
            node->logs[i].stream == stream)
            return &node->logs[i];
    node->logs = world_room(node->logs, sizeof(*node->logs), node->log_count,
                            &node->log_cap);
    log = &node->logs[node->log_count++];
    *log = (struct log_file){.contract = *contract, .stream = stream};
    return log;
}

static void write_log(struct world *world, struct sim_node *node,
                      const struct trade_effect *effect)
{
    struct log_file *log = log_of(node, &effect->subject, effect->stream);
    if (effect->offset > log->len)
        judge_fails(world, "a hole in a log: %llu after %llu",
                    (unsigned long long)effect->offset,
                    (unsigned long long)log->len);
    for (size_t i = 0;
         i < effect->bytes.len && world->plan.meddle_permille == 0; i++)
        if (effect->bytes.ptr[i] != machine_log_byte(&effect->subject,
                                                     effect->stream,
                                                     effect->offset + i))
            judge_fails(world, "a log has other bytes than were written");
    if (effect->offset + effect->bytes.len > log->len)
        log->len = effect->offset + effect->bytes.len;
}

static void sync_all(struct sim_node *node)
{
    memory_sync(&node->memory);
    for (size_t i = 0; i < node->log_count; i++)
        node->logs[i].synced = node->logs[i].len;
}

static enum err submit(void *ctx, struct bytes tx, uint64_t token);

static void do_tx(struct world *world, struct sim_node *node,
                  const struct trade_effect *effect)
{
    enum err err = own_tx_add(node->own, effect->tx_kind, &effect->subject,
                              effect->bytes, node->height, world->now_ms);
    CHECK(err == OK);
}

/* What its chain says, as far as it has come. */
static void do_look(struct world *world, struct sim_node *node,
                    const struct trade_effect *effect)
{
    struct about about = about_node(node);
    about.id = effect->id;
    about.subject = effect->subject;
    about.u = effect->task;
    world_after(world, 1, on_look, &about);
}

static void carry_out_one(struct world *world, struct sim_node *node,
                          const struct trade_effect *effect)
{
    switch (effect->kind) {
    case EFFECT_SAVE:
        memory_put(&node->memory, effect->key, effect->bytes);
        break;
    case EFFECT_SEND:
        net_send(world, node, &effect->peer, effect->bytes);
        break;
    case EFFECT_DIAL:
        net_dial(world, node, &effect->peer);
        break;
    case EFFECT_TX:
        do_tx(world, node, effect);
        break;
    case EFFECT_FETCH:
        store_fetch(world, node, effect);
        break;
    case EFFECT_LOOK:
        do_look(world, node, effect);
        break;
    case EFFECT_UNPIN:
        store_unpin(node, &effect->subject);
        break;
    case EFFECT_SHARE:
        store_share(world, node, effect);
        break;
    case EFFECT_EXEC_START:
        machine_start(world, node, effect);
        break;
    case EFFECT_EXEC_KILL:
        machine_kill(world, node, &effect->subject);
        break;
    case EFFECT_EXEC_LOG:
        machine_log(world, node, effect);
        break;
    case EFFECT_EXEC_COLLECT:
        machine_collect(world, node, &effect->subject);
        break;
    case EFFECT_EXEC_REMOVE:
        machine_remove(node, &effect->subject);
        break;
    case EFFECT_LOG_WRITE:
        write_log(world, node, effect);
        break;
    case EFFECT_FORGET: /* no folders here */
        break;
    case EFFECT_WAKE:
        wake_at(world, node, effect->at_ms);
        break;
    case EFFECT_NOTE:
        world_say(world, "node %u: task %d of %02x%02x: %s", node->index,
                  (int)effect->task, effect->subject.b[0], effect->subject.b[1],
                  effect->text);
        break;
    }
}

/* The end of the process at this very effect? */
static bool struck(struct world *world, struct sim_node *node)
{
    if (node->kill_in == 0 || world->healed || --node->kill_in > 0)
        return false;
    world_say(world, "node %u: killed between two effects", node->index);
    node_kill(world, node);
    return true;
}

bool node_carry_out(struct world *world, struct sim_node *node,
                    struct trade_effects *effects)
{
    CHECK(effects->err == OK);
    for (size_t i = 0; i < effects->count; i++) {
        const struct trade_effect *effect = &effects->list[i];
        if (struck(world, node))
            return false;
        if (effect->kind != EFFECT_SAVE && effect->kind != EFFECT_LOG_WRITE &&
            node->memory.tail_count > 0)
            sync_all(node);
        world_trace(world, 1, (uint64_t)effect->kind << 8 | node->index,
                    effect->bytes.len ^ u64le_get(effect->subject.b));
        carry_out_one(world, node, effect);
    }
    sync_all(node);
    return true;
}

void node_event(struct world *world, struct sim_node *node,
                struct trade_event *event)
{
    uint32_t life = node->life;
    if (!node->up)
        return;
    event->now_ms = node_now(world, node);
    event->chain_time_ms = world->validator.blocks[node->height].time_ms;
    if (node->buy != NULL) {
        buy_step(node->buy, event, &node->buy_effects);
        if (!node_carry_out(world, node, &node->buy_effects))
            return;
    }
    CHECK(node->up && node->life == life);
    if (node->sell != NULL) {
        sell_step(node->sell, event, &node->sell_effects);
        (void)node_carry_out(world, node, &node->sell_effects);
    }
}

/* ---- transactions ---- */

struct submit_ctx {
    struct world *world;
    struct sim_node *node;
};
static struct submit_ctx submit_ctxs[WORLD_NODES_MAX];

static enum err submit(void *ctx, struct bytes tx, uint64_t token)
{
    struct submit_ctx *to = ctx;
    return chain_submit(to->world, to->node, tx, token);
}

static enum err judge(void *ctx, struct bytes tx)
{
    struct submit_ctx *to = ctx;
    return chain_check(to->world, to->node, tx);
}

static bool waits(void *ctx, const struct hash *id)
{
    struct submit_ctx *to = ctx;
    return chain_waits(to->node, id);
}

static enum err keep(void *ctx, const char *name, struct bytes record)
{
    struct submit_ctx *to = ctx;
    memory_put(&to->node->memory, name, record);
    return OK;
}

/* As the disk does for effects: nothing leaves before. */
static uint64_t ticket(void *ctx)
{
    struct submit_ctx *to = ctx;
    sync_all(to->node);
    return 0;
}

static void on_tx_refused(struct world *world, const struct about *about)
{
    struct trade_event event = {.kind = TRADE_TX_REFUSED,
                                .subject = about->id,
                                .tx_kind = (uint32_t)about->u,
                                .err = (enum err)about->code};
    if (node_living(world, about) != NULL)
        node_event(world, &world->nodes[about->node], &event);
}

static void refused(void *ctx, uint32_t kind, const struct hash *subject,
                    enum err err)
{
    struct submit_ctx *to = ctx;
    struct about about = about_node(to->node);
    about.id = *subject;
    about.u = kind;
    about.code = (uint32_t)err;
    world_after(to->world, 1, on_tx_refused, &about);
}

/* ---- blocks ---- */

static bool concerns(const struct sim_node *node, const struct contract *c)
{
    return pubkey_equal(&c->provider, &node->key.signer.key) ||
           pubkey_equal(&c->agent, &node->key.signer.key);
}

static void tell_contract(struct world *world, struct sim_node *node,
                          const struct contract *contract)
{
    struct trade_event event = {.kind = TRADE_CONTRACT, .contract = contract};
    if (concerns(node, contract))
        node_event(world, node, &event);
}

/* A block's is told once; what is not settled says nothing. */
static void note_contract(struct sim_node *node,
                          const struct contract *contract)
{
    if (node->standings != NULL)
        CHECK(standings_note(node->standings, contract) == OK);
}

static void tell_balance(struct world *world, struct sim_node *node)
{
    const struct sim_block *block = &world->validator.blocks[node->height];
    if (node->sell != NULL)
        sell_balance(node->sell, block->accounts[node->index].balance);
}

static void drop_stale(struct world *world, struct sim_node *node)
{
    const struct sim_block *block = &world->validator.blocks[node->height];
    uint64_t nonce = block->accounts[node->index].nonce;
    for (size_t i = 0; i < node->pool_count;) {
        struct waiting_tx tx = node->pool[i];
        if (tx.nonce >= nonce) {
            i++;
            continue;
        }
        free(tx.bytes);
        node->pool[i] = node->pool[--node->pool_count];
        own_tx_refused(node->own, tx.token, ERR_NONCE, 0, world->now_ms);
    }
}

static void forget_tx(struct sim_node *node, const struct hash *id)
{
    for (size_t i = 0; i < node->pool_count; i++) {
        if (!hash_equal(&node->pool[i].id, id))
            continue;
        free(node->pool[i].bytes);
        node->pool[i] = node->pool[--node->pool_count];
        return;
    }
}

/* False when it did not live to see the end of the block. */
static bool take_block(struct world *world, struct sim_node *node)
{
    const struct sim_block *block = &world->validator.blocks[++node->height];
    uint32_t life = node->life;
    for (size_t i = 0; i < block->tx_count; i++) {
        const struct touched *tx = &block->txs[i];
        if (pubkey_equal(&tx->sender, &node->key.signer.key))
            own_tx_final(node->own, tx->kind, &tx->subject, tx->nonce);
        forget_tx(node, &tx->tx);
    }
    tell_balance(world, node);
    for (size_t i = 0; i < block->tx_count; i++) {
        if (block->txs[i].has_contract) {
            note_contract(node, &block->txs[i].contract);
            tell_contract(world, node, &block->txs[i].contract);
        }
        if (!node->up || node->life != life)
            return false;
    }
    drop_stale(world, node);
    own_tx_tick(node->own, node->height, world->now_ms);
    return true;
}

void node_block(struct world *world, struct sim_node *node, uint64_t height)
{
    while (node->height < height)
        if (!take_block(world, node))
            return;
}

static void on_second(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    if (node == NULL)
        return;
    own_tx_tick(node->own, node->height, world->now_ms);
    world_after(world, 1000, on_second, about);
    if (!node->cut_off)
        node_block(world, node, world->validator.block_count - 1);
}

/* ---- life ---- */

static void make_engines(struct world *world, struct sim_node *node)
{
    struct buy_config buy = {.chain = world->validator.genesis.chain,
                             .signer = &node->key.signer,
                             .self = node->key.signer.key,
                             .lost_ms = world->plan.lost_ms};
    struct own_tx_options own = {
        .chain = world->validator.genesis.chain,
        .signer = &node->key.signer,
        .nonce =
            world->validator.blocks[node->height].accounts[node->index].nonce,
        .submit = submit,
        .judge = judge,
        .waits = waits,
        .keep = keep,
        .ticket = ticket,
        .refused = refused,
        .ctx = &submit_ctxs[node->index],
    };
    submit_ctxs[node->index] = (struct submit_ctx){world, node};
    snprintf(buy.bulk_address, sizeof(buy.bulk_address), "%s", node->address);
    u64le_put(buy.book_key, world->plan.seed);
    CHECK(own_tx_new(&own, &node->own) == OK);
    trade_effects_init(&node->buy_effects);
    trade_effects_init(&node->sell_effects);
    node->sell_config.chain = world->validator.genesis.chain;
    if (node->buys)
        CHECK(buy_new(&buy, &node->buy) == OK);
    if (node->sells) {
        CHECK(sell_new(&node->sell_config, &node->sell) == OK);
        sell_open(node->sell, node->selling);
        tell_balance(world, node);
    }
}

static void load(struct world *world, struct sim_node *node)
{
    for (size_t i = 0; i < node->memory.count; i++) {
        const struct memory_record *record = &node->memory.records[i];
        struct bytes bytes = {record->bytes, record->len};
        enum err err = OK;
        if (strncmp(record->key, "own/", 4) == 0)
            err = own_tx_load(node->own, bytes);
        else if (strncmp(record->key, "buy/", 4) == 0)
            err = buy_load(node->buy, record->key, bytes);
        else
            err = sell_load(node->sell, record->key, bytes);
        if (err != OK)
            judge_fails(world, "record %s does not load: %s", record->key,
                        err_text(err));
    }
}

/* What stands on its chain about its contracts, as far as it has come. */
static void replay(struct world *world, struct sim_node *node)
{
    size_t count = world->judge.contract_count;
    uint32_t life = node->life;
    for (size_t i = 0; i < count && node->up && node->life == life; i++) {
        const struct contract *c =
            chain_contract(world, &world->judge.contracts[i].id, node->height);
        if (c != NULL)
            tell_contract(world, node, c);
    }
}

/* How sellers kept their contracts before this world began. */
static void note_past(struct world *world, struct sim_node *node)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct sim_node *seller = &world->nodes[i];
        struct contract c = {.state = CONTRACT_SETTLED,
                             .reason = END_DONE,
                             .buyer = {{0xee}},
                             .agent = node->key.signer.key,
                             .provider = seller->key.signer.key,
                             .time_ms_max = 3600000};
        for (uint32_t k = 0; seller->sells && k < 3 + 4 * i; k++)
            note_contract(node, &c);
    }
}

/* Before anything is matched. */
static void recall(struct world *world, struct sim_node *node)
{
    const struct standings_config config = {
        .self = node->key.signer.key, .max = WORLD_NODES_MAX, .key = {7}};
    if (!world->plan.copies || node->buy == NULL)
        return;
    CHECK(standings_new(&config, &node->standings) == OK);
    note_past(world, node);
    for (size_t i = 0; i < world->judge.contract_count; i++) {
        const struct contract *c =
            chain_contract(world, &world->judge.contracts[i].id, node->height);
        if (c != NULL)
            note_contract(node, c);
    }
    book_lend(buy_book(node->buy), node->standings, NULL);
}

void node_start(struct world *world, struct sim_node *node)
{
    struct trade_event event = {.kind = TRADE_TICK};
    struct about about;
    if (node->up || node->gone)
        return;
    node->up = true;
    node->life++;
    node->wake_ms = UINT64_MAX;
    node->kill_in = 0;
    if (world->plan.crash_effects > 0 && !world->healed)
        node->kill_in =
            1 + dice_below(&world->dice, 2 * world->plan.crash_effects);
    make_engines(world, node);
    recall(world, node);
    load(world, node);
    about = about_node(node);
    world_after(world, dice_below(&world->dice, 1000), on_second, &about);
    replay(world, node);
    node_event(world, node, &event);
    if (node->up && node->life == about.life && node->machine.up)
        machine_adopt(world, node);
}

static void free_engines(struct sim_node *node)
{
    buy_free(node->buy);
    standings_free(node->standings);
    node->standings = NULL;
    sell_free(node->sell);
    own_tx_free(node->own);
    trade_effects_done(&node->buy_effects);
    trade_effects_done(&node->sell_effects);
    node->buy = NULL;
    node->sell = NULL;
    node->own = NULL;
}

static void on_restart(struct world *world, const struct about *about)
{
    world_say(world, "node %u: starts again", about->node);
    node_start(world, &world->nodes[about->node]);
}

void node_kill(struct world *world, struct sim_node *node)
{
    struct about about = {.node = node->index};
    if (!node->up)
        return;
    node->up = false;
    node->disturbed = true;
    world->kills++;
    memory_crash(&node->memory, &world->dice);
    for (size_t i = 0; i < node->log_count; i++)
        node->logs[i].len =
            dice_between(&world->dice, node->logs[i].synced, node->logs[i].len);
    free_engines(node);
    chain_pool_clear(node);
    machine_forget_watches(node);
    node->blobs.share_count = 0;
    if (!world->healed &&
        dice_chance(&world->dice, world->plan.wipe_permille)) {
        world_say(world, "node %u: its disk is lost", node->index);
        memory_done(&node->memory);
        node->log_count = 0;
        node->wiped = true;
    }
    net_break_all(world, node->index);
    if (!node->gone)
        world_after(world,
                    dice_between(&world->dice, 50, world->plan.down_ms_max),
                    on_restart, &about);
}

static void draw_shop(struct world *world, struct sim_node *node)
{
    struct dice *dice = &world->dice;
    struct sell_config *config = &node->sell_config;
    *config = (struct sell_config){
        .signer = &node->key.signer,
        .total = {.cpu_milli = (uint32_t)dice_between(dice, 1500, 8000),
                  .mem_mib = dice_between(dice, 1024, 8192),
                  .disk_mib = 4096},
        .slots = (uint32_t)dice_between(dice, 1, 6),
        .time_ms_max = 600000,
        .arch = ARCH_X86_64,
        .price = {.cpu_hour = amount_micro(dice_between(dice, 10000, 60000)),
                  .mem_hour = amount_micro(dice_between(dice, 1000, 5000)),
                  .disk_hour = amount_micro(dice_between(dice, 10, 100))},
        .grade = {.int_ops = dice_between(dice, 1000000, 9000000),
                  .float_ops = dice_between(dice, 1000000, 9000000),
                  .mem_bps = 5000000,
                  .disk_bps = 1000000},
        .offer_version = 1,
        .bond_permille = 100,
        .start_by_ms = world->plan.start_by_ms,
        .receipt_ms = world->plan.receipt_ms,
        .retention_ms = world->plan.retention_ms,
    };
    if (world->plan.queue != LINE_OFF) {
        config->queue = world->plan.queue;
        config->slots = (uint32_t)dice_between(dice, 1, 2);
    }
    node->selling = true;
}

void node_init(struct world *world, struct sim_node *node)
{
    uint64_t skew = world->plan.skew_ms_max;
    snprintf(node->address, sizeof(node->address), "10.0.0.%u:7000",
             node->index);
    node->skew_ms =
        (int64_t)dice_below(&world->dice, 2 * skew + 1) - (int64_t)skew;
    node->machine.up = true;
    if (node->sells)
        draw_shop(world, node);
}

void node_done(struct sim_node *node)
{
    if (node->up)
        free_engines(node);
    chain_pool_clear(node);
    machine_forget_watches(node);
    free(node->pool);
    free(node->logs);
    free(node->machine.jobs);
    free(node->machine.gone);
    free(node->machine.watches);
    free(node->blobs.pins);
    free(node->blobs.shares);
    memory_done(&node->memory);
}
