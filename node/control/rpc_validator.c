/* Validators and their bonds: docs/control.md, "Validators". */

#include "node/control/rpc_validator.h"

#include "base/check.h"
#include "ledger/bond_tx.h"
#include "node/control/rpc_call.h"
#include "node/log.h"
#include "node/control/rpc_help.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX 500u /* the largest bonds; more are left out of a list */

static struct chain *chain_of(struct node *node)
{
    return chain_host_chain(node->host);
}

/* The sets an answer speaks of: of the epoch of the block after the tip, and of
 * the one after. */
struct sets {
    uint64_t epoch;
    struct validators now;
    struct validators next;
};

static enum err sets_get(struct node *node, struct sets *out)
{
    struct chain *chain = chain_of(node);
    out->epoch =
        epoch_of_height(chain_tip(chain).height + 1,
                        params_need(chain_params(chain), "epoch_blocks"));
    TRY(chain_set_of(chain, out->epoch, &out->now));
    return chain_set_of(chain, out->epoch + 1, &out->next);
}

static uint64_t weight_in(const struct validators *set,
                          const struct pubkey *key)
{
    int at = validators_find(set, key);
    return at < 0 ? 0 : set->items[at].weight;
}

/* One word for where a validator stands. */
static const char *state_of(const struct bond *bond, uint64_t now,
                            uint64_t next)
{
    if (bond->jailed_epoch != 0)
        return "jailed";
    if (now > 0)
        return amount_is_zero(bond->bonded) ? "leaving" : "active";
    if (next > 0)
        return "joining";
    return amount_is_zero(bond->bonded) ? "none" : "waiting";
}

static bool is_own(const struct node *node, const struct pubkey *key)
{
    return node->vote_key != NULL && pubkey_equal(&node->vote_signer.key, key);
}

static json_t *validator_json(struct node *node, const struct sets *sets,
                              const struct pubkey *key, const struct bond *bond)
{
    uint64_t now = weight_in(&sets->now, key);
    uint64_t next = weight_in(&sets->next, key);
    struct amount unbonding = amount_micro(0);
    /* The sum of what a vault holds cannot overflow. */
    enum err err = bond_unbonding_sum(bond, &unbonding);
    CHECK(err == OK);
    return json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "validator",
        json_address(node, key), "owner",
        pubkey_is_zero(&bond->owner) ? json_null()
                                     : json_address(node, &bond->owner),
        "state", state_of(bond, now, next), "bonded_micro",
        json_amount(bond->bonded), "unbonding_micro", json_amount(unbonding),
        "slashed_micro", json_amount(bond->slashed), "jailed_epoch",
        json_u64(bond->jailed_epoch), "weight", json_u64(now), "next_weight",
        json_u64(next), "self", is_own(node, key));
}

/* What holds for all: the epoch and the rules. */
static enum err add_rules(struct node *node, const struct sets *sets,
                          json_t *object)
{
    static const char *const names[] = {"epoch_blocks", "bond_min_micro",
                                        "unbond_epochs", "evidence_epochs",
                                        "slash_permille"};
    struct chain *chain = chain_of(node);
    const struct params *params = chain_params(chain);
    struct stake stake;
    struct hash vault;
    struct amount slashed;
    TRY(stake_get(chain_state(chain), &stake));
    bond_slashed_vault(&vault);
    TRY(vault_get(chain_state(chain), &vault, &slashed));
    json_object_set_new(object, "epoch", json_u64(sets->epoch));
    json_object_set_new(object, "height", json_u64(chain_tip(chain).height));
    json_object_set_new(
        object, "epoch_end_height",
        json_u64(sets->epoch * params_need(params, "epoch_blocks")));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_set_new(object, names[i],
                            json_u64(params_need(params, names[i])));
    json_object_set_new(object, "weight", json_u64(sets->now.weight));
    json_object_set_new(object, "bonded_all_micro", json_u64(stake.bonded));
    json_object_set_new(object, "slashed_all_micro", json_amount(slashed));
    /* Counted from the epoch's first block on: at its start all may go. */
    bool counts = chain_tip(chain).header.epoch == sets->epoch;
    uint64_t third = (counts ? stake.weight : sets->next.weight) / 3;
    uint64_t left = counts ? stake.left : 0;
    json_object_set_new(object, "may_leave_micro",
                        json_u64(left < third ? third - left : 0));
    return OK;
}

