/* What people ask about the chain: docs/control.md, "Chain". */

#include "node/control/rpc_chain.h"

#include "base/check.h"
#include "ledger/cert.h"
#include "node/chain/chain_watch.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_tx.h"
#include "node/control/waiters.h"

#include <stdlib.h>
#include <string.h>

#define TXS_SHOWN 1000u /* of a block: an answer has room for them */

static struct chain *chain_of(struct node *node)
{
    return chain_host_chain(node->host);
}

void rpc_chain_status(struct node *node, struct control_call *call)
{
    struct chain *chain = chain_of(node);
    struct chain_tip tip = chain_tip(chain);
    struct store_stat stat;
    json_t *object;
    uint64_t txs = 0;
    if (store_stat(chain_store(chain), &stat) == OK)
        txs = stat.entries[STORE_TX];
    object =
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "chain",
                  json_hash(chain_id(chain)), "network", node->genesis.network,
                  "height", json_u64(tip.height), "block", json_hash(&tip.id),
                  "time_ms", json_u64(tip.header.time_ms), "state_root",
                  json_hash(&tip.header.state_root), "supply_micro",
                  json_amount(genesis_supply(&node->genesis)), "pool",
                  json_u64(pool_count(sx_pool(chain_host_core(node->host)))),
                  "txs", json_u64(txs));
    chain_watch_put(node, object);
    control_reply(call, object);
}

/* ---- blocks and transactions ---- */

static json_t *header_json(struct node *node, const struct header *header)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "chain",
        json_hash(&header->chain), "epoch", json_u64(header->epoch), "height",
        json_u64(header->height), "time_ms", json_u64(header->time_ms),
        "parent", json_hash(&header->parent), "proposer",
        json_address(node, &header->proposer), "tx_root",
        json_hash(&header->tx_root), "receipt_root",
        json_hash(&header->receipt_root), "state_root",
        json_hash(&header->state_root), "history_root",
        json_hash(&header->history_root), "next_set",
        json_hash(&header->next_set), "params", json_hash(&header->params));
}

static json_t *cert_json(struct node *node, uint64_t height, uint64_t epoch,
                         struct arena *arena)
{
    struct chain *chain = chain_of(node);
    struct bytes bytes;
    struct cert *cert = arena_alloc(arena, sizeof(*cert));
    struct validators *set = arena_alloc(arena, sizeof(*set));
    json_t *signers;
    if (cert == NULL || set == NULL ||
        chain_cert_at(chain, height, arena, &bytes) != OK ||
        cert_decode(bytes, cert) != OK || chain_set_of(chain, epoch, set) != OK)
        return json_null();
    signers = json_array();
    for (uint32_t i = 0; i < set->count; i++) {
        if (cert->bitmap[i / 8] >> (i % 8) & 1)
            json_array_append_new(signers,
                                  json_address(node, &set->items[i].key));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:b}", "view",
                     json_u64(cert->on.view), "signers", signers, "weight",
                     json_u64(cert_weight(cert, set)), "quorum",
                     json_u64(validators_quorum(set)), "verified",
                     cert_verify(cert, set, chain_id(chain)) == OK);
}

static const char *vote_text(enum vote_kind kind)
{
    switch (kind) {
    case VOTE_NOTARIZE:
        return "notarize";
    case VOTE_NULLIFY:
        return "nullify";
    case VOTE_FINALIZE:
        return "finalize";
    }
    return "";
}

/* Who was accused of what. */
static json_t *evidence_json(struct node *node, const struct block *block)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < block->evidence_count; i++) {
        const struct evidence *evidence = &block->evidence[i];
        const struct vote *vote = &evidence->a;
        struct validators set;
        struct hash id;
        json_t *accused = json_null();
        evidence_hash(evidence, &id);
        if (chain_set_of(chain_of(node), vote->on.epoch, &set) == OK &&
            vote->index < set.count)
            accused = json_address(node, &set.items[vote->index].key);
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o, s:o, s:[s, s]}", "id", json_hash(&id),
                      "validator", accused, "epoch", json_u64(vote->on.epoch),
                      "view", json_u64(vote->on.view), "votes",
                      vote_text(vote->kind), vote_text(evidence->b.kind)));
    }
    return list;
}

