#include "ledger/validators.h"

#include "base/check.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

enum err validators_add(struct validators *set, const struct pubkey *key,
                        uint64_t weight)
{
    uint32_t at = 0;
    CHECK(set->count <= LIMIT_VALIDATORS);
    CHECK(set->weight <= VALIDATORS_WEIGHT_MAX);
    while (at < set->count && pubkey_compare(&set->items[at].key, key) < 0)
        at++;
    if (at < set->count && pubkey_equal(&set->items[at].key, key))
        return ERR_EXISTS;
    if (weight == 0 || weight > VALIDATORS_WEIGHT_MAX - set->weight ||
        set->count == LIMIT_VALIDATORS)
        return ERR_RANGE;
    memmove(&set->items[at + 1], &set->items[at],
            (set->count - at) * sizeof(set->items[0]));
    set->items[at] = (struct validator){*key, weight};
    set->count++;
    set->weight += weight;
    return OK;
}

uint64_t validators_quorum(const struct validators *set)
{
    CHECK(set->weight <= VALIDATORS_WEIGHT_MAX);
    return 2 * set->weight / 3 + 1;
}

int validators_find(const struct validators *set, const struct pubkey *key)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (pubkey_equal(&set->items[i].key, key))
            return (int)i;
    }
    return -1;
}

void validators_encode(const struct validators *set, struct buf *out)
{
    CHECK(set->count <= LIMIT_VALIDATORS);
    buf_add_u16le(out, (uint16_t)set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        buf_add(out, BYTES_OF(set->items[i].key.b));
        buf_add_u64le(out, set->items[i].weight);
    }
}

enum err validators_decode(struct bytes bytes, struct validators *out)
{
    struct cursor cursor;
    struct pubkey key;
    memset(out, 0, sizeof(*out));
    cursor_init(&cursor, bytes);
    uint32_t count = cursor_u16le(&cursor);
    if (cursor.err == OK && (count == 0 || count > LIMIT_VALIDATORS))
        return ERR_RANGE;
    for (uint32_t i = 0; i < count && cursor.err == OK; i++) {
        cursor_copy(&cursor, key.b, sizeof(key.b));
        uint64_t weight = cursor_u64le(&cursor);
        if (cursor.err != OK)
            break;
        if (i > 0 && pubkey_compare(&out->items[i - 1].key, &key) >= 0)
            return ERR_NOT_CANONICAL;
        TRY(validators_add(out, &key, weight));
    }
    return cursor_finish(&cursor);
}

void validators_hash(const struct validators *set, struct hash *out)
{
    struct hasher hasher;
    uint8_t raw[8];
    CHECK(set->count <= LIMIT_VALIDATORS);
    hasher_init(&hasher, HASH_TAG_SET);
    u64le_put(raw, set->count);
    hasher_add(&hasher, bytes_make(raw, 2));
    for (uint32_t i = 0; i < set->count; i++) {
        hasher_add(&hasher, BYTES_OF(set->items[i].key.b));
        hasher_add_u64(&hasher, set->items[i].weight);
    }
    hasher_finish(&hasher, out);
}

/* max(1, round(2 n w / W)) */
static uint32_t slots_of(const struct validators *set, uint64_t weight)
{
    u128 twice = (u128)2 * set->count * weight;
    u128 slots = (2 * twice + set->weight) / ((u128)2 * set->weight);
    return slots == 0 ? 1 : (uint32_t)slots;
}

/* The i-th 64-bit word of a stream keyed by the seed. */
static uint64_t stream_word(const struct hash *seed, uint64_t i)
{
    struct hasher hasher;
    struct hash word;
    hasher_init_keyed(&hasher, HASH_TAG_SET, seed);
    hasher_add_u64(&hasher, i);
    hasher_finish(&hasher, &word);
    return u64le_get(word.b);
}

void leaders_init(struct leaders *leaders, const struct validators *set,
                  const struct hash *epoch_root)
{
    uint32_t n = 0;
    CHECK(set->count > 0 && set->count <= LIMIT_VALIDATORS);
    for (uint32_t i = 0; i < set->count; i++) {
        for (uint32_t s = slots_of(set, set->items[i].weight); s > 0; s--) {
            CHECK(n < VALIDATORS_SLOTS_MAX);
            leaders->slots[n++] = (uint16_t)i;
        }
    }
    leaders->slot_count = n;
    /* Fisher-Yates; the bias of the modulus is below 2^-55. */
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(stream_word(epoch_root, i) % (i + 1u));
        uint16_t swap = leaders->slots[i];
        leaders->slots[i] = leaders->slots[j];
        leaders->slots[j] = swap;
    }
}

uint16_t leaders_at(const struct leaders *leaders, uint64_t view)
{
    CHECK(view >= 1 && leaders->slot_count > 0);
    return leaders->slots[(view - 1) % leaders->slot_count];
}
