#include "cli/proof_tell.h"

#include "base/address.h"
#include "base/amount.h"
#include "cli/unit.h"
#include "ledger/account.h"
#include "ledger/bond.h"
#include "ledger/transfer.h"
#include "market/contract/contract.h"

#include <string.h>

#define KEY_TEXT_MAX (2u * 32u + 16u)

struct tell {
    const struct light_proof *proof;
    const char *prefix;
    json_t *object;
    struct buf says;
    struct arena arena;
};

static void key_text(const struct tell *tell, const uint8_t key[32],
                     char out[KEY_TEXT_MAX])
{
    struct pubkey pub;
    memcpy(pub.b, key, sizeof(pub.b));
    if (tell->prefix != NULL)
        address_format(tell->prefix, &pub, out);
    else
        hex_encode(BYTES_OF(pub.b), out);
}

static void put_text(struct tell *tell, const char *name, const char *text)
{
    json_object_set_new(tell->object, name, json_string(text));
}

static void put_uint(struct tell *tell, const char *name, uint64_t value)
{
    json_object_set_new(tell->object, name, json_integer((json_int_t)value));
}

static void put_hash(struct tell *tell, const char *name,
                     const struct hash *hash)
{
    char text[HASH_TEXT_MAX];
    hash_format(hash, text);
    put_text(tell, name, text);
}

static void put_key(struct tell *tell, const char *name,
                    const struct pubkey *key)
{
    char text[KEY_TEXT_MAX];
    key_text(tell, key->b, text);
    put_text(tell, name, text);
}

/* The amount, as "name_micro", and as text for a sentence. */
static const char *put_money(struct tell *tell, const char *name,
                             struct amount amount, char out[AMOUNT_TEXT_MAX])
{
    put_uint(tell, name, amount.micro); /* lint: micro (spells) */
    amount_format(amount, out);
    return out;
}

/* ---- records ---- */

static enum err tell_account(struct tell *tell, const char *who)
{
    const struct state_proof *state = &tell->proof->state;
    char text[AMOUNT_TEXT_MAX];
    uint64_t nonce = 0;
    struct amount balance = amount_micro(0);
    put_text(tell, "proves", "account");
    put_text(tell, "account", who);
    if (state->present && state->value.len != 16)
        return ERR_CORRUPT;
    if (state->present) {
        balance = amount_micro(u64le_get(state->value.ptr));
        nonce = u64le_get(state->value.ptr + 8);
    }
    put_money(tell, "balance_micro", balance, text);
    put_uint(tell, "nonce", nonce);
    if (!state->present)
        buf_addf(&tell->says, "the account %s does not exist: it has nothing",
                 who);
    else
        buf_addf(&tell->says,
                 "the account %s has a balance of %s, and has sent %llu "
                 "transactions",
                 who, text, (unsigned long long)nonce);
    return OK;
}

static enum err tell_validator(struct tell *tell, const char *who)
{
    const struct state_proof *state = &tell->proof->state;
    char bonded[AMOUNT_TEXT_MAX];
    char text[AMOUNT_TEXT_MAX];
    struct bond bond;
    struct amount leaving;
    put_text(tell, "proves", "validator");
    put_text(tell, "validator", who);
    if (!state->present) {
        buf_addf(&tell->says, "nothing is bonded for the validator %s", who);
        return OK;
    }
    TRY(bond_decode(state->value, &bond));
    TRY(bond_unbonding_sum(&bond, &leaving));
    put_key(tell, "owner", &bond.owner);
    put_money(tell, "bonded_micro", bond.bonded, bonded);
    put_money(tell, "slashed_micro", bond.slashed, text);
    put_money(tell, "unbonding_micro", leaving, text);
    put_uint(tell, "jailed_epoch", bond.jailed_epoch);
    buf_addf(&tell->says,
             "%s is bonded for the validator %s by %s, and %s is being "
             "unbonded",
             bonded, who,
             json_string_value(json_object_get(tell->object, "owner")), text);
    if (bond.jailed_epoch > 0)
        buf_addf(&tell->says, "; it was jailed for evidence in epoch %llu",
                 (unsigned long long)bond.jailed_epoch);
    return OK;
}