static enum err block_json(struct node *node, uint64_t height,
                           struct arena *arena, json_t **out)
{
    struct chain *chain = chain_of(node);
    struct bytes bytes;
    struct block block;
    struct result *results = NULL;
    uint32_t count = 0;
    uint32_t left_out = 0;
    struct header header;
    json_t *txs;
    json_t *evidence = NULL;
    TRY(chain_header_at(chain, height, &header));
    txs = json_array();
    if (height > 0 && chain_block_at(chain, height, arena, &bytes) == OK &&
        block_decode(bytes, arena, &block) == OK &&
        chain_results_at(chain, height, arena, &results, &count) == OK) {
        evidence = evidence_json(node, &block);
        for (uint32_t i = 0; i < block.tx_count && i < count && i < TXS_SHOWN;
             i++)
            json_array_append_new(txs,
                                  json_tx(node, &block.txs[i], &results[i]));
        left_out = block.tx_count - (uint32_t)json_array_size(txs);
    }
    *out = json_pack("{s:o, s:o, s:o, s:o, s:o}", "height", json_u64(height),
                     "header", header_json(node, &header), "cert",
                     cert_json(node, height, header.epoch, arena), "evidence",
                     evidence != NULL ? evidence : json_array(), "txs", txs);
    if (left_out > 0)
        json_object_set_new(*out, "left_out", json_u64(left_out));
    return OK;
}

static bool which_block(struct node *node, struct control_call *call,
                        uint64_t *out_height)
{
    struct chain *chain = chain_of(node);
    struct hash id;
    *out_height = chain_tip(chain).height;
    if (json_object_get(call->params, "hash") == NULL)
        return param_uint_if(call, "height", UINT64_MAX >> 1, out_height);
    if (!param_hash(call, "hash", &id))
        return false;
    if (chain_height_of(chain, &id, out_height) == OK)
        return true;
    control_refuse(call, ERR_NOT_FOUND, "suan chain status",
                   "no block has this id");
    return false;
}

void rpc_chain_block(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"height", "hash", NULL};
    struct arena arena;
    uint64_t height;
    json_t *block = NULL;
    struct hash id;
    struct header header;
    if (!param_only(call, names) || !which_block(node, call, &height))
        return;
    arena_init(&arena, 32u * 1024 * 1024);
    if (height > 0 && height <= chain_base(chain_of(node))) {
        control_refuse(call, ERR_NOT_FOUND, RPC_ASK_ARCHIVE,
                       "block %llu is not on this node: it fetched the state "
                       "at %llu and has the blocks after it",
                       (unsigned long long)height,
                       (unsigned long long)chain_base(chain_of(node)));
    } else if (block_json(node, height, &arena, &block) != OK) {
        control_refuse(call, ERR_NOT_FOUND, "suan chain status",
                       "there is no block %llu yet (the tip is %llu)",
                       (unsigned long long)height,
                       (unsigned long long)chain_tip(chain_of(node)).height);
    } else {
        if (chain_header_at(chain_of(node), height, &header) == OK) {
            header_id(&header, &id);
            json_object_set_new(block, "hash", json_hash(&id));
        }
        control_reply(call, block);
    }
    arena_done(&arena);
}

static bool reply_final_tx(struct node *node, struct control_call *call,
                           const struct hash *id)
{
    struct chain *chain = chain_of(node);
    struct arena arena;
    struct tx_place place;
    struct bytes bytes;
    struct result result;
    struct tx tx;
    json_t *object;
    if (chain_find_tx(chain, id, &place) != OK)
        return false;
    arena_init(&arena, 4u * 1024 * 1024);
    if (chain_tx_at(chain, place, &arena, &bytes, &result) != OK ||
        tx_decode(bytes, &arena, &tx) != OK) {
        arena_done(&arena);
        return false;
    }
    object = json_tx(node, &tx, &result);
    json_object_set_new(object, "state", json_string("final"));
    json_object_set_new(object, "height", json_u64(place.height));
    json_object_set_new(object, "index", json_u64(place.position));
    json_object_set_new(object, "time_ms", json_block_time(node, place.height));
    json_object_set_new(object, "bytes", rpc_json_bytes(bytes));
    control_reply(call, object);
    arena_done(&arena);
    return true;
}

void rpc_chain_tx(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", NULL};
    struct hash id;
    struct pool_entry *entry;
    json_t *object;
    if (!param_only(call, names) || !param_hash(call, "id", &id))
        return;
    if (reply_final_tx(node, call, &id))
        return;
    entry = pool_find(sx_pool(chain_host_core(node->host)), &id);
    if (entry == NULL) {
        uint64_t base = chain_base(chain_of(node));
        if (base > 0)
            control_refuse(call, ERR_NOT_FOUND, RPC_ASK_ARCHIVE,
                           "no transaction with this id is known here: it "
                           "has the blocks after %llu",
                           (unsigned long long)base);
        else
            control_refuse(call, ERR_NOT_FOUND, "suan wallet history",
                           "no transaction with this id is known here");
        return;
    }
    object = json_tx(node, &entry->tx, NULL);
    json_object_set_new(object, "state", json_string("pool"));
    control_reply(call, object);
}

/* ---- contracts ---- */

