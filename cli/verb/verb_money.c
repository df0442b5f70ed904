/* suan wallet balance|send|history: what the chain says of the keys. */

#include "base/check.h"
#include "cli/network.h"
#include "cli/tx_send.h"
#include "cli/unlock.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "ledger/params.h"
#include "ledger/transfer.h"
#include "ledger/tx.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_MAX 1000u

/* ---- balance ---- */

static int add_account(struct cli *cli, const char *label, const char *address,
                       json_t *accounts)
{
    json_t *account = NULL;
    int failed = cli_call(cli, "chain.account",
                          json_pack("{s:s}", "address", address), &account);
    if (failed)
        return failed;
    json_object_set_new(account, "label", json_string(label));
    json_array_append_new(accounts, account);
    return 0;
}

static int add_keys(struct cli *cli, const char *name, json_t *accounts)
{
    struct wallet_place place;
    struct keystore store;
    struct keystore_entry *entries = NULL;
    struct keystore_entry one;
    size_t count = 0;
    enum err err = OK;
    int failed = unlock_store(cli, false, &place, &store);
    if (failed)
        return failed;
    if (name != NULL)
        failed = unlock_find(cli, &store, name, &one);
    else
        err = keystore_list(&store, &entries, &count);
    keystore_close(&store);
    if (failed)
        return failed;
    if (err != OK)
        return cli_fail_err(cli, err, "--wallet DIR", "the wallet");
    if (name != NULL)
        return add_account(cli, one.label, one.address, accounts);
    for (size_t i = 0; i < count && !failed; i++) {
        if (entries[i].err == OK)
            failed = add_account(cli, entries[i].label, entries[i].address,
                                 accounts);
    }
    free(entries);
    return failed;
}

int verb_wallet_balance(struct cli *cli, const struct args *args)
{
    const char *name = args_operand(args, 0);
    json_t *accounts = json_array();
    json_t *result;
    struct pubkey key;
    int failed;
    if (name != NULL && address_parse(name, NULL, &key) == OK)
        failed = add_account(cli, "", name, accounts);
    else
        failed = add_keys(cli, name, accounts);
    result = json_pack("{s:o}", "accounts", accounts);
    if (!failed)
        failed = view_print(cli, &view_balance, result);
    json_decref(result);
    return failed;
}

/* ---- history ---- */

/* What an entry moved, as text. A transfer has a sign: the sender also paid the
 * fee. A contract's money may have stayed locked, so it has none. */
static void entry_amount(const json_t *entry, const char *address,
                         char out[AMOUNT_TEXT_MAX + 1])
{
    struct amount moved = amount_micro(js_uint(entry, "effect.moved_micro"));
    struct amount fee = amount_micro(js_uint(entry, "fee_micro"));
    const char *sign = "";
    char text[AMOUNT_TEXT_MAX];
    if (strcmp(js_text(entry, "kind"), "transfer") == 0) {
        bool sent = strcmp(js_text(entry, "sender"), address) == 0;
        sign = sent ? "-" : "+";
        if (sent && amount_add(moved, fee, &moved) != OK)
            sign = "";
    }
    amount_format(moved, text);
    snprintf(out, AMOUNT_TEXT_MAX + 1, "%s%s", sign, text);
}

static void add_amounts(json_t *result, const char *address)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(result, "entries"), i, entry)
    {
        char line[AMOUNT_TEXT_MAX + 1];
        entry_amount(entry, address, line);
        json_object_set_new(entry, "amount", json_string(line));
    }
}

/* The address of a name, an address, or the only key. */
static int address_of(struct cli *cli, const char *name,
                      char out[ADDRESS_TEXT_MAX])
{
    struct wallet_place place;
    struct keystore store;
    struct keystore_entry entry;
    struct pubkey key;
    int failed;
    if (name != NULL && address_parse(name, NULL, &key) == OK) {
        snprintf(out, ADDRESS_TEXT_MAX, "%s", name);
        return 0;
    }
    failed = unlock_store(cli, false, &place, &store);
    if (failed)
        return failed;
    failed = unlock_find(cli, &store, name, &entry);
    keystore_close(&store);
    if (!failed)
        snprintf(out, ADDRESS_TEXT_MAX, "%s", entry.address);
    return failed;
}

