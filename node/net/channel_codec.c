#include "node/net/channel.h"

#include <string.h>

#include "base/mp.h"

enum {
    KIND_OFFER = 1,
    KIND_HELLO = 2,
    VERSION_OFFER = 1,
    VERSION_HELLO = 1,
    ARENA_MAX = 64 * 1024
};

/* ---- the statement ---- */

static void statement_digest(const struct hash *chain,
                             const uint8_t static_public[NOISE_KEY_LEN],
                             uint64_t not_after_ms, struct hash *out)
{
    static const char label[] = "suan-noise-static-v1";
    uint8_t text[sizeof label - 1 + NOISE_KEY_LEN + 8];
    uint8_t *at = text;

    memcpy(at, label, sizeof label - 1);
    at += sizeof label - 1;
    memcpy(at, static_public, NOISE_KEY_LEN);
    u64le_put(at + NOISE_KEY_LEN, not_after_ms);
    sign_digest(HASH_TAG_NOISE, chain, BYTES_OF(text), out);
}

enum err channel_statement_sign(struct channel_identity *identity,
                                const struct signer *signer,
                                const struct hash *chain,
                                const uint8_t static_public[NOISE_KEY_LEN],
                                uint64_t not_after_ms)
{
    struct hash digest;
    struct signature signature;

    statement_digest(chain, static_public, not_after_ms, &digest);
    TRY(signer->sign(signer->ctx, HASH_TAG_NOISE, &digest, &signature));
    identity->id = signer->key;
    identity->not_after_ms = not_after_ms;
    identity->signature = signature;
    return OK;
}

enum err channel_statement_check(const struct channel_identity *identity,
                                 const struct hash *chain,
                                 const uint8_t static_public[NOISE_KEY_LEN],
                                 uint64_t unix_ms)
{
    struct hash digest;

    if (identity->not_after_ms < unix_ms)
        return ERR_EXPIRED;
    statement_digest(chain, static_public, identity->not_after_ms, &digest);
    return sign_verify(&identity->id, &digest, &identity->signature);
}

/* ---- the hello ---- */

void channel_hello_encode(const struct channel_identity *identity,
                          struct buf *out)
{
    mp_put_message(out, KIND_HELLO, VERSION_HELLO, 8);
    mp_put_pubkey(out, &identity->id);
    mp_put_uint(out, identity->not_after_ms);
    mp_put_signature(out, &identity->signature);
    mp_put_uint(out, identity->roles);
    mp_put_uint(out, identity->height);
    mp_put_str(out, identity->listen);
    mp_put_str(out, identity->bulk);
    mp_put_str(out, identity->agent);
}

/* Names end up in logs and in dial strings: printable ASCII, no spaces. */
static void get_name(struct mp_reader *reader, char *out, size_t size)
{
    mp_get_text(reader, out, size);
    for (const char *p = out; *p != '\0'; p++)
        if (*p < '!' || *p > '~')
            mp_fail(reader, ERR_RANGE);
}

enum err channel_hello_decode(struct bytes bytes, struct channel_identity *out)
{
    struct channel_identity identity;
    struct mp_reader reader;
    struct arena arena;
    enum err err;

    memset(&identity, 0, sizeof identity);
    arena_init(&arena, ARENA_MAX);
    err = mp_open_message(&reader, bytes, &arena, KIND_HELLO, VERSION_HELLO, 8);
    if (err != OK)
        goto out;
    mp_get_pubkey(&reader, &identity.id);
    identity.not_after_ms = mp_get_uint(&reader);
    mp_get_signature(&reader, &identity.signature);
    identity.roles = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    identity.height = mp_get_uint(&reader);
    get_name(&reader, identity.listen, sizeof identity.listen);
    get_name(&reader, identity.bulk, sizeof identity.bulk);
    get_name(&reader, identity.agent, sizeof identity.agent);
    mp_leave(&reader);
    err = mp_close(&reader);
    if (err == OK)
        *out = identity;
out:
    arena_done(&arena);
    return err;
}

/* ---- the offer ---- */

void channel_offer_encode(const struct channel_offer *offer, struct buf *out)
{
    mp_put_message(out, KIND_OFFER, VERSION_OFFER, 4);
    mp_put_uint(out, offer->version_min);
    mp_put_uint(out, offer->version_max);
    mp_put_hash(out, &offer->chain);
    mp_put_uint(out, offer->lane);
}

enum err channel_offer_decode(struct bytes bytes, struct channel_offer *out)
{
    struct channel_offer offer;
    struct mp_reader reader;
    struct arena arena;
    enum err err;

    memset(&offer, 0, sizeof offer);
    arena_init(&arena, ARENA_MAX);
    err = mp_open_message(&reader, bytes, &arena, KIND_OFFER, VERSION_OFFER, 4);
    if (err != OK)
        goto out;
    offer.version_min = mp_get_uint(&reader);
    offer.version_max = mp_get_uint(&reader);
    mp_get_hash(&reader, &offer.chain);
    offer.lane = mp_get_uint(&reader);
    mp_leave(&reader);
    err = mp_close(&reader);
    if (err == OK)
        *out = offer;
out:
    arena_done(&arena);
    return err;
}
