/* What people ask about an account: docs/control.md, "Chain". */

#include "node/control/rpc_account.h"

#include "node/control/rpc_help.h"
#include "node/control/rpc_tx.h"

#define HISTORY_MAX 200u

struct locked_sum {
    const struct pubkey *key;
    struct amount sum;
    uint64_t open;
    struct arena arena;
};

/* Locked for an account: its caps as a buyer, its bonds as a provider. */
static enum err add_locked(void *ctx, struct bytes key, struct bytes value)
{
    struct locked_sum *locked = ctx;
    struct contract contract;
    (void)key;
    arena_reset(&locked->arena);
    TRY(contract_decode(value, &locked->arena, &contract));
    if (contract.state == CONTRACT_SETTLED)
        return OK;
    if (pubkey_equal(&contract.buyer, locked->key)) {
        locked->open++;
        TRY(amount_add(locked->sum, contract.cap, &locked->sum));
    }
    if (pubkey_equal(&contract.provider, locked->key)) {
        locked->open++;
        TRY(amount_add(locked->sum, contract.bond, &locked->sum));
    }
    return OK;
}

/* What is locked is asked of every contract there is. */
static enum err sum_locked(struct state *state, struct locked_sum *locked)
{
    arena_init(&locked->arena, 1024u * 1024);
    enum err err = state_each(state, STATE_CONTRACT, add_locked, locked);
    arena_done(&locked->arena);
    return err;
}

void rpc_chain_account(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"address", "locked", NULL};
    struct pubkey key;
    struct account account;
    struct locked_sum locked = {.key = &key};
    struct state *state = chain_state(chain_host_chain(node->host));
    bool wants_locked = true;
    if (!param_only(call, names) ||
        !param_address(node, call, "address", &key) ||
        !param_bool_if(call, "locked", &wants_locked))
        return;
    enum err err = account_get(state, &key, &account);
    if (err == OK && wants_locked)
        err = sum_locked(state, &locked);
    if (err != OK) {
        control_refuse(call, err, "suan chain verify",
                       "the account cannot be read");
        return;
    }
    json_t *object = json_pack(
        "{s:o, s:o, s:o}", "address", json_address(node, &key), "balance_micro",
        json_amount(account.balance), "nonce", json_u64(account.nonce));
    if (wants_locked) {
        json_object_set_new(object, "locked_micro", json_amount(locked.sum));
        json_object_set_new(object, "contracts_open", json_u64(locked.open));
    }
    control_reply(call, object);
}

static json_t *history_entry(struct node *node, const struct tx_ref *ref,
                             struct arena *arena)
{
    struct bytes bytes;
    struct result result;
    struct tx tx;
    json_t *object;
    arena_reset(arena);
    if (chain_tx_at(chain_host_chain(node->host), ref->place, arena, &bytes,
                    &result) != OK ||
        tx_decode(bytes, arena, &tx) != OK)
        return json_null();
    object = json_tx(node, &tx, &result);
    json_object_set_new(object, "tx", json_hash(&ref->id));
    json_object_set_new(object, "height", json_u64(ref->place.height));
    json_object_set_new(object, "index", json_u64(ref->place.position));
    json_object_set_new(object, "time_ms",
                        json_block_time(node, ref->place.height));
    json_object_set_new(object, "subject", json_hash(&result.effect.subject));
    return object;
}

void rpc_chain_history(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"address", "limit", "before",
                                        "before_index", NULL};
    struct pubkey key;
    struct tx_ref refs[HISTORY_MAX];
    struct tx_place before = {0, 0};
    uint64_t limit = 20;
    uint64_t index = 0;
    size_t count = 0;
    struct arena arena;
    json_t *entries;
    if (!param_only(call, names) ||
        !param_address(node, call, "address", &key) ||
        !param_uint_if(call, "limit", HISTORY_MAX, &limit) ||
        !param_uint_if(call, "before", UINT64_MAX >> 1, &before.height) ||
        !param_uint_if(call, "before_index", UINT32_MAX, &index))
        return;
    before.position = (uint32_t)index;
    if (chain_account_txs(chain_host_chain(node->host), &key, before, refs,
                          (size_t)limit, &count) != OK) {
        control_refuse(call, ERR_CORRUPT, "suan chain verify",
                       "the account's history cannot be read");
        return;
    }
    arena_init(&arena, 4u * 1024 * 1024);
    entries = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(entries, history_entry(node, &refs[i], &arena));
    arena_done(&arena);
    control_reply(call,
                  json_pack("{s:o, s:o}", "address", json_address(node, &key),
                            "entries", entries));
}