/* "HEIGHT" or "HEIGHT:INDEX". */
static bool parse_place(const char *text, uint64_t *height, uint64_t *index)
{
    char first[32];
    size_t len = strcspn(text, ":");
    if (len >= sizeof(first))
        return false;
    memcpy(first, text, len);
    first[len] = '\0';
    return unit_parse_count(first, 0, INT64_MAX, height) == OK &&
           (text[len] == '\0' ||
            unit_parse_count(text + len + 1, 0, UINT32_MAX, index) == OK);
}

int verb_wallet_history(struct cli *cli, const struct args *args)
{
    const char *limit_text = args_text(args, "limit", "50");
    const char *before = args_text(args, "before", NULL);
    char address[ADDRESS_TEXT_MAX];
    uint64_t limit;
    uint64_t height = 0;
    uint64_t index = 0;
    json_t *params;
    json_t *result = NULL;
    int failed;
    if (unit_parse_count(limit_text, 1, HISTORY_MAX, &limit) != OK)
        return cli_usage(cli, "--limit 50",
                         "--limit \"%.20s\" is not a number up to %u",
                         limit_text, HISTORY_MAX);
    if (before != NULL && !parse_place(before, &height, &index))
        return cli_usage(cli, "--before 1200, or --before 1200:3",
                         "--before \"%.30s\" is not a height, nor a height and "
                         "a place in its block",
                         before);
    failed = address_of(cli, args_operand(args, 0), address);
    if (failed)
        return failed;
    params =
        json_pack("{s:s, s:I}", "address", address, "limit", (json_int_t)limit);
    if (before != NULL)
        json_object_set_new(params, "before", json_integer((json_int_t)height));
    if (index > 0)
        json_object_set_new(params, "before_index",
                            json_integer((json_int_t)index));
    failed = cli_call(cli, "chain.history", params, &result);
    if (failed)
        return failed;
    if (cli->form != FORM_JSON)
        add_amounts(result, address);
    failed = view_print(cli, &view_history, result);
    json_decref(result);
    return failed;
}

/* ---- send ---- */

struct sending {
    struct network network;
    struct transfer transfer;
    struct amount fee;
    uint8_t payload[160];
    size_t payload_len;
};

static int prepare(struct cli *cli, const struct args *args, struct sending *s)
{
    const char *memo = args_text(args, "memo", "");
    struct buf payload;
    int failed = network_get(cli, &s->network);
    if (!failed)
        failed = network_address(cli, &s->network, args_operand(args, 0),
                                 &s->transfer.to);
    if (!failed)
        failed = read_amount(cli, "AMOUNT", args_operand(args, 1),
                             &s->transfer.amount);
    if (failed)
        return failed;
    if (amount_is_zero(s->transfer.amount))
        return cli_usage(cli, NULL, "an amount of zero moves nothing");
    if (strlen(memo) > TRANSFER_MEMO_MAX)
        return cli_usage(cli, "fewer words", "--memo is longer than %u bytes",
                         TRANSFER_MEMO_MAX);
    snprintf(s->transfer.memo, sizeof(s->transfer.memo), "%s", memo);
    buf_init(&payload, sizeof(s->payload));
    transfer_encode(&s->transfer, &payload);
    CHECK(payload.err == OK);
    memcpy(s->payload, payload.ptr, payload.len);
    s->payload_len = payload.len;
    buf_done(&payload);
    s->fee = fee_for_payload(s->payload_len);
    return 0;
}

static int confirm_send(struct cli *cli, const struct args *args,
                        const struct sending *s)
{
    char amount[AMOUNT_TEXT_MAX];
    char fee[AMOUNT_TEXT_MAX];
    char question[256];
    amount_format(s->transfer.amount, amount);
    amount_format(s->fee, fee);
    snprintf(question, sizeof(question), "Send %s to %s for a fee of %s",
             amount, args_operand(args, 0), fee);
    return cli_confirm(cli, question, "nothing was sent");
}

static int submit(struct cli *cli, const struct sending *s, struct key *key)
{
    struct tx_order order = {.kind = TX_TRANSFER,
                             .payload = bytes_make(s->payload, s->payload_len),
                             .fee = s->fee,
                             .spends = s->transfer.amount,
                             .what = "the transfer",
                             .done = "sent"};
    return tx_send(cli, &s->network, key, &order);
}

int verb_wallet_send(struct cli *cli, const struct args *args)
{
    struct sending s = {0};
    struct key *key = NULL;
    int failed = prepare(cli, args, &s);
    if (!failed)
        failed = confirm_send(cli, args, &s);
    if (!failed)
        failed = unlock_key(cli, args_text(args, "key", NULL), &key);
    if (!failed)
        failed = submit(cli, &s, key);
    key_free(key);
    return failed;
}
