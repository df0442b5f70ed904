#include "ledger/result.h"

#include "base/check.h"
#include "ledger/state/merkle.h"

#include <stdlib.h>
#include <string.h>

#define EFFECT_ACCOUNTS 3u

/* One fixed-size scratch serves both the codec and the hash. */
static size_t put(const struct result *result, uint8_t out[RESULT_BYTES_MAX])
{
    const struct tx_effect *effect = &result->effect;
    uint8_t *at = out;
    CHECK(effect->account_count <= EFFECT_ACCOUNTS);
    memcpy(at, result->tx.b, 32);
    u32le_put(at + 32, result->status);
    u64le_put(at + 36, result->fee.micro);
    memcpy(at + 44, effect->subject.b, 32);
    u32le_put(at + 76, effect->code);
    u64le_put(at + 80, effect->moved.micro);
    at[88] = (uint8_t)effect->account_count;
    at += 89;
    for (uint32_t i = 0; i < effect->account_count; i++, at += 32)
        memcpy(at, effect->accounts[i].b, 32);
    return (size_t)(at - out);
}

void result_encode(const struct result *result, struct buf *out)
{
    uint8_t raw[RESULT_BYTES_MAX];
    size_t len = put(result, raw);
    buf_add(out, bytes_make(raw, len));
}

void result_decode(struct cursor *cursor, struct result *out)
{
    memset(out, 0, sizeof(*out));
    cursor_copy(cursor, out->tx.b, HASH_LEN);
    out->status = cursor_u32le(cursor);
    out->fee = amount_micro(cursor_u64le(cursor));
    cursor_copy(cursor, out->effect.subject.b, HASH_LEN);
    out->effect.code = cursor_u32le(cursor);
    out->effect.moved = amount_micro(cursor_u64le(cursor));
    uint32_t count = cursor_u8(cursor);
    if (cursor->err == OK && (count > EFFECT_ACCOUNTS || out->status != OK))
        cursor->err = ERR_RANGE;
    if (cursor->err != OK)
        return;
    for (uint32_t i = 0; i < count; i++)
        cursor_copy(cursor, out->effect.accounts[i].b, 32);
    out->effect.account_count = count;
}

void result_hash(const struct result *result, struct hash *out)
{
    uint8_t raw[RESULT_BYTES_MAX];
    size_t len = put(result, raw);
    hash_bytes(HASH_TAG_RESULT, bytes_make(raw, len), out);
}

enum err results_root(const struct result *results, size_t count,
                      struct hash *out)
{
    struct hash *items = malloc((count + 1) * sizeof(*items));
    if (items == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        result_hash(&results[i], &items[i]);
    merkle_root(items, count, out);
    free(items);
    return OK;
}
