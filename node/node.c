#include "node/node.h"

#include "base/check.h"
#include "node/shell/book_guess.h"
#include "node/peer/gossip.h"
#include "node/shell/graph_roads.h"
#include "node/blob/image_cache.h"
#include "node/blob/images.h"
#include "node/audit/audit.h"
#include "node/peer/link_agent.h"
#include "node/log.h"
#include "node/shell/node_standing.h"
#include "node/node_start.h"
#include "node/sell/offering.h"
#include "node/control/rpc_tx.h"
#include "node/control/rpc_send.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_table.h"
#include "node/shell/trade_shell.h"
#include "node/control/waiters.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOBS_COLLECT_MS 5000u

/* ---- warnings ---- */

void node_warn(struct node *node, const char *what, const char *why,
               const char *next)
{
    struct node_warning *warning = NULL;
    for (uint32_t i = 0; i < node->warning_count; i++) {
        if (strcmp(node->warnings[i].what, what) == 0)
            warning = &node->warnings[i];
    }
    if (warning != NULL && strcmp(warning->why, why) == 0)
        return;
    log_odd("node", "%s: %s. Try: %s", what, why, next);
    if (warning == NULL && node->warning_count == NODE_WARNINGS_MAX)
        return;
    if (warning == NULL)
        warning = &node->warnings[node->warning_count++];
    snprintf(warning->what, sizeof(warning->what), "%s", what);
    snprintf(warning->why, sizeof(warning->why), "%s", why);
    snprintf(warning->next, sizeof(warning->next), "%s", next);
}

void node_unwarn(struct node *node, const char *what)
{
    for (uint32_t i = 0; i < node->warning_count; i++) {
        if (strcmp(node->warnings[i].what, what) != 0)
            continue;
        node->warnings[i] = node->warnings[--node->warning_count];
        return;
    }
}

/* ---- from the chain ---- */

static void note_trade(struct node *node, const struct result *result)
{
    struct feed_event event = {.at_ms = node_wall_ms(),
                               .kind = FEED_TRADE,
                               .contract = result->effect.subject,
                               .task = UINT32_MAX,
                               .code = result->effect.code};
    char moved[AMOUNT_TEXT_MAX];
    amount_format(result->effect.moved, moved);
    snprintf(event.text, sizeof(event.text), "contract %s, %s moved",
             contract_state_text((enum contract_state)result->effect.code),
             moved);
    feed_add(&node->feed, &event);
}

static void note_block(struct node *node, const struct block *block)
{
    struct feed_event event = {.at_ms = node_wall_ms(),
                               .kind = FEED_BLOCK,
                               .task = UINT32_MAX,
                               .code = (uint32_t)block->header.height};
    snprintf(event.text, sizeof(event.text), "block %llu, %u transactions",
             (unsigned long long)block->header.height, block->tx_count);
    feed_add(&node->feed, &event);
}

/* The links go before the chain when the node stops. */
static bool has_links(const struct node *node)
{
    return node->gossip != NULL && !node->stopping;
}

/* A transfer is about nothing that the chain would name: its id is it. */
static void own_final(struct node *node, const struct tx *tx,
                      const struct hash *subject, uint64_t height)
{
    struct hash payment;
    if (tx->kind == TX_TRANSFER)
        subject = &tx->id;
    if (own_tx_payment_of(node->own, tx->nonce, &tx->id, &payment))
        rpc_send_final(node, &payment, &tx->id, height);
    own_tx_final(node->own, tx->kind, subject, tx->nonce);
}

static void on_final(void *ctx, const struct candidate *candidate)
{
    struct node *node = ctx;
    const struct block *block = candidate_block(candidate);
    const struct result *results = candidate_results(candidate);
    log_debug("chain", "block %llu final txs=%u",
              (unsigned long long)block->header.height, block->tx_count);
    note_block(node, block);
    chain_watch_block(node);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const struct tx *tx = &block->txs[i];
        const struct hash *subject = &results[i].effect.subject;
        tx_watch_final(node, &tx->id, block->header.height);
        if (pubkey_equal(&tx->sender, &node->self))
            own_final(node, tx, subject, block->header.height);
        if (hash_is_zero(subject))
            continue;
        note_trade(node, &results[i]);
        if (results[i].effect.code == CONTRACT_SETTLED)
            node_standing_settled(node, subject);
        if (node->shell != NULL)
            shell_contract(node->shell, subject);
    }
    own_tx_tick(node->own, block->header.height, uv_now(node->loop));
    waiters_poke(node->waiters);
}

static void on_send(void *ctx, uint64_t peer, struct bytes message)
{
    struct node *node = ctx;
    if (has_links(node))
        gossip_sx(node->gossip, peer, message);
}

