#include "node/meter/chain.h"

#include "sched/meter/kernel.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_hash_sha256_BYTES == HASH_LEN, "a link is 32 bytes");

void chain_run(uint8_t state[HASH_LEN], uint32_t links)
{
    uint8_t block[CHAIN_LINK_BYTES] = {0};
    memcpy(block, state, HASH_LEN);
    for (uint32_t i = 0; i < links; i++)
        crypto_hash_sha256(block, block, sizeof(block));
    memcpy(state, block, HASH_LEN);
}

void chain_begin(const struct hash *nonce, uint32_t links, uint32_t index,
                 uint8_t out[HASH_LEN])
{
    struct hasher hasher;
    struct hash begin;
    hasher_init(&hasher, HASH_TAG_PRODUCT);
    hasher_add(&hasher, hash_as_bytes(nonce));
    hasher_add_u64(&hasher, METER_SHA256);
    hasher_add_u64(&hasher, links);
    hasher_add_u64(&hasher, index);
    hasher_finish(&hasher, &begin);
    memcpy(out, begin.b, HASH_LEN);
}
