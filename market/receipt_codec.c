#include "market/message.h"
#include "market/receipt.h"

#define RECEIPT_FIELDS     7
#define RECEIPT_SIGNATURES 2

static void receipt_put(const struct receipt *receipt, bool signed_too,
                        struct buf *out)
{
    mp_put_message(out, MESSAGE_RECEIPT, MESSAGE_VERSION,
                   RECEIPT_FIELDS + (signed_too ? RECEIPT_SIGNATURES : 0));
    mp_put_hash(out, &receipt->contract);
    mp_put_uint(out, receipt->seq);
    mp_put_uint(out, receipt->wall_ms);
    mp_put_uint(out, receipt->cpu_ms);
    mp_put_uint(out, receipt->mem_peak_mib);
    mp_put_uint(out, receipt->bytes_out);
    mp_put_amount(out, receipt->due);
    if (!signed_too)
        return;
    mp_put_signature(out, &receipt->provider_sig);
    mp_put_signature(out, &receipt->agent_sig);
}

static enum err receipt_digest(const struct receipt *receipt,
                               const struct hash *chain, struct hash *out)
{
    struct buf unsigned_bytes;
    buf_init(&unsigned_bytes, RECEIPT_BYTES_MAX);
    receipt_put(receipt, false, &unsigned_bytes);
    return message_digest(&unsigned_bytes, HASH_TAG_RECEIPT, chain, out);
}

enum err receipt_sign_provider(struct receipt *receipt,
                               const struct hash *chain,
                               const struct signer *signer)
{
    struct hash digest;
    TRY(receipt_digest(receipt, chain, &digest));
    return message_sign(signer, HASH_TAG_RECEIPT, &digest,
                        &receipt->provider_sig);
}

enum err receipt_sign_agent(struct receipt *receipt, const struct hash *chain,
                            const struct signer *signer)
{
    struct hash digest;
    TRY(receipt_digest(receipt, chain, &digest));
    return message_sign(signer, HASH_TAG_RECEIPT, &digest, &receipt->agent_sig);
}

enum err receipt_encode(const struct receipt *receipt, struct buf *out)
{
    if (receipt->seq == 0)
        return ERR_RANGE;
    receipt_put(receipt, true, out);
    return out->err;
}

enum err receipt_decode(struct bytes bytes, struct arena *arena,
                        struct receipt *out)
{
    struct mp_reader reader;
    struct receipt receipt = {0};

    if (bytes.len > RECEIPT_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_RECEIPT, MESSAGE_VERSION,
                        RECEIPT_FIELDS + RECEIPT_SIGNATURES));
    mp_get_hash(&reader, &receipt.contract);
    receipt.seq = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    receipt.wall_ms = mp_get_uint(&reader);
    receipt.cpu_ms = mp_get_uint(&reader);
    receipt.mem_peak_mib = mp_get_uint(&reader);
    receipt.bytes_out = mp_get_uint(&reader);
    receipt.due = mp_get_amount(&reader);
    mp_get_signature(&reader, &receipt.provider_sig);
    mp_get_signature(&reader, &receipt.agent_sig);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    if (receipt.seq == 0)
        return ERR_RANGE;
    *out = receipt;
    return OK;
}

enum err receipt_verify(const struct receipt *receipt, const struct hash *chain,
                        const struct pubkey *provider,
                        const struct pubkey *agent)
{
    struct hash digest;
    TRY(receipt_digest(receipt, chain, &digest));
    TRY(sign_verify(provider, &digest, &receipt->provider_sig));
    if (agent == NULL)
        return OK;
    return sign_verify(agent, &digest, &receipt->agent_sig);
}