static void on_relay(void *ctx, uint64_t token, bool first, struct bytes tx)
{
    struct node *node = ctx;
    if (has_links(node) && !(first && gossip_told_all(node->gossip, token)))
        gossip_relay(node->gossip, tx);
}

static void on_told(void *ctx)
{
    struct node *node = ctx;
    if (has_links(node))
        gossip_relay_end(node->gossip);
}

static void on_refused(void *ctx, const struct hash *id, uint64_t token,
                       enum err err, uint64_t height)
{
    struct node *node = ctx;
    if (node->stopping)
        return;
    if (node->gossip != NULL && gossip_refused(node->gossip, id, token, err))
        return;
    if ((token & OWN_TX_TOKEN) != 0)
        own_tx_refused(node->own, token, err, height, uv_now(node->loop));
    else
        tx_watch_refused(node, token, err, height);
}

/* The chain has leapt from the genesis to its base: what is otherwise learnt
 * block by block is read once. */
static void on_fetched(struct node *node)
{
    struct chain *chain = chain_host_chain(node->host);
    struct account account;
    enum err err = account_get(chain_state(chain), &node->self, &account);
    log_info("chain", "the state at height %llu is here; going on from it",
             (unsigned long long)chain_base(chain));
    if (err == OK && node->own != NULL)
        own_tx_nonce(node->own, account.nonce);
    if (err == OK && node->shell != NULL)
        err = shell_contracts(node->shell);
    if (err == OK && node->standings != NULL)
        err = node_standing_scan(node);
    if (err != OK)
        log_odd("chain", "the fetched state cannot be read: %s", err_text(err));
    if (node->waiters != NULL)
        waiters_poke(node->waiters);
}

/* What an operator should know of the votes; see ledger/sx/sx.h. */
static void on_notice(void *ctx, enum sx_notice notice, uint16_t index)
{
    static const char amnesia[] = "the safety log has gaps";
    struct node *node = ctx;
    switch (notice) {
    case SX_NOTICE_EQUIVOCATION:
        log_odd("chain",
                "validator %u has signed two opposite votes; the "
                "evidence goes into a block",
                index);
        return;
    case SX_NOTICE_TWIN:
        node_warn(node, "another machine votes with this validator's key",
                  "this node signs nothing any more",
                  "stop the other, then start this node again. If there is no "
                  "other this directory is an old copy: move votes/ away "
                  "first");
        return;
    case SX_NOTICE_AMNESIA:
        node_warn(node, amnesia,
                  "what this validator has signed before is not known; it "
                  "signs nothing until the others have decided enough",
                  "wait; suan chain status tells. Where the others are too "
                  "few to tell: suan validator recall");
        return;
    case SX_NOTICE_RECALLED:
        node_unwarn(node, amnesia);
        log_info("chain", "signing again");
        return;
    case SX_NOTICE_CLOCK:
        log_odd("chain",
                "a proposal of validator %u is outside our clock's "
                "window: is one of the clocks wrong?",
                index);
        return;
    case SX_NOTICE_JOINED:
        log_info("chain", "this node is a validator from this epoch on");
        return;
    case SX_NOTICE_LEFT:
        log_info("chain", "this node is no validator any more");
        return;
    case SX_NOTICE_FETCHES:
        log_info("chain", "fetching the state from peers, page by page");
        return;
    case SX_NOTICE_FETCHED:
        on_fetched(node);
        return;
    }
}

static void on_peer_bad(void *ctx, uint64_t peer, enum err err)
{
    struct node *node = ctx;
    if (has_links(node))
        gossip_bad(node->gossip, peer, err);
}

static void on_halt(void *ctx, enum err err)
{
    struct node *node = ctx;
    log_odd("chain", "the chain has stopped here: %s. Try: %s", err_text(err),
            err == ERR_MAP_FULL  ? "start the node again: it reserves more"
            : err == ERR_CORRUPT ? "move the chain directory away, then start "
                                   "the node again: it is fetched anew"
            : err_is_fault(err)  ? "see to the disk, then start the node again"
                                 : "start the node again, then suan chain "
                                   "verify");
    node_stop(node, 1);
}

/* ---- own transactions ---- */

static enum err submit_own(void *ctx, struct bytes tx, uint64_t token)
{
    struct node *node = ctx;
    return chain_host_submit(node->host, tx, token);
}

static enum err own_judge(void *ctx, struct bytes bytes)
{
    struct node *node = ctx;
    struct chain *chain = chain_host_chain(node->host);
    struct arena arena;
    struct tx tx;
    if (chain_is_syncing(chain))
        return OK;
    arena_init(&arena, 4 * LIMIT_TX_BYTES);
    enum err err = tx_decode(bytes, &arena, &tx);
    if (err == OK)
        err = chain_check_tx(chain, &tx, node_wall_ms());
    arena_done(&arena);
    return err;
}

