/* links: suan_cli */
/* How long a transfer takes from the control socket of a running node to final,
 * at that node. Part of trade.sh and consensus.sh.
 *
 *   bench_send SOCKET                  prints the address that pays
 *   bench_send SOCKET RUNS             median, p95 and p99, in ms
 *
 * The payer's key is made of a fixed seed: it is worth what somebody sends it,
 * on a network that lasts for one bench. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/address.h"
#include "base/check.h"
#include "cli/client.h"
#include "ledger/params.h"
#include "ledger/transfer.h"
#include "ledger/tx.h"

#define RUNS_MAX   2000u
#define ANSWER_MS  10000u
#define EXPIRY     1000u
#define PAUSE_NSEC 5000000

struct payer {
    struct signer signer;
    uint8_t secret[64];
    struct hash chain;
    char address[ADDRESS_TEXT_MAX];
    uint64_t nonce;
    uint64_t height;
};

static enum err payer_sign(void *ctx, const char *tag,
                           const struct hash *digest, struct signature *out)
{
    struct payer *payer = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, payer->secret);
    return OK;
}

static json_t *ask(struct client *client, const char *method, json_t *params)
{
    struct rpc_error error;
    json_t *result = NULL;
    if (client_call(client, method, params, ANSWER_MS, &result, &error) == OK)
        return result;
    fprintf(stderr, "bench_send: %s: %s: %s\n", method, error.what, error.why);
    exit(1);
}

static void payer_init(struct payer *payer, struct client *client)
{
    static const uint8_t seed[32] = "suan bench: the one who pays...";
    json_t *info = ask(client, "node.info", NULL);
    const char *prefix = json_string_value(json_object_get(info, "prefix"));
    const char *chain = json_string_value(json_object_get(info, "chain"));
    crypto_sign_seed_keypair(payer->signer.key.b, payer->secret, seed);
    payer->signer.sign = payer_sign;
    payer->signer.ctx = payer;
    CHECK(prefix != NULL && chain != NULL);
    CHECK(hash_parse(chain, &payer->chain) == OK);
    address_format(prefix, &payer->signer.key, payer->address);
    payer->height =
        (uint64_t)json_integer_value(json_object_get(info, "height"));
    json_decref(info);
}

static void payer_nonce(struct payer *payer, struct client *client)
{
    json_t *account = ask(client, "chain.account",
                          json_pack("{s:s}", "address", payer->address));
    payer->nonce =
        (uint64_t)json_integer_value(json_object_get(account, "nonce"));
    json_decref(account);
}

/* A transfer of the least amount, to oneself. */
static json_t *next_transfer(struct payer *payer)
{
    struct transfer transfer = {.to = payer->signer.key,
                                .amount = amount_micro(1)};
    struct tx tx = {.kind = TX_TRANSFER,
                    .chain = payer->chain,
                    .nonce = payer->nonce++,
                    .expiry_height = payer->height + EXPIRY + RUNS_MAX};
    struct buf payload;
    struct buf bytes;
    json_t *params;
    buf_init(&payload, 1024);
    buf_init(&bytes, LIMIT_TX_BYTES);
    transfer_encode(&transfer, &payload);
    tx.payload = buf_bytes(&payload);
    tx.fee = fee_for_payload(payload.len);
    CHECK(tx_sign(&tx, &payer->signer) == OK);
    tx_encode(&tx, &bytes);
    CHECK(bytes.err == OK);
    params = json_pack("{s:o, s:i}", "tx", rpc_json_bytes(buf_bytes(&bytes)),
                       "wait_ms", (int)ANSWER_MS);
    buf_done(&payload);
    buf_done(&bytes);
    CHECK(params != NULL);
    return params;
}

static double now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec * 1e-6;
}

static double send_one(struct payer *payer, struct client *client)
{
    json_t *params = next_transfer(payer);
    double start = now_ms();
    json_t *result = ask(client, "tx.submit", params);
    double spent = now_ms() - start;
    const char *state = json_string_value(json_object_get(result, "state"));
    if (state == NULL || strcmp(state, "final") != 0) {
        fprintf(stderr, "bench_send: a transfer did not become final\n");
        exit(1);
    }
    json_decref(result);
    return spent;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void send_many(struct payer *payer, struct client *client, size_t runs)
{
    static double spent[RUNS_MAX];
    const struct timespec pause = {.tv_nsec = PAUSE_NSEC};
    payer_nonce(payer, client);
    for (size_t i = 0; i < runs; i++) {
        nanosleep(&pause, NULL);
        spent[i] = send_one(payer, client);
    }
    qsort(spent, runs, sizeof(*spent), compare_doubles);
    printf("%.3f %.3f %.3f\n", spent[runs / 2], spent[runs * 95 / 100],
           spent[runs * 99 / 100]);
}

int main(int argc, char **argv)
{
    static struct payer payer;
    struct client *client = NULL;
    struct rpc_error error;
    long runs = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    if (argc < 2 || argc > 3 || runs < 0 || runs > (long)RUNS_MAX ||
        (argc == 3 && runs == 0)) {
        fprintf(stderr, "usage: bench_send SOCKET [RUNS]; RUNS up to %u\n",
                RUNS_MAX);
        return 2;
    }
    CHECK(sodium_init() >= 0);
    if (client_open(argv[1], &client, &error) != OK) {
        fprintf(stderr, "bench_send: %s: %s\n", error.what, error.why);
        return 1;
    }
    payer_init(&payer, client);
    if (runs == 0)
        printf("%s\n", payer.address);
    else
        send_many(&payer, client, (size_t)runs);
    client_free(client);
    return 0;
}
