#include "base/hash.h"

#include <string.h>

#include <sodium.h>

#include "base/check.h"

typedef crypto_generichash_blake2b_state blake2b_state;

_Static_assert(sizeof(blake2b_state) <= sizeof(((struct hasher *)0)->state),
               "struct hasher holds libsodium's state");
_Static_assert(_Alignof(blake2b_state) <= _Alignof(struct hasher),
               "and aligns it");
_Static_assert(crypto_generichash_blake2b_PERSONALBYTES == 16,
               "a tag is at most 16 bytes");

#define TAG_LEN crypto_generichash_blake2b_PERSONALBYTES

static void tag_pad(const char *tag, uint8_t out[TAG_LEN])
{
    size_t len = strlen(tag);
    CHECK(len > 0 && len <= TAG_LEN);
    memset(out, 0, TAG_LEN);
    memcpy(out, tag, len);
}

static blake2b_state *state_of(struct hasher *hasher)
{
    return (blake2b_state *)(void *)hasher->state;
}

void hash_bytes(const char *tag, struct bytes data, struct hash *out)
{
    struct hasher hasher;
    hasher_init(&hasher, tag);
    hasher_add(&hasher, data);
    hasher_finish(&hasher, out);
}

void hash16_bytes(const char *tag, struct bytes data, uint8_t out[HASH16_LEN])
{
    uint8_t personal[TAG_LEN];
    tag_pad(tag, personal);
    CHECK(crypto_generichash_blake2b_salt_personal(out, HASH16_LEN, data.ptr,
                                                   data.len, NULL, 0, NULL,
                                                   personal) == 0);
}

static void init(struct hasher *hasher, const char *tag, const uint8_t *key,
                 size_t key_len)
{
    uint8_t personal[TAG_LEN];
    tag_pad(tag, personal);
    CHECK(crypto_generichash_blake2b_init_salt_personal(
              state_of(hasher), key, key_len, HASH_LEN, NULL, personal) == 0);
}

void hasher_init(struct hasher *hasher, const char *tag)
{
    init(hasher, tag, NULL, 0);
}

void hasher_init_keyed(struct hasher *hasher, const char *tag,
                       const struct hash *key)
{
    init(hasher, tag, key->b, sizeof(key->b));
}

void hasher_add(struct hasher *hasher, struct bytes data)
{
    if (data.len == 0)
        return;
    CHECK(crypto_generichash_blake2b_update(state_of(hasher), data.ptr,
                                            data.len) == 0);
}

void hasher_add_u64(struct hasher *hasher, uint64_t value)
{
    uint8_t raw[8];
    u64le_put(raw, value);
    hasher_add(hasher, BYTES_OF(raw));
}

void hasher_finish(struct hasher *hasher, struct hash *out)
{
    CHECK(crypto_generichash_blake2b_final(state_of(hasher), out->b,
                                           HASH_LEN) == 0);
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return hash_compare(a, b) == 0;
}

bool hash_is_zero(const struct hash *a)
{
    static const struct hash zero;
    return hash_equal(a, &zero);
}

int hash_compare(const struct hash *a, const struct hash *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

struct bytes hash_as_bytes(const struct hash *a)
{
    return BYTES_OF(a->b);
}

void hash_format(const struct hash *a, char out[HASH_TEXT_MAX])
{
    hex_encode(hash_as_bytes(a), out);
}

enum err hash_parse(const char *text, struct hash *out)
{
    return hex_decode(text, out->b, sizeof(out->b));
}