static bool own_waits(void *ctx, const struct hash *id)
{
    struct node *node = ctx;
    struct pool *pool = sx_pool(chain_host_core(node->host));
    return pool_find(pool, id) != NULL || pool_carried(pool, id);
}

static enum err own_keep(void *ctx, const char *name, struct bytes record)
{
    struct node *node = ctx;
    return node->shell != NULL ? shell_keep(node->shell, name, record)
                               : ERR_NOT_READY;
}

static uint64_t own_ticket(void *ctx)
{
    struct node *node = ctx;
    return shell_ticket(node->shell);
}

static void own_refused(void *ctx, uint32_t kind, const struct hash *subject,
                        enum err err)
{
    struct node *node = ctx;
    struct trade_event event = {.kind = TRADE_TX_REFUSED,
                                .subject = *subject,
                                .tx_kind = kind,
                                .err = err};
    if (kind == TX_TRANSFER) {
        rpc_send_refused(node, subject, err);
        return;
    }
    log_info("trade", "our transaction of kind %u was refused: %s", kind,
             err_text(err));
    if (node->shell != NULL)
        shell_event(node->shell, &event);
}

/* ---- from the links ---- */

static void on_peer_up(void *ctx, struct net_peer *peer,
                       const struct channel_identity *identity)
{
    struct node *node = ctx;
    struct feed_event event = {
        .at_ms = node_wall_ms(), .kind = FEED_NODE, .task = UINT32_MAX};
    gossip_peer_up(node->gossip, peer, identity);
    snprintf(event.text, sizeof(event.text), "a peer is connected, %u in all",
             net_peer_count(node->net));
    feed_add(&node->feed, &event);
}

static void on_peer_down(void *ctx, struct net_peer *peer, enum err err)
{
    struct node *node = ctx;
    gossip_peer_down(node->gossip, peer, err);
}

static void on_displaced(void *ctx)
{
    struct node *node = ctx;
    namesake_seen(&node->namesake, uv_now(node->loop));
}

static void on_message(void *ctx, struct net_peer *peer, struct bytes message)
{
    struct node *node = ctx;
    gossip_message(node->gossip, peer, message);
}

static void on_net_note(void *ctx, const char *text)
{
    (void)ctx;
    log_info("net", "%s", text);
}

static uint64_t tip_height(void *ctx)
{
    struct node *node = ctx;
    return chain_tip(chain_host_chain(node->host)).height;
}

static bool may_probe(void *ctx, const struct pubkey *peer, uint64_t bytes)
{
    struct node *node = ctx;
    return node->shell != NULL && !node->stopping &&
           link_agent_may_probe(node->links, peer, bytes);
}

static void on_volume(void *ctx, const struct bulk_volume *volume)
{
    struct node *node = ctx;
    if (node->shell != NULL && !node->stopping)
        link_agent_volume(node->links, volume);
}

static bool may_read(void *ctx, const struct pubkey *peer, const char *owner)
{
    struct node *node = ctx;
    return node->shell != NULL && shell_may_read(node->shell, peer, owner);
}

/* ---- from the executor ---- */

static void on_exec_up(void *ctx, json_t *facts)
{
    struct node *node = ctx;
    bool can_run = json_is_true(json_object_get(facts, "can_run"));
    log_info("exec", "the executor is up, jobs can%s run",
             can_run ? "" : "not");
    node_unwarn(node, "the executor is not running");
    node_exec_facts(node, facts);
    if (node->shell != NULL)
        shell_exec_up(node->shell);
}

static void on_exec_gone(void *ctx, const char *why)
{
    struct node *node = ctx;
    node_warn(node, "the executor is not running", why, "suan doctor");
    if (node->shell != NULL)
        shell_exec_gone(node->shell);
}

static void on_exec_note(void *ctx, const char *method, json_t *params)
{
    struct node *node = ctx;
    if (node->shell != NULL)
        shell_exec_note(node->shell, method, params);
}

const struct executor_events node_executor_events = {
    .on_up = on_exec_up, .on_gone = on_exec_gone, .on_note = on_exec_note};
const struct net_callbacks node_net_callbacks = {
    .on_peer_up = on_peer_up,
    .on_peer_down = on_peer_down,
    .on_displaced = on_displaced,
    .on_message = on_message,
    .on_note = on_net_note,
    .tip_height = tip_height,
};
const struct chain_host_events node_chain_events = {
    .on_final = on_final,
    .on_send = on_send,
    .on_relay = on_relay,
    .on_told = on_told,
    .on_refused = on_refused,
    .on_notice = on_notice,
    .on_peer_bad = on_peer_bad,
    .on_halt = on_halt,
};

