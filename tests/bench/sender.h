#ifndef TESTS_BENCH_SENDER_H
#define TESTS_BENCH_SENDER_H

/* An account of a bench, made of a number: who pays, and what it has signed.
 * Its key is worth something on a network that lasts for one bench. */

#include "base/address.h"
#include "base/check.h"
#include "ledger/params.h"
#include "ledger/transfer.h"
#include "ledger/tx.h"

#include <sodium.h>

#define SENDER_EXPIRY 1000000u /* blocks from when the program began */

struct sender_chain {
    struct hash id;
    char prefix[8];
    uint64_t height;
};

struct sender {
    const struct sender_chain *chain;
    struct signer signer;
    uint8_t secret[64];
    char address[ADDRESS_TEXT_MAX];
    uint64_t nonce; /* the next to sign */
    uint64_t base;  /* what it was when the run began */
    uint64_t micro; /* its money then */
    uint64_t cost;  /* of all that it has signed since the program began */
};

static enum err sender_sign(void *ctx, const char *tag,
                            const struct hash *digest, struct signature *out)
{
    struct sender *sender = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, sender->secret);
    return OK;
}

static void sender_init(struct sender *sender, const struct sender_chain *chain,
                        uint32_t number)
{
    uint8_t seed[32] = "suan bench: those who send";
    u32le_put(seed + 28, number);
    sender->chain = chain;
    crypto_sign_seed_keypair(sender->signer.key.b, sender->secret, seed);
    sender->signer.sign = sender_sign;
    sender->signer.ctx = sender;
    address_format(chain->prefix, &sender->signer.key, sender->address);
}

/* The next transfer of this account, signed; its bytes are never given back. */
static struct bytes sender_pays(struct sender *sender, const struct pubkey *to,
                                uint64_t micro)
{
    struct transfer transfer = {.to = *to, .amount = amount_micro(micro)};
    struct tx tx = {.kind = TX_TRANSFER,
                    .chain = sender->chain->id,
                    .nonce = sender->nonce++,
                    .expiry_height = sender->chain->height + SENDER_EXPIRY};
    struct buf payload;
    struct buf out;
    buf_init(&payload, 1024);
    buf_init(&out, LIMIT_TX_BYTES);
    transfer_encode(&transfer, &payload);
    tx.payload = buf_bytes(&payload);
    tx.fee = fee_for_payload(payload.len);
    sender->cost += tx.fee.micro + micro;
    CHECK(tx_sign(&tx, &sender->signer) == OK);
    tx_encode(&tx, &out);
    CHECK(out.err == OK);
    buf_done(&payload);
    return buf_bytes(&out);
}

#endif