static void contract_parties(struct node *node, const struct contract *c,
                             json_t *o)
{
    json_object_set_new(o, "id", json_hash(&c->id));
    json_object_set_new(o, "request", json_hash(&c->request));
    json_object_set_new(o, "task", json_u64(c->task));
    json_object_set_new(o, "attempt", json_u64(c->attempt));
    json_object_set_new(o, "state", json_string(contract_state_text(c->state)));
    json_object_set_new(o, "buyer", json_address(node, &c->buyer));
    json_object_set_new(o, "agent", json_address(node, &c->agent));
    json_object_set_new(o, "provider", json_address(node, &c->provider));
    json_object_set_new(o, "payout", json_address(node, &c->payout));
    json_object_set_new(o, "hour_micro", json_amount(c->hour));
    json_object_set_new(o, "cap_micro", json_amount(c->cap));
    json_object_set_new(o, "bond_micro", json_amount(c->bond));
    json_object_set_new(o, "cpu_milli", json_u64(c->cpu_milli));
    json_object_set_new(o, "time_ms_max", json_u64(c->time_ms_max));
    json_object_set_new(o, "opened_at_ms", json_u64(c->opened_at_ms));
    json_object_set_new(o, "start_by_ms", json_u64(c->start_by_ms));
    json_object_set_new(o, "deadline_ms", json_u64(c->deadline_ms));
}

static void contract_outcome(const struct contract *c, json_t *o)
{
    json_object_set_new(o, "until_ms", json_u64(c->until_ms));
    json_object_set_new(o, "receipt_seq", json_u64(c->receipt_seq));
    json_object_set_new(o, "wall_ms", json_u64(c->wall_ms));
    json_object_set_new(o, "cpu_ms", json_u64(c->cpu_ms));
    json_object_set_new(o, "due_micro", json_amount(c->due));
    json_object_set_new(o, "due_cosigned", json_boolean(c->due_cosigned));
    json_object_set_new(o, "reason", json_u64((uint64_t)c->reason));
    json_object_set_new(o, "reason_text",
                        json_string(end_reason_text(c->reason)));
    json_object_set_new(o, "exit_code", json_u64(c->exit_code));
    json_object_set_new(o, "result", json_hash(&c->result));
    json_object_set_new(o, "log", json_hash(&c->log));
    json_object_set_new(o, "paid_micro", json_amount(c->paid));
    json_object_set_new(o, "refunded_micro", json_amount(c->refunded));
    json_object_set_new(o, "slashed_micro", json_amount(c->slashed));
    json_object_set_new(o, "settled_at_ms", json_u64(c->settled_at_ms));
}

void rpc_chain_contract(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", NULL};
    struct hash id;
    struct contract contract;
    struct arena arena;
    enum err err;
    json_t *object;
    if (!param_only(call, names) || !param_hash(call, "id", &id))
        return;
    arena_init(&arena, 1024u * 1024);
    err = contract_get(chain_state(chain_of(node)), &id, &arena, &contract);
    arena_done(&arena);
    if (err != OK) {
        control_refuse(call, err, "suan ps -a",
                       "there is no contract with this id on the chain");
        return;
    }
    object = json_object();
    contract_parties(node, &contract, object);
    contract_outcome(&contract, object);
    control_reply(call, object);
}

/* ---- verification ---- */

static void reply_verify(struct control_call *call,
                         const struct verifier_now *v)
{
    const char *state = !v->done ? "running" : v->err == OK ? "ok" : "failed";
    uint64_t end = v->done ? v->ended_ms : uv_hrtime() / 1000000;
    json_t *object = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:f}", "state", state, "base",
        json_u64(v->report.base), "height", json_u64(v->report.height), "total",
        json_u64(v->report.tip), "txs", json_u64(v->report.txs), "tip",
        json_hash(&v->report.tip_id), "seconds",
        (double)(end - v->started_ms) / 1000.0);
    if (v->done && v->err != OK)
        json_object_set_new(
            object, "error",
            json_pack("{s:s, s:s, s:s, s:o}", "code", err_name(v->err),
                      "message",
                      err_text(v->report.err != OK ? v->report.err : v->err),
                      "what", v->report.what != NULL ? v->report.what : "",
                      "height", json_u64(v->report.height)));
    control_reply(call, object);
}

static bool answer_verify(struct node *node, struct control_call *call,
                          bool last)
{
    struct verifier_now verify;
    chain_host_verify_get(node->host, &verify);
    if (!verify.done && !last)
        return false;
    reply_verify(call, &verify);
    return true;
}

void rpc_chain_verify(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"start", "wait_ms", NULL};
    struct verifier_now verify;
    bool start = false;
    enum err err = OK;
    if (!param_only(call, names) || !param_bool_if(call, "start", &start))
        return;
    if (start)
        err = chain_host_verify_start(node->host);
    chain_host_verify_get(node->host, &verify);
    if (!verify.started)
        control_refuse(call, err != OK ? err : ERR_STATE, "suan chain verify",
                       "no verification runs");
    else
        waiters_add(node->waiters, call, answer_verify, param_wait(call));
}