void node_own_tx_options(struct node *node, struct own_tx_options *out)
{
    memset(out, 0, sizeof(*out));
    out->chain = node->genesis.chain;
    out->signer = &node->signer;
    out->submit = submit_own;
    out->judge = own_judge;
    out->waits = own_waits;
    out->keep = own_keep;
    out->ticket = own_ticket;
    out->refused = own_refused;
    out->ctx = node;
}

void node_bulk_config(struct node *node, struct bulk_config *out)
{
    memset(out, 0, sizeof(*out));
    out->net = node->net;
    out->store = node->blobs;
    out->may_read = may_read;
    out->may_probe = may_probe;
    out->on_volume = on_volume;
    out->on_note = on_net_note;
    out->ctx = node;
}

void node_on_call(void *ctx, struct control_call *call)
{
    struct node *node = ctx;
    if (node->stopping)
        control_refuse(call, ERR_NOT_READY, NULL, "the node is stopping");
    else
        rpc_dispatch(node, call);
}

/* ---- once a second ---- */

static void collect_blobs(uv_work_t *work)
{
    struct node *node = work->data;
    uint64_t freed = blob_store_collect(node->blobs);
    if (freed > 0)
        log_info("blobs", "%llu MiB freed",
                 (unsigned long long)(freed / 1048576));
}

static void on_collected(uv_work_t *work, int status)
{
    struct node *node = work->data;
    (void)status;
    node->collecting = false;
}

static void collect_when_idle(struct node *node)
{
    uint64_t now = uv_now(node->loop);
    if (!node->blobs_dirty || node->collecting ||
        now - node->collected_ms < BLOBS_COLLECT_MS)
        return;
    node->blobs_dirty = false;
    node->collecting = true;
    node->collected_ms = now;
    node->collect_work.data = node;
    if (uv_queue_work(node->loop, &node->collect_work, collect_blobs,
                      on_collected) != 0)
        node->collecting = false;
}

static void offer_when_due(struct node *node)
{
    struct offer offer;
    enum err err;
    if (node->sell == NULL || !offering_due(node, node_wall_ms()))
        return;
    err = offering_make(node, &offer);
    if (err == OK)
        gossip_offer(node->gossip, &offer);
    else
        log_odd("sell", "the offer cannot be made: %s", err_text(err));
}

static void watch_disk(struct node *node)
{
    const char *trouble = chain_host_trouble(node->host);
    if (trouble != NULL)
        node_warn(node, "blocks cannot be stored", trouble,
                  "make room on the disk of the data directory");
    else
        node_unwarn(node, "blocks cannot be stored");
    if (records_wait_for_room(&node->records))
        node_warn(node, "contracts cannot be recorded",
                  "no space left on the disk: what depends on them waits",
                  "make room on the disk of the data directory");
    else
        node_unwarn(node, "contracts cannot be recorded");
}

static void watch_namesake(struct node *node)
{
    static const char what[] = "another machine uses this node's key";
    if (namesake_is(&node->namesake, uv_now(node->loop)))
        node_warn(node, what,
                  "peers link to one of the two, in turns; what is sold, "
                  "bought and paid by both goes wrong",
                  "stop one of them. If there is no other, a peer or the "
                  "network is at fault: suan node peers");
    else
        node_unwarn(node, what);
}

static void on_second(uv_timer_t *timer)
{
    struct node *node = timer->data;
    uint64_t height = chain_tip(chain_host_chain(node->host)).height;
    own_tx_tick(node->own, height, uv_now(node->loop));
    gossip_tick(node->gossip);
    link_agent_tick(node->links);
    audit_agent_tick(node->audit);
    graph_roads_tick(node);
    node_standing_tick(node);
    book_guess_tick(node);
    node_disk_look(node);
    watch_namesake(node);
    shell_tick(node->shell);
    offer_when_due(node);
    watch_disk(node);
    chain_watch_tick(node);
    collect_when_idle(node);
    if (node->image_cache != NULL)
        image_cache_tick(node->image_cache);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct node *node = handle->data;
    log_info("node", "signal %d: stopping", number);
    node_stop(node, 0);
}

void node_watch(struct node *node)
{
    CHECK(uv_timer_init(node->loop, &node->second) == 0);
    node->second.data = node;
    uv_timer_start(&node->second, on_second, 200, 1000);
    for (int i = 0; i < 2; i++) {
        CHECK(uv_signal_init(node->loop, &node->signals[i]) == 0);
        node->signals[i].data = node;
        uv_signal_start(&node->signals[i], on_signal,
                        i == 0 ? SIGTERM : SIGINT);
    }
    loop_meter_open(&node->meter, node->loop);
    node->watching = true;
}

void node_stop(struct node *node, int exit_code)
{
    if (node->stopping)
        return;
    node->stopping = true;
    node->exit_code = exit_code;
    uv_stop(node->loop);
}
