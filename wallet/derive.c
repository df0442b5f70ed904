#include "wallet/derive.h"

#include <string.h>

#include <sodium.h>

#include "base/check.h"

#define HALF 32u

_Static_assert(crypto_auth_hmacsha512_BYTES == DERIVE_NODE_LEN,
               "an HMAC is a node");

static void hmac(struct bytes key, struct bytes data, struct secret *out)
{
    crypto_auth_hmacsha512_state state;

    crypto_auth_hmacsha512_init(&state, key.ptr, key.len);
    crypto_auth_hmacsha512_update(&state, data.ptr, data.len);
    crypto_auth_hmacsha512_final(&state, out->ptr);
    out->len = DERIVE_NODE_LEN;
    sodium_memzero(&state, sizeof(state));
}

/* node := HMAC(chain code, 0 | secret | index + 2^31). */
static void derive_child(struct secret *node, uint32_t index)
{
    uint8_t data[1 + HALF + 4] = {0};

    CHECK(index < DERIVE_HARDENED);
    memcpy(data + 1, node->ptr, HALF);
    u32be_put(data + 1 + HALF, index | DERIVE_HARDENED);
    hmac(bytes_make(node->ptr + HALF, HALF), BYTES_OF(data), node);
    sodium_memzero(data, sizeof(data));
}

void derive_path(struct bytes seed, const uint32_t *path, size_t steps,
                 struct secret *out_node)
{
    CHECK(seed.len >= 16 && seed.len <= 64);
    CHECK(out_node->cap >= DERIVE_NODE_LEN);
    hmac(BYTES_LIT("ed25519 seed"), seed, out_node);
    for (size_t i = 0; i < steps; i++)
        derive_child(out_node, path[i]);
}

void derive_account(struct bytes seed, uint32_t account,
                    struct secret *out_node)
{
    const uint32_t path[] = {DERIVE_PURPOSE, DERIVE_COIN, account, 0};

    CHECK(account <= DERIVE_ACCOUNT_MAX);
    derive_path(seed, path, sizeof(path) / sizeof(path[0]), out_node);
}
