/* A transaction that somebody submits, and waits for: docs/control.md,
 * "Chain". */

#include "node/control/rpc_tx.h"

#include "node/control/rpc_help.h"
#include "node/control/waiters.h"

#include <string.h>

/* ---- to read ---- */

static json_t *effect_json(struct node *node, const struct tx_effect *effect)
{
    json_t *accounts = json_array();
    for (uint32_t i = 0; i < effect->account_count; i++)
        json_array_append_new(accounts,
                              json_address(node, &effect->accounts[i]));
    return json_pack("{s:o, s:o, s:o, s:o}", "subject",
                     json_hash(&effect->subject), "code",
                     json_u64(effect->code), "moved_micro",
                     json_amount(effect->moved), "accounts", accounts);
}

json_t *json_tx(struct node *node, const struct tx *tx,
                const struct result *result)
{
    const struct tx_kind *kind =
        chain_kind(chain_host_chain(node->host), tx->kind);
    json_t *object =
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "id", json_hash(&tx->id),
                  "kind", kind != NULL ? kind->name : "unknown", "sender",
                  json_address(node, &tx->sender), "nonce", json_u64(tx->nonce),
                  "expiry_height", json_u64(tx->expiry_height), "fee_micro",
                  json_amount(tx->fee));
    if (result != NULL)
        json_object_set_new(object, "effect",
                            effect_json(node, &result->effect));
    return object;
}

/* ---- watches ---- */

struct tx_watch *tx_watch_new(struct node *node, const struct hash *id)
{
    for (size_t i = 0; i < TX_WATCHES_MAX; i++) {
        struct tx_watch *watch = &node->watches[i];
        if (watch->token != 0)
            continue;
        memset(watch, 0, sizeof(*watch));
        watch->token = ++node->next_token;
        watch->id = *id;
        return watch;
    }
    return NULL;
}

void tx_watch_free(struct node *node, struct tx_watch *watch)
{
    (void)node;
    watch->token = 0;
}

void tx_watch_refused(struct node *node, uint64_t token, enum err err,
                      uint64_t height)
{
    for (size_t i = 0; i < TX_WATCHES_MAX; i++) {
        struct tx_watch *watch = &node->watches[i];
        if (watch->token != token || token == 0)
            continue;
        if (err == ERR_EXISTS && height == 0)
            return; /* waits already: its block will come */
        watch->state = err == ERR_EXISTS ? TX_WATCH_FINAL : TX_WATCH_REFUSED;
        watch->err = err;
        watch->height = height;
        waiters_poke(node->waiters);
    }
}

void tx_watch_final(struct node *node, const struct hash *id, uint64_t height)
{
    for (size_t i = 0; i < TX_WATCHES_MAX; i++) {
        struct tx_watch *watch = &node->watches[i];
        if (watch->token == 0 || !hash_equal(&watch->id, id))
            continue;
        watch->state = TX_WATCH_FINAL;
        watch->height = height;
        waiters_poke(node->waiters);
    }
}

/* ---- submitting ---- */

/* A submitted transaction whose sender waits: found again by its token. */
static bool answer_submit(struct node *node, struct control_call *call,
                          bool last)
{
    struct tx_watch *watch = call->waiting;
    json_t *object;
    (void)node;
    if (watch->state == TX_WATCH_REFUSED) {
        control_refuse(call, watch->err, rpc_refused_next(watch->err),
                       "the transaction was refused");
        tx_watch_free(node, watch);
        return true;
    }
    if (watch->state != TX_WATCH_FINAL && !last)
        return false;
    object = json_pack("{s:o, s:s}", "id", json_hash(&watch->id), "state",
                       watch->state == TX_WATCH_FINAL ? "final" : "pool");
    if (watch->state == TX_WATCH_FINAL)
        json_object_set_new(object, "height", json_u64(watch->height));
    control_reply(call, object);
    tx_watch_free(node, watch);
    return true;
}

void rpc_tx_submit(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"tx", "wait_ms", NULL};
    struct buf bytes;
    struct arena arena;
    struct tx tx;
    struct tx_watch *watch;
    enum err err;
    buf_init(&bytes, LIMIT_TX_BYTES);
    if (!param_only(call, names) || !param_bytes(call, "tx", &bytes)) {
        buf_done(&bytes);
        return;
    }
    arena_init(&arena, 1024u * 1024);
    err = tx_decode(buf_bytes(&bytes), &arena, &tx);
    watch = err == OK ? tx_watch_new(node, &tx.id) : NULL;
    if (err == OK && watch == NULL)
        err = ERR_RATE;
    if (err == OK)
        err = chain_host_submit(node->host, buf_bytes(&bytes), watch->token);
    if (err != OK) {
        if (watch != NULL)
            tx_watch_free(node, watch);
        control_refuse(call, err, rpc_refused_next(err),
                       "the transaction was refused");
    } else {
        call->waiting = watch;
        waiters_add(node->waiters, call, answer_submit, param_wait(call));
    }
    arena_done(&arena);
    buf_done(&bytes);
}
