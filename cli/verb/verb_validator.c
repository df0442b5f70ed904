/* suan validator list|show|bond|unbond|withdraw|recall: who signs blocks, and
 * the money that vouches for it. */

#include "base/check.h"
#include "cli/network.h"
#include "cli/tx_send.h"
#include "cli/unlock.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "ledger/bond_tx.h"
#include "ledger/params.h"
#include "ledger/tx.h"

#include <string.h>

/* ---- looking ---- */

int verb_validator_list(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "validator.list", NULL, &result);
    (void)args;
    if (failed)
        return failed;
    failed = view_print(cli, &view_bonds, result);
    json_decref(result);
    return failed;
}

/* Asks about a validator; address NULL: the node's own. */
static int ask(struct cli *cli, const char *address, json_t **out)
{
    struct pubkey key;
    if (address == NULL)
        return cli_call(cli, "validator.show", NULL, out);
    if (address_parse(address, NULL, &key) != OK)
        return cli_usage(cli, "suan validator list",
                         "\"%.80s\" is not an address", address);
    return cli_call(cli, "validator.show",
                    json_pack("{s:s}", "validator", address), out);
}

int verb_validator_show(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = ask(cli, args_operand(args, 0), &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_bond, result);
    if (!failed && cli->form != FORM_JSON && cli->form != FORM_NAME &&
        json_array_size(json_object_get(result, "unbondings")) > 0) {
        fputc('\n', cli->out);
        failed = view_print(cli, &view_unbondings, result);
    }
    json_decref(result);
    return failed;
}

/* ---- moving money ---- */

/* What all three have in common: the validator, and the wallet key that owns it
 * or will. */
struct stake_order {
    struct network network;
    json_t *shown; /* validator.show */
    struct pubkey validator;
    struct keystore_entry owner; /* its address is the owner's */
    struct amount amount;
    struct buf payload;
    uint32_t kind;
    struct amount spends;
    const char *done;
};

/* The key's entry, without opening it. */
static int find_owner(struct cli *cli, const char *name,
                      struct keystore_entry *out)
{
    struct wallet_place place;
    struct keystore store;
    int failed = unlock_store(cli, false, &place, &store);
    if (failed)
        return failed;
    failed = unlock_find(cli, &store, name, out);
    keystore_close(&store);
    return failed;
}

static bool has_bond(const struct stake_order *o)
{
    return js_text(o->shown, "owner")[0] != '\0';
}

static int prepare(struct cli *cli, const struct args *args,
                   struct stake_order *o)
{
    buf_init(&o->payload, 256);
    int failed = network_get(cli, &o->network);
    if (!failed)
        failed = ask(cli, args_text(args, "validator", NULL), &o->shown);
    if (!failed)
        failed = network_address(cli, &o->network,
                                 js_text(o->shown, "validator"), &o->validator);
    if (!failed)
        failed = find_owner(cli, args_text(args, "key", NULL), &o->owner);
    if (failed)
        return failed;
    if (has_bond(o) &&
        strcmp(js_text(o->shown, "owner"), o->owner.address) != 0)
        return cli_fail(cli, EXIT_FAILED, "it has another owner",
                        "--key NAME or --wallet DIR of the owner",
                        "the bond belongs to %s", js_text(o->shown, "owner"));
    return 0;
}

static void finish(struct stake_order *o)
{
    json_decref(o->shown);
    buf_done(&o->payload);
}

/* Asks, opens the key, sends. */
static int send(struct cli *cli, const struct args *args,
                const struct stake_order *o, const char *question)
{
    struct tx_order order = {.kind = o->kind,
                             .payload = buf_bytes(&o->payload),
                             .spends = o->spends,
                             .what = "the transaction",
                             .done = o->done};
    char fee[AMOUNT_TEXT_MAX];
    char text[512];
    struct key *key = NULL;
    CHECK(o->payload.err == OK);
    order.fee = fee_for_payload(o->payload.len);
    amount_format(order.fee, fee);
    snprintf(text, sizeof(text), "%s, for a fee of %s", question, fee);
    int exit_code = cli_confirm(cli, text, "nothing was sent");
    if (!exit_code)
        exit_code = unlock_key(cli, args_text(args, "key", NULL), &key);
    if (!exit_code)
        exit_code = tx_send(cli, &o->network, key, &order);
    key_free(key);
    return exit_code;
}

/* The validator's own signature, from the node that holds its key. */
static int get_proof(struct cli *cli, const struct stake_order *o,
                     struct bond_add *add)
{
    json_t *result = NULL;
    struct buf proof;
    int failed =
        cli_call(cli, "validator.prove",
                 json_pack("{s:s}", "owner", o->owner.address), &result);
    if (failed)
        return failed;
    buf_init(&proof, sizeof(add->proof.b));
    if (strcmp(js_text(result, "validator"), js_text(o->shown, "validator")) !=
        0)
        failed = cli_fail(
            cli, EXIT_FAILED, "a new validator is bonded at its own node",
            "--node SOCKET of that node", "this node is another validator");
    else if (rpc_bytes_json(json_object_get(result, "proof"), &proof) != OK ||
             proof.len != sizeof(add->proof.b))
        failed = cli_fail(cli, EXIT_FAILED, NULL, "suan doctor",
                          "the node's proof cannot be read");
    if (!failed) {
        memcpy(add->proof.b, proof.ptr, sizeof(add->proof.b));
        add->has_proof = true;
    }
    buf_done(&proof);
    json_decref(result);
    return failed;
}

