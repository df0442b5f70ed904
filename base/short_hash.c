#include "base/short_hash.h"

#include <sodium.h>

#include "base/check.h"

_Static_assert(crypto_shorthash_KEYBYTES == SHORT_HASH_KEY_LEN,
               "the key is libsodium's");
_Static_assert(crypto_shorthash_BYTES == 8, "64 bits");

uint64_t short_hash(const uint8_t key[SHORT_HASH_KEY_LEN], struct bytes data)
{
    uint8_t raw[8];
    CHECK(crypto_shorthash(raw, data.ptr, data.len, key) == 0);
    return u64le_get(raw);
}