static void contract_says(struct tell *tell, const struct contract *contract,
                          const char *id)
{
    char provider[KEY_TEXT_MAX];
    char buyer[KEY_TEXT_MAX];
    char paid[AMOUNT_TEXT_MAX];
    char back[AMOUNT_TEXT_MAX];
    char cap[AMOUNT_TEXT_MAX];
    key_text(tell, contract->provider.b, provider);
    key_text(tell, contract->buyer.b, buyer);
    put_money(tell, "paid_micro", contract->paid, paid);
    put_money(tell, "refunded_micro", contract->refunded, back);
    put_money(tell, "cap_micro", contract->cap, cap);
    if (contract->state == CONTRACT_SETTLED)
        buf_addf(&tell->says,
                 "the contract %s is settled (%s): the provider %s was paid "
                 "%s, the buyer %s got %s back",
                 id, end_reason_text(contract->reason), provider, paid, buyer,
                 back);
    else
        buf_addf(&tell->says,
                 "the contract %s is %s: the buyer %s has locked %s for the "
                 "provider %s",
                 id, contract_state_text(contract->state), buyer, cap,
                 provider);
}

static enum err tell_contract(struct tell *tell)
{
    const struct state_proof *state = &tell->proof->state;
    char text[HASH_TEXT_MAX];
    char money[AMOUNT_TEXT_MAX];
    struct contract contract;
    struct hash id;
    memcpy(id.b, state->key.ptr, HASH_LEN);
    hash_format(&id, text);
    put_text(tell, "proves", "contract");
    put_text(tell, "contract", text);
    if (!state->present) {
        buf_addf(&tell->says, "there is no contract %s", text);
        return OK;
    }
    TRY(contract_decode(state->value, &tell->arena, &contract));
    if (!hash_equal(&contract.id, &id))
        return ERR_CORRUPT;
    put_text(tell, "state", contract_state_text(contract.state));
    put_key(tell, "buyer", &contract.buyer);
    put_key(tell, "provider", &contract.provider);
    put_key(tell, "payout", &contract.payout);
    put_hash(tell, "request", &contract.request);
    put_uint(tell, "task", contract.task);
    put_uint(tell, "attempt", contract.attempt);
    put_uint(tell, "reason", (uint64_t)contract.reason);
    put_text(tell, "reason_text", end_reason_text(contract.reason));
    put_uint(tell, "exit_code", contract.exit_code);
    put_uint(tell, "wall_ms", contract.wall_ms);
    put_money(tell, "bond_micro", contract.bond, money);
    put_money(tell, "slashed_micro", contract.slashed, money);
    put_hash(tell, "result", &contract.result);
    put_uint(tell, "settled_at_ms", contract.settled_at_ms);
    contract_says(tell, &contract, text);
    return OK;
}

static enum err tell_state(struct tell *tell)
{
    const struct state_proof *state = &tell->proof->state;
    char who[KEY_TEXT_MAX];
    json_object_set_new(tell->object, "present", json_boolean(state->present));
    if (state->key.len == 32 && state->table == STATE_CONTRACT)
        return tell_contract(tell);
    if (state->key.len == 32)
        key_text(tell, state->key.ptr, who);
    if (state->key.len == 32 && state->table == STATE_ACCOUNT)
        return tell_account(tell, who);
    if (state->key.len == 32 && state->table == STATE_VALIDATOR)
        return tell_validator(tell, who);
    put_text(tell, "proves", "record");
    put_uint(tell, "table", (uint64_t)state->table);
    put_uint(tell, "bytes", state->value.len);
    buf_addf(&tell->says, "the record of table %u that it names is %s",
             (unsigned)state->table, state->present ? "there" : "not there");
    return OK;
}

/* ---- transactions ---- */

static const char *kind_name(uint32_t kind)
{
    for (size_t i = 0; i < ledger_kind_count; i++) {
        if (ledger_kinds[i].id == kind)
            return ledger_kinds[i].name;
    }
    for (size_t i = 0; i < market_kind_count; i++) {
        if (market_kinds[i].id == kind)
            return market_kinds[i].name;
    }
    return "unknown";
}

static enum err transfer_says(struct tell *tell, const char *id,
                              const char *sender)
{
    const struct tx_proof *tx = &tell->proof->tx;
    struct transfer transfer;
    char to[KEY_TEXT_MAX];
    char amount[AMOUNT_TEXT_MAX];
    TRY(transfer_decode(tx->tx.payload, &tell->arena, &transfer));
    key_text(tell, transfer.to.b, to);
    put_text(tell, "to", to);
    put_money(tell, "amount_micro", transfer.amount, amount);
    buf_addf(&tell->says, "%s sent %s to %s in transaction %s", sender, amount,
             to, id);
    return OK;
}