static void refuse_unread(struct control_call *call, enum err err)
{
    control_refuse(call, err, "suan chain verify",
                   "the validators cannot be read");
}

/* ---- validator.list ---- */

struct listed {
    struct pubkey key;
    struct bond bond;
};
struct listing {
    struct listed *items; /* largest first */
    size_t count;
    size_t total;
};

static enum err list_one(void *ctx, const struct pubkey *validator,
                         const struct bond *bond)
{
    struct listing *listing = ctx;
    size_t at = listing->count;
    listing->total++;
    while (at > 0 &&
           amount_cmp(listing->items[at - 1].bond.bonded, bond->bonded) < 0)
        at--;
    if (at == LIST_MAX)
        return OK;
    if (listing->count < LIST_MAX)
        listing->count++;
    memmove(&listing->items[at + 1], &listing->items[at],
            (listing->count - 1 - at) * sizeof(listing->items[0]));
    listing->items[at] = (struct listed){*validator, *bond};
    return OK;
}

static enum err list_all(struct node *node, struct listing *listing,
                         struct sets *sets, json_t *object)
{
    json_t *rows = json_array();
    json_object_set_new(object, "validators", rows);
    TRY(sets_get(node, sets));
    TRY(add_rules(node, sets, object));
    TRY(bond_each(chain_state(chain_of(node)), list_one, listing));
    for (size_t i = 0; i < listing->count; i++)
        json_array_append_new(rows,
                              validator_json(node, sets, &listing->items[i].key,
                                             &listing->items[i].bond));
    json_object_set_new(object, "total", json_u64(listing->total));
    return OK;
}

void rpc_validator_list(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    struct listing listing = {0};
    struct sets sets;
    enum err err = ERR_NOMEM;
    if (!param_only(call, names))
        return;
    json_t *object = json_object();
    listing.items = calloc(LIST_MAX, sizeof(*listing.items));
    if (listing.items != NULL)
        err = store_hold(chain_store(chain_of(node)));
    if (listing.items != NULL && err == OK) {
        err = list_all(node, &listing, &sets, object);
        store_release(chain_store(chain_of(node)));
    }
    free(listing.items);
    if (err == OK) {
        control_reply(call, object);
    } else {
        json_decref(object);
        refuse_unread(call, err);
    }
}

/* ---- validator.show ---- */

static json_t *unbondings_json(const struct bond *bond, uint64_t epoch)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < bond->unbonding_count; i++) {
        const struct unbonding *item = &bond->unbondings[i];
        json_array_append_new(
            rows, json_pack("{s:o, s:o, s:b}", "release_epoch",
                            json_u64(item->release_epoch), "amount_micro",
                            json_amount(item->amount), "released",
                            item->release_epoch <= epoch));
    }
    return rows;
}

/* This node's own key, or the one that is asked for. */
static bool which_key(struct node *node, struct control_call *call,
                      struct pubkey *out)
{
    if (json_object_get(call->params, "validator") != NULL)
        return param_address(node, call, "validator", out);
    if (node->vote_key == NULL) {
        call_refuse(call, ERR_NOT_FOUND, "validator is not among its roles",
                    "suan validator list", "this node has no validator's key");
        return false;
    }
    *out = node->vote_signer.key;
    return true;
}

