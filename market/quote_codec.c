#include "market/message.h"
#include "market/quote.h"

#define QUOTE_FIELDS 17 /* and the signature */

static void device_put(const struct quote_device *device, struct buf *out)
{
    mp_put_array(out, 3);
    mp_put_str(out, device->model);
    mp_put_uint(out, device->mem_mib);
    mp_put_amount(out, device->hour);
}

static void device_get(struct mp_reader *reader, struct quote_device *out)
{
    mp_enter_exact(reader, 3);
    mp_get_text(reader, out->model, sizeof(out->model));
    out->mem_mib = mp_get_uint(reader);
    out->hour = mp_get_amount(reader);
    mp_leave(reader);
}

static void quote_put(const struct quote *quote, bool signed_too,
                      struct buf *out)
{
    mp_put_message(out, MESSAGE_QUOTE, MESSAGE_VERSION,
                   QUOTE_FIELDS + signed_too);
    mp_put_hash(out, &quote->request);
    mp_put_uint(out, quote->task);
    mp_put_uint(out, quote->attempt);
    mp_put_pubkey(out, &quote->provider);
    mp_put_pubkey(out, &quote->payout);
    mp_put_uint(out, quote->offer_version);
    price_encode(&quote->price, out);
    mp_put_amount(out, quote->hour);
    mp_put_amount(out, quote->cap);
    mp_put_amount(out, quote->bond);
    grade_encode(&quote->grade, out);
    mp_put_uint(out, quote->rtt_us);
    mp_put_uint(out, quote->start_by_ms);
    mp_put_uint(out, quote->deadline_ms);
    mp_put_uint(out, quote->retention_ms);
    mp_put_uint(out, quote->expires_at_ms);
    device_put(&quote->device, out);
    if (signed_too)
        mp_put_signature(out, &quote->sig);
}

static enum err quote_digest(const struct quote *quote,
                             const struct hash *chain, struct hash *out)
{
    struct buf unsigned_bytes;
    buf_init(&unsigned_bytes, QUOTE_BYTES_MAX);
    quote_put(quote, false, &unsigned_bytes);
    return message_digest(&unsigned_bytes, HASH_TAG_QUOTE, chain, out);
}

enum err quote_sign(struct quote *quote, const struct hash *chain,
                    const struct signer *signer)
{
    struct hash digest;
    quote->provider = signer->key;
    TRY(quote_digest(quote, chain, &digest));
    return message_sign(signer, HASH_TAG_QUOTE, &digest, &quote->sig);
}

enum err quote_encode(const struct quote *quote, struct buf *out)
{
    quote_put(quote, true, out);
    return out->err;
}

enum err quote_decode(struct bytes bytes, struct arena *arena,
                      struct quote *out)
{
    struct mp_reader reader;
    struct quote quote = {0};

    if (bytes.len > QUOTE_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_QUOTE, MESSAGE_VERSION,
                        QUOTE_FIELDS + 1));
    mp_get_hash(&reader, &quote.request);
    quote.task = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    quote.attempt = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    mp_get_pubkey(&reader, &quote.provider);
    mp_get_pubkey(&reader, &quote.payout);
    quote.offer_version = mp_get_uint(&reader);
    price_decode(&reader, &quote.price);
    quote.hour = mp_get_amount(&reader);
    quote.cap = mp_get_amount(&reader);
    quote.bond = mp_get_amount(&reader);
    grade_decode(&reader, &quote.grade);
    quote.rtt_us = mp_get_uint(&reader);
    quote.start_by_ms = mp_get_uint(&reader);
    quote.deadline_ms = mp_get_uint(&reader);
    quote.retention_ms = mp_get_uint(&reader);
    quote.expires_at_ms = mp_get_uint(&reader);
    device_get(&reader, &quote.device);
    mp_get_signature(&reader, &quote.sig);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    *out = quote;
    return OK;
}

enum err quote_verify(const struct quote *quote, const struct hash *chain)
{
    struct hash digest;
    TRY(quote_digest(quote, chain, &digest));
    return sign_verify(&quote->provider, &digest, &quote->sig);
}