static enum err tell_tx(struct tell *tell)
{
    const struct tx_proof *tx = &tell->proof->tx;
    char id[HASH_TEXT_MAX];
    char sender[KEY_TEXT_MAX];
    char moved[AMOUNT_TEXT_MAX];
    char text[HASH_TEXT_MAX];
    hash_format(&tx->tx.id, id);
    key_text(tell, tx->tx.sender.b, sender);
    put_text(tell, "proves", "transaction");
    put_text(tell, "transaction", id);
    put_text(tell, "kind", kind_name(tx->tx.kind));
    put_text(tell, "sender", sender);
    put_uint(tell, "nonce", tx->tx.nonce);
    put_uint(tell, "index", tx->position);
    put_uint(tell, "fee_micro",
             tx->result.fee.micro); /* lint: micro (spells) */
    put_money(tell, "moved_micro", tx->result.effect.moved, moved);
    put_hash(tell, "subject", &tx->result.effect.subject);
    if (tx->tx.kind == TX_TRANSFER)
        return transfer_says(tell, id, sender);
    buf_addf(&tell->says, "%s sent transaction %s (%s), which moved %s", sender,
             id, kind_name(tx->tx.kind), moved);
    if (!hash_is_zero(&tx->result.effect.subject)) {
        hash_format(&tx->result.effect.subject, text);
        buf_addf(&tell->says, "; its subject is %s", text);
    }
    return OK;
}

/* ---- what holds for all ---- */

static void put_ground(struct tell *tell)
{
    const struct light_proof *proof = tell->proof;
    bool is_tx = proof->kind == 'T';
    const struct header *at = is_tx ? &proof->tx.header : &proof->state.header;
    const struct header *by =
        is_tx ? &proof->tx.certified : &proof->state.header;
    const struct proof_quorum *quorum =
        is_tx ? &proof->tx.quorum : &proof->state.quorum;
    put_uint(tell, "height", at->height);
    put_hash(tell, "block", is_tx ? &proof->tx.id : &proof->state.id);
    put_uint(tell, "block_at_ms", at->time_ms);
    put_uint(tell, "certified_height", by->height);
    put_uint(tell, "epoch", by->epoch);
    put_uint(tell, "signers", quorum->signers);
    put_uint(tell, "validators", quorum->seats);
    put_uint(tell, "weight", quorum->weight);
    put_uint(tell, "weight_total", quorum->total);
    put_hash(tell, "chain", &proof->chain);
    put_text(tell, "start",
             proof->start == LIGHT_GENESIS ? "genesis" : "block");
    put_hash(tell, "trusted", &proof->trusted);
    put_uint(tell, "start_epoch", proof->start_epoch);
    put_uint(tell, "epochs", proof->steps);
}

json_t *proof_json(const struct light_proof *proof, const char *prefix)
{
    struct tell tell = {
        .proof = proof, .prefix = prefix, .object = json_object()};
    buf_init(&tell.says, 2048);
    arena_init(&tell.arena, 64 * 1024);
    enum err err = proof->kind == 'T' ? tell_tx(&tell) : tell_state(&tell);
    if (err == OK) {
        put_ground(&tell);
        put_text(&tell, "says", buf_cstr(&tell.says));
    }
    if (err != OK || tell.says.err != OK) {
        json_decref(tell.object);
        tell.object = NULL;
    }
    arena_done(&tell.arena);
    buf_done(&tell.says);
    return tell.object;
}

void proof_tell(struct cli *cli, const json_t *object)
{
    char at[UNIT_TEXT_MAX];
    uint64_t height = js_uint(object, "height");
    uint64_t weight = js_uint(object, "weight");
    uint64_t total = js_uint(object, "weight_total");
    double share = total == 0 ? 0 : 100.0 * (double)weight / (double)total;
    unit_format_time(js_uint(object, "block_at_ms"), at);
    fprintf(cli->out, "proven: ");
    cli_put(cli->out, js_text(object, "says"));
    fprintf(cli->out, "\n");
    fprintf(cli->out, "stands: in block %llu of %s\n",
            (unsigned long long)height, at);
    fprintf(cli->out,
            "signed: by %llu of %llu validators of epoch %llu, %.1f%% of the "
            "weight (it takes more than two thirds)",
            (unsigned long long)js_uint(object, "signers"),
            (unsigned long long)js_uint(object, "validators"),
            (unsigned long long)js_uint(object, "epoch"), share);
    if (js_uint(object, "certified_height") != height)
        fprintf(cli->out, ", under block %llu, whose history has it",
                (unsigned long long)js_uint(object, "certified_height"));
    fprintf(cli->out, "\n");
    fprintf(cli->out, "trusted: the %s %s", js_text(object, "start"),
            js_text(object, "trusted"));
    if (js_uint(object, "epochs") > 0)
        fprintf(cli->out, ", and from there %llu epochs, each signed",
                (unsigned long long)js_uint(object, "epochs"));
    fprintf(cli->out, "\n");
}
