/* suan node send: money from the node's own account. */

#include "base/check.h"
#include "cli/network.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "ledger/params.h"
#include "ledger/transfer.h"

#include <stdio.h>
#include <string.h>

#define SEND_WAIT_MS 15000u
#define PAYLOAD_MAX  160u

struct sending {
    struct network network;
    char from[ADDRESS_TEXT_MAX];
    struct pubkey to;
    struct amount amount;
    struct amount fee;
    struct amount balance;
    struct amount rest; /* of the balance, when it is sent */
};

static struct amount fee_of(const struct pubkey *to, struct amount amount)
{
    struct transfer transfer = {.to = *to, .amount = amount};
    struct amount fee;
    struct buf payload;
    buf_init(&payload, PAYLOAD_MAX);
    transfer_encode(&transfer, &payload);
    CHECK(payload.err == OK);
    fee = fee_for_payload(payload.len);
    buf_done(&payload);
    return fee;
}

static int get_balance(struct cli *cli, struct sending *s)
{
    json_t *account = NULL;
    int failed;
    address_format(s->network.prefix, &s->network.node, s->from);
    failed = cli_call(cli, "chain.account",
                      json_pack("{s:s, s:b}", "address", s->from, "locked", 0),
                      &account);
    if (!failed)
        s->balance = amount_micro(js_uint(account, "balance_micro"));
    json_decref(account);
    return failed;
}

static int too_little(struct cli *cli, const struct sending *s)
{
    char has[AMOUNT_TEXT_MAX];
    char wanted[AMOUNT_TEXT_MAX];
    char fee[AMOUNT_TEXT_MAX];
    amount_format(s->balance, has);
    amount_format(s->amount, wanted);
    amount_format(s->fee, fee);
    return cli_fail(cli, EXIT_FUNDS, NULL, "a smaller amount, or all",
                    "the node's account has %s; %s and a fee of %s are needed",
                    has, wanted, fee);
}

static int nothing_left(struct cli *cli, const struct sending *s)
{
    char has[AMOUNT_TEXT_MAX];
    char fee[AMOUNT_TEXT_MAX];
    amount_format(s->balance, has);
    amount_format(s->fee, fee);
    return cli_fail(cli, EXIT_FUNDS, NULL, "suan sell status",
                    "the node's account has %s, and the fee is %s", has, fee);
}

/* The fee grows with the amount's length: what is left has no larger one. */
static int read_all(struct cli *cli, struct sending *s)
{
    s->fee = fee_of(&s->to, s->balance);
    if (amount_sub(s->balance, s->fee, &s->amount) != OK ||
        amount_is_zero(s->amount))
        return nothing_left(cli, s);
    s->fee = fee_of(&s->to, s->amount);
    s->rest = amount_micro(0);
    return 0;
}

static int read_some(struct cli *cli, const char *text, struct sending *s)
{
    struct amount need;
    int failed = read_amount(cli, "AMOUNT", text, &s->amount);
    if (failed)
        return failed;
    if (amount_is_zero(s->amount))
        return cli_usage(cli, NULL, "an amount of zero moves nothing");
    s->fee = fee_of(&s->to, s->amount);
    if (amount_add(s->amount, s->fee, &need) != OK ||
        amount_sub(s->balance, need, &s->rest) != OK)
        return too_little(cli, s);
    return 0;
}

static int prepare(struct cli *cli, const struct args *args, struct sending *s)
{
    const char *amount = args_operand(args, 1);
    int failed = network_get(cli, &s->network);
    if (!failed)
        failed =
            network_address(cli, &s->network, args_operand(args, 0), &s->to);
    if (!failed && pubkey_equal(&s->to, &s->network.node))
        failed = cli_usage(cli, "an address of yours; suan wallet list",
                           "this is the address of the node's own account");
    if (!failed)
        failed = get_balance(cli, s);
    if (failed)
        return failed;
    return strcmp(amount, "all") == 0 ? read_all(cli, s)
                                      : read_some(cli, amount, s);
}