static enum err show_one(struct node *node, const struct pubkey *key,
                         json_t **out)
{
    struct bond bond;
    struct sets sets;
    TRY(sets_get(node, &sets));
    enum err err = bond_get(chain_state(chain_of(node)), key, &bond);
    if (err == ERR_NOT_FOUND)
        bond = (struct bond){0};
    else
        TRY(err);
    json_t *object = validator_json(node, &sets, key, &bond);
    json_object_set_new(object, "unbondings",
                        unbondings_json(&bond, sets.epoch));
    err = add_rules(node, &sets, object);
    /* The weight shown is its own, not the set's. */
    json_object_set_new(object, "weight", json_u64(weight_in(&sets.now, key)));
    json_object_set_new(object, "set_weight", json_u64(sets.now.weight));
    if (err != OK) {
        json_decref(object);
        return err;
    }
    *out = object;
    return OK;
}

void rpc_validator_show(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"validator", NULL};
    struct pubkey key;
    json_t *object = NULL;
    if (!param_only(call, names) || !which_key(node, call, &key))
        return;
    enum err err = store_hold(chain_store(chain_of(node)));
    if (err == OK) {
        err = show_one(node, &key, &object);
        store_release(chain_store(chain_of(node)));
    }
    if (err == OK)
        control_reply(call, object);
    else
        refuse_unread(call, err);
}

/* ---- validator.prove ---- */

void rpc_validator_prove(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"owner", NULL};
    struct pubkey owner;
    struct pubkey validator;
    struct hash digest;
    struct signature proof;
    if (!param_only(call, names) ||
        !param_address(node, call, "owner", &owner) ||
        !which_key(node, call, &validator))
        return;
    bond_digest(&node->genesis.chain, &owner, &validator, &digest);
    enum err err = node->vote_signer.sign(node->vote_signer.ctx, HASH_TAG_BOND,
                                          &digest, &proof);
    if (err != OK) {
        control_refuse(call, err, "suan node logs",
                       "the validator's key did not sign");
        return;
    }
    control_reply(call, json_pack("{s:o, s:o, s:o}", "validator",
                                  json_address(node, &validator), "owner",
                                  json_address(node, &owner), "proof",
                                  rpc_json_bytes(BYTES_OF(proof.b))));
}

/* ---- validator.recall ---- */

/* May the operator vouch? What stands against it is refused. */
static bool may_vouch(struct node *node, struct control_call *call,
                      const struct sx_status *status)
{
    uint64_t height = chain_tip(chain_of(node)).height;
    if (status->twin) {
        call_refuse(call, ERR_STATE,
                    "what it has signed cannot be told from what the other did",
                    "stop the other, then start this node again; if there is "
                    "none, move votes/ away first",
                    "another machine votes with this validator's key");
        return false;
    }
    if (!status->amnesia) {
        call_refuse(call, ERR_STATE, "its safety log is whole",
                    "suan chain status",
                    "this validator has forgotten nothing");
        return false;
    }
    if (status->target > height) {
        call_refuse(
            call, ERR_STATE, "what is decided up there may be its own",
            "wait; suan chain status", "this node is at block %llu of %llu",
            (unsigned long long)height, (unsigned long long)status->target);
        return false;
    }
    return true;
}

void rpc_validator_recall(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"vouch", NULL};
    struct pubkey validator;
    struct sx_status status;
    bool vouch = false;
    if (!param_only(call, names) || !param_bool_if(call, "vouch", &vouch) ||
        !which_key(node, call, &validator))
        return;
    sx_status(chain_host_core(node->host), &status);
    if (!may_vouch(node, call, &status))
        return;
    if (vouch) {
        log_odd("chain", "the operator vouches for what was forgotten");
        chain_host_vouch(node->host);
    }
    control_reply(call, json_pack("{s:o, s:o, s:o, s:b}", "validator",
                                  json_address(node, &validator), "height",
                                  json_u64(chain_tip(chain_of(node)).height),
                                  "validators", json_u64(status.validators),
                                  "recalled", vouch));
}
