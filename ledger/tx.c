#include "ledger/tx.h"

#include "base/check.h"

#include <string.h>

#define TX_FIELDS 7

static void put_body(const struct tx *tx, struct buf *out)
{
    mp_put_message(out, TX_MESSAGE, TX_VERSION, TX_FIELDS);
    mp_put_hash(out, &tx->chain);
    mp_put_uint(out, tx->kind);
    mp_put_pubkey(out, &tx->sender);
    mp_put_uint(out, tx->nonce);
    mp_put_uint(out, tx->expiry_height);
    mp_put_amount(out, tx->fee);
    mp_put_bin(out, tx->payload);
}

static void put_outer(struct bytes body, const struct signature *sig,
                      struct buf *out)
{
    mp_put_array(out, 2);
    mp_put_bin(out, body);
    mp_put_signature(out, sig);
}

static enum err read_body(struct bytes body, struct arena *arena,
                          struct tx *out)
{
    struct mp_reader reader;
    TRY(mp_open_message(&reader, body, arena, TX_MESSAGE, TX_VERSION,
                        TX_FIELDS));
    mp_get_hash(&reader, &out->chain);
    out->kind = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    mp_get_pubkey(&reader, &out->sender);
    out->nonce = mp_get_uint(&reader);
    out->expiry_height = mp_get_uint(&reader);
    out->fee = mp_get_amount(&reader);
    out->payload = mp_get_bin(&reader, LIMIT_TX_BYTES);
    mp_leave(&reader);
    return mp_close(&reader);
}

/* All but the id; *out_body is what the signature is over. */
static enum err read_outer(struct bytes bytes, struct arena *arena,
                           struct tx *out, struct bytes *out_body)
{
    struct mp_reader reader;
    memset(out, 0, sizeof(*out));
    if (bytes.len > LIMIT_TX_BYTES)
        return ERR_TOO_LARGE;
    TRY(mp_open(&reader, bytes, arena));
    mp_enter_exact(&reader, 2);
    *out_body = mp_get_bin(&reader, LIMIT_TX_BYTES);
    mp_get_signature(&reader, &out->sig);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    return read_body(*out_body, arena, out);
}

enum err tx_decode_known(struct bytes bytes, const struct hash *id,
                         struct arena *arena, struct tx *out)
{
    struct bytes body;
    struct tx tx;
    TRY(read_outer(bytes, arena, &tx, &body));
    tx.id = *id;
    *out = tx;
    return OK;
}

/* The gate has only one spelling of a body: the one that came is the one that
 * tx_verify would make. */
enum err tx_decode_verified(struct bytes bytes, const struct hash *id,
                            const struct hash *chain, struct arena *arena,
                            struct tx *out)
{
    struct hash digest;
    struct bytes body;
    struct tx tx;
    TRY(read_outer(bytes, arena, &tx, &body));
    if (!hash_equal(&tx.chain, chain))
        return ERR_CHAIN;
    sign_digest(HASH_TAG_TX, chain, body, &digest);
    TRY(sign_verify(&tx.sender, &digest, &tx.sig));
    tx.id = *id;
    *out = tx;
    return OK;
}

enum err tx_decode(struct bytes bytes, struct arena *arena, struct tx *out)
{
    struct hash id;
    if (bytes.len > LIMIT_TX_BYTES)
        return ERR_TOO_LARGE;
    hash_bytes(HASH_TAG_TX, bytes, &id);
    return tx_decode_known(bytes, &id, arena, out);
}

void tx_encode(const struct tx *tx, struct buf *out)
{
    struct buf body;
    buf_init(&body, LIMIT_TX_BYTES);
    put_body(tx, &body);
    if (body.err != OK && out->err == OK)
        out->err = body.err;
    put_outer(buf_bytes(&body), &tx->sig, out);
    buf_done(&body);
}

static enum err body_digest(const struct tx *tx, struct hash *out)
{
    struct buf body;
    buf_init(&body, LIMIT_TX_BYTES);
    put_body(tx, &body);
    enum err err = body.err;
    if (err == OK)
        sign_digest(HASH_TAG_TX, &tx->chain, buf_bytes(&body), out);
    buf_done(&body);
    return err;
}

enum err tx_sign(struct tx *tx, const struct signer *signer)
{
    struct tx signed_tx = *tx;
    struct hash digest;
    struct buf buf;
    signed_tx.sender = signer->key;
    TRY(body_digest(&signed_tx, &digest));
    TRY(signer->sign(signer->ctx, HASH_TAG_TX, &digest, &signed_tx.sig));
    buf_init(&buf, LIMIT_TX_BYTES);
    tx_encode(&signed_tx, &buf);
    enum err err = buf.err;
    if (err == OK) {
        hash_bytes(HASH_TAG_TX, buf_bytes(&buf), &signed_tx.id);
        *tx = signed_tx;
    }
    buf_done(&buf);
    return err;
}

enum err tx_verify(const struct tx *tx, const struct hash *chain)
{
    struct hash digest;
    if (!hash_equal(&tx->chain, chain))
        return ERR_CHAIN;
    TRY(body_digest(tx, &digest));
    return sign_verify(&tx->sender, &digest, &tx->sig);
}
