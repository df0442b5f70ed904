#include "cli/tx_send.h"

#include "cli/view/view.h"
#include "ledger/tx.h"

#include <string.h>

/* Blocks after which an unsent transaction is void. */
#define SEND_EXPIRY_BLOCKS 1000u
#define SEND_WAIT_MS       15000u

/* The account's next nonce; refuses early what cannot be paid. */
static int next_nonce(struct cli *cli, const struct network *network,
                      const struct tx_order *order, const struct pubkey *key,
                      uint64_t *out)
{
    char address[ADDRESS_TEXT_MAX];
    json_t *account = NULL;
    struct amount need;
    int failed;
    address_format(network->prefix, key, address);
    failed = cli_call(cli, "chain.account",
                      json_pack("{s:s, s:b}", "address", address, "locked", 0),
                      &account);
    if (failed)
        return failed;
    *out = js_uint(account, "nonce");
    if (amount_add(order->spends, order->fee, &need) != OK ||
        amount_cmp(amount_micro(js_uint(account, "balance_micro")), need) < 0) {
        char have[AMOUNT_TEXT_MAX];
        char wanted[AMOUNT_TEXT_MAX];
        amount_format(amount_micro(js_uint(account, "balance_micro")), have);
        amount_format(need, wanted);
        failed = cli_fail(cli, EXIT_FUNDS, NULL, "suan wallet balance",
                          "the balance is %s, and %s is needed", have, wanted);
    }
    json_decref(account);
    return failed;
}

int tx_send(struct cli *cli, const struct network *network, struct key *key,
            const struct tx_order *order)
{
    struct tx tx = {0};
    struct signer signer = key_signer(key);
    struct buf encoded;
    json_t *params = NULL;
    json_t *result = NULL;
    enum err err;
    int failed = next_nonce(cli, network, order, &signer.key, &tx.nonce);
    if (failed)
        return failed;
    tx.chain = network->chain;
    tx.kind = order->kind;
    tx.expiry_height = network->height + SEND_EXPIRY_BLOCKS;
    tx.fee = order->fee;
    tx.payload = order->payload;
    err = tx_sign(&tx, &signer);
    if (err != OK)
        return cli_fail_err(cli, err, NULL, "%s was not signed", order->what);
    buf_init(&encoded, LIMIT_TX_BYTES);
    tx_encode(&tx, &encoded);
    if (encoded.err == OK)
        params = params_bytes("tx", buf_bytes(&encoded));
    buf_done(&encoded);
    if (params == NULL)
        return cli_nomem(cli);
    json_object_set_new(params, "wait_ms", json_integer(SEND_WAIT_MS));
    failed = cli_call_wait(cli, "tx.submit", params, SEND_WAIT_MS, &result);
    if (failed)
        return failed;
    if (cli->form == FORM_JSON) {
        failed = out_json(cli, result);
    } else {
        fprintf(cli->out, "%s\n", js_text(result, "id"));
        failed = out_flush(cli);
        if (strcmp(js_text(result, "state"), "final") == 0)
            cli_note(cli, "%s; final in block %llu", order->done,
                     (unsigned long long)js_uint(result, "height"));
        else
            cli_note(cli, "not final yet. Try: suan chain tx %s",
                     js_text(result, "id"));
    }
    json_decref(result);
    return failed;
}