/* Bonds of contracts to come are locked from the same account. */
static int warn_of_bonds(struct cli *cli, const struct sending *s)
{
    json_t *status = NULL;
    struct amount needed;
    int failed;
    if (!s->network.provider)
        return 0;
    failed = cli_call(cli, "sell.status", NULL, &status);
    if (failed)
        return failed;
    needed = amount_micro(js_uint(status, "bond_needed_micro"));
    if (js_bool(status, "wanted") && amount_cmp(s->rest, needed) < 0) {
        char rest[AMOUNT_TEXT_MAX];
        char wanted[AMOUNT_TEXT_MAX];
        amount_format(s->rest, rest);
        amount_format(needed, wanted);
        cli_warn(cli,
                 "warning: the node sells: to sell everything at once takes "
                 "%s for bonds, and %s will be left. Contracts whose bond is "
                 "not there are not taken",
                 wanted, rest);
    }
    json_decref(status);
    return 0;
}

static int confirm_send(struct cli *cli, const struct args *args,
                        const struct sending *s)
{
    char amount[AMOUNT_TEXT_MAX];
    char fee[AMOUNT_TEXT_MAX];
    char question[400];
    amount_format(s->amount, amount);
    amount_format(s->fee, fee);
    snprintf(question, sizeof(question),
             "Send %s from the node's account to %s for a fee of %s", amount,
             args_operand(args, 0), fee);
    return cli_confirm(cli, question, "nothing was sent");
}

/* What waits goes on waiting in the node, also when nobody asks any more. */
static void say_how(struct cli *cli, const struct sending *s,
                    const json_t *result)
{
    const char *id = js_text(result, "id");
    const char *why = js_text(result, "waiting_for");
    if (strcmp(js_text(result, "state"), "final") == 0)
        cli_note(cli, "sent; final in block %llu",
                 (unsigned long long)js_uint(result, "height"));
    else if (id[0] != '\0')
        cli_note(cli,
                 "not final yet%s%s; it goes on waiting in the node: do not "
                 "send it again. Try: suan chain tx %s",
                 why[0] != '\0' ? ": " : "", why, id);
    else
        cli_note(
            cli,
            "not final yet%s%s; it waits behind other transactions of the "
            "node's, until the node stops: do not send it again. Try: suan "
            "chain status, then suan wallet history %s",
            why[0] != '\0' ? ": " : "", why, s->from);
}

static int print(struct cli *cli, const struct sending *s, const json_t *result)
{
    int failed;
    if (cli->form == FORM_JSON)
        return out_json(cli, result);
    if (js_text(result, "id")[0] != '\0')
        fprintf(cli->out, "%s\n", js_text(result, "id"));
    failed = out_flush(cli);
    say_how(cli, s, result);
    return failed;
}

static int submit(struct cli *cli, const struct args *args,
                  const struct sending *s)
{
    json_t *result = NULL;
    json_t *params = json_pack(
        "{s:s, s:I, s:I}", "to", args_operand(args, 0), "amount_micro",
        (json_int_t)s->amount.micro, /* lint: micro (a parameter) */
        "wait_ms", (json_int_t)SEND_WAIT_MS);
    int failed = cli_call_wait(cli, "node.send", params, SEND_WAIT_MS, &result);
    if (failed == EXIT_UNREACHABLE)
        cli_warn(cli,
                 "it may have been sent all the same. Try: suan wallet history "
                 "%s before sending it again",
                 s->from);
    if (!failed)
        failed = print(cli, s, result);
    json_decref(result);
    return failed;
}

int verb_node_send(struct cli *cli, const struct args *args)
{
    struct sending s = {0};
    int failed = prepare(cli, args, &s);
    if (!failed)
        failed = warn_of_bonds(cli, &s);
    if (!failed)
        failed = confirm_send(cli, args, &s);
    if (!failed)
        failed = submit(cli, args, &s);
    return failed;
}