static int bond(struct cli *cli, const struct args *args, struct stake_order *o)
{
    struct bond_add add = {0};
    char amount[AMOUNT_TEXT_MAX];
    char question[256];
    int failed = read_amount(cli, "AMOUNT", args_operand(args, 0), &o->amount);
    if (!failed && amount_is_zero(o->amount))
        return cli_usage(cli, NULL, "an amount of zero bonds nothing");
    if (!failed && !has_bond(o))
        failed = get_proof(cli, o, &add);
    if (failed)
        return failed;
    add.validator = o->validator;
    add.amount = o->amount;
    bond_add_encode(&add, &o->payload);
    o->kind = TX_VALIDATOR_BOND;
    o->spends = o->amount;
    o->done = "bonded";
    amount_format(o->amount, amount);
    snprintf(question, sizeof(question), "Bond %s of %s for this validator",
             amount, o->owner.label);
    return send(cli, args, o, question);
}

/* AMOUNT, or "all" that is bonded. */
static int read_part(struct cli *cli, const char *text,
                     const struct stake_order *o, struct amount *out)
{
    if (strcmp(text, "all") == 0)
        *out = amount_micro(js_uint(o->shown, "bonded_micro"));
    else {
        int failed = read_amount(cli, "AMOUNT", text, out);
        if (failed)
            return failed;
    }
    return amount_is_zero(*out) ? cli_usage(cli, "suan validator show",
                                            "there is nothing to unbond")
                                : 0;
}

static int unbond(struct cli *cli, const struct args *args,
                  struct stake_order *o)
{
    char amount[AMOUNT_TEXT_MAX];
    char question[256];
    uint64_t release =
        js_uint(o->shown, "epoch") + js_uint(o->shown, "unbond_epochs");
    if (!has_bond(o))
        return cli_fail(cli, EXIT_NOT_FOUND,
                        "nobody has bonded anything for it",
                        "suan validator list", "there is nothing to unbond");
    int failed = read_part(cli, args_operand(args, 0), o, &o->amount);
    if (failed)
        return failed;
    struct bond_take take = {o->validator, o->amount};
    bond_take_encode(&take, &o->payload);
    o->kind = TX_VALIDATOR_UNBOND;
    o->done = "unbonding";
    amount_format(o->amount, amount);
    snprintf(question, sizeof(question), "Unbond %s, released in epoch %llu",
             amount, (unsigned long long)release);
    return send(cli, args, o, question);
}

static int withdraw(struct cli *cli, const struct args *args,
                    struct stake_order *o)
{
    struct amount sum = amount_micro(0);
    char amount[AMOUNT_TEXT_MAX];
    char question[256];
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(o->shown, "unbondings"), i, row)
    {
        struct amount part = amount_micro(js_uint(row, "amount_micro"));
        if (js_bool(row, "released") && amount_add(sum, part, &sum) != OK)
            return cli_fail_err(cli, ERR_OVERFLOW, NULL, "the sum");
    }
    if (amount_is_zero(sum))
        return cli_fail(cli, EXIT_FAILED, err_text(ERR_NOT_RELEASED),
                        "suan validator show", "there is nothing to withdraw");
    bond_withdraw_encode(&o->validator, &o->payload);
    o->kind = TX_VALIDATOR_WITHDRAW;
    o->done = "withdrawn";
    amount_format(sum, amount);
    snprintf(question, sizeof(question), "Withdraw %s to %s", amount,
             o->owner.label);
    return send(cli, args, o, question);
}

static int run(struct cli *cli, const struct args *args,
               int (*step)(struct cli *, const struct args *,
                           struct stake_order *))
{
    struct stake_order o = {0};
    int failed = prepare(cli, args, &o);
    if (!failed)
        failed = step(cli, args, &o);
    finish(&o);
    return failed;
}

/* ---- vouching ---- */

static int vouch(struct cli *cli, uint64_t height)
{
    char question[320];
    json_t *result = NULL;
    snprintf(question, sizeof(question),
             "This validator does not know what it has signed. If its key has "
             "signed anything above block %llu, on this machine or another, "
             "signing again can cost its bond. Has it not",
             (unsigned long long)height);
    int exit_code = cli_confirm(cli, question, "nothing was changed");
    if (exit_code)
        return exit_code;
    exit_code = cli_call(cli, "validator.recall",
                         json_pack("{s:b}", "vouch", true), &result);
    if (!exit_code)
        cli_note(cli, "it signs again");
    json_decref(result);
    return exit_code;
}

int verb_validator_recall(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "validator.recall", NULL, &result);
    (void)args;
    if (!failed)
        failed = vouch(cli, js_uint(result, "height"));
    json_decref(result);
    return failed;
}

/* ---- bonds ---- */

int verb_validator_bond(struct cli *cli, const struct args *args)
{
    return run(cli, args, bond);
}

int verb_validator_unbond(struct cli *cli, const struct args *args)
{
    return run(cli, args, unbond);
}

int verb_validator_withdraw(struct cli *cli, const struct args *args)
{
    return run(cli, args, withdraw);
}
