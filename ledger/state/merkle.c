#include "ledger/state/merkle.h"

#include "base/check.h"

#include <string.h>

enum { TAG_LEAF = 0, TAG_NODE = 1, TAG_ROOT = 2 };

static void hash_leaf(const struct hash *item, struct hash *out)
{
    uint8_t data[1 + HASH_LEN];
    data[0] = TAG_LEAF;
    memcpy(data + 1, item->b, HASH_LEN);
    hash_bytes(HASH_TAG_MERKLE, BYTES_OF(data), out);
}

static void hash_node(const struct hash *left, const struct hash *right,
                      struct hash *out)
{
    uint8_t data[1 + 2 * HASH_LEN];
    data[0] = TAG_NODE;
    memcpy(data + 1, left->b, HASH_LEN);
    memcpy(data + 1 + HASH_LEN, right->b, HASH_LEN);
    hash_bytes(HASH_TAG_MERKLE, BYTES_OF(data), out);
}

static void hash_root(uint32_t count, const struct hash *top, struct hash *out)
{
    uint8_t data[1 + 4 + HASH_LEN];
    data[0] = TAG_ROOT;
    u32le_put(data + 1, count);
    memcpy(data + 5, top->b, HASH_LEN);
    hash_bytes(HASH_TAG_MERKLE, BYTES_OF(data), out);
}

/* The largest power of two below count (count >= 2). */
static size_t left_size(size_t count)
{
    size_t left = 1;
    while (left * 2 < count)
        left *= 2;
    return left;
}

static void subtree(const struct hash *items, size_t count, struct hash *out)
{
    struct hash left;
    struct hash right;
    if (count == 1) {
        hash_leaf(items, out);
        return;
    }
    size_t half = left_size(count);
    subtree(items, half, &left);
    subtree(items + half, count - half, &right);
    hash_node(&left, &right, out);
}

void merkle_root(const struct hash *items, size_t count, struct hash *out)
{
    struct hash top;
    CHECK(count <= UINT32_C(1) << MERKLE_DEPTH_MAX);
    memset(out, 0, sizeof(*out));
    if (count == 0)
        return;
    subtree(items, count, &top);
    hash_root((uint32_t)count, &top, out);
}

/* Whether the path to index goes right at each step from the top; the number
 * of steps is returned. */
static uint32_t path_sides(uint32_t index, uint32_t count,
                           bool sides[MERKLE_DEPTH_MAX])
{
    uint32_t steps = 0;
    size_t at = index;
    size_t size = count;
    while (size > 1 && steps < MERKLE_DEPTH_MAX) {
        size_t half = left_size(size);
        sides[steps] = at >= half;
        if (sides[steps]) {
            at -= half;
            size -= half;
        } else {
            size = half;
        }
        steps++;
    }
    return steps;
}

void merkle_prove(const struct hash *items, size_t count, size_t index,
                  struct merkle_proof *out)
{
    CHECK(count <= UINT32_C(1) << MERKLE_DEPTH_MAX);
    CHECK(index < count);
    struct hash from_top[MERKLE_DEPTH_MAX];
    uint32_t steps = 0;
    size_t at = index;
    memset(out, 0, sizeof(*out));
    out->index = (uint32_t)index;
    out->count = (uint32_t)count;
    while (count > 1) {
        size_t half = left_size(count);
        CHECK(steps < MERKLE_DEPTH_MAX);
        if (at >= half) {
            subtree(items, half, &from_top[steps++]);
            items += half;
            at -= half;
            count -= half;
        } else {
            subtree(items + half, count - half, &from_top[steps++]);
            count = half;
        }
    }
    out->sibling_count = steps;
    for (uint32_t i = 0; i < steps; i++)
        out->siblings[i] = from_top[steps - 1 - i];
}

enum err merkle_check(const struct merkle_proof *proof, const struct hash *item,
                      const struct hash *root)
{
    bool sides[MERKLE_DEPTH_MAX];
    struct hash acc;
    struct hash got;
    if (proof->count > UINT32_C(1) << MERKLE_DEPTH_MAX ||
        proof->index >= proof->count)
        return ERR_PROOF;
    uint32_t steps = path_sides(proof->index, proof->count, sides);
    if (proof->sibling_count != steps)
        return ERR_PROOF;
    hash_leaf(item, &acc);
    for (uint32_t i = 0; i < steps; i++) {
        struct hash below = acc;
        if (sides[steps - 1 - i])
            hash_node(&proof->siblings[i], &below, &acc);
        else
            hash_node(&below, &proof->siblings[i], &acc);
    }
    hash_root(proof->count, &acc, &got);
    return hash_equal(&got, root) ? OK : ERR_PROOF;
}

void merkle_encode(const struct merkle_proof *proof, struct buf *out)
{
    CHECK(proof->sibling_count <= MERKLE_DEPTH_MAX);
    buf_add_u32le(out, proof->index);
    buf_add_u32le(out, proof->count);
    buf_add_u8(out, (uint8_t)proof->sibling_count);
    for (uint32_t i = 0; i < proof->sibling_count; i++)
        buf_add(out, hash_as_bytes(&proof->siblings[i]));
}

void merkle_decode(struct cursor *cursor, struct merkle_proof *out)
{
    memset(out, 0, sizeof(*out));
    out->index = cursor_u32le(cursor);
    out->count = cursor_u32le(cursor);
    out->sibling_count = cursor_u8(cursor);
    if (out->sibling_count > MERKLE_DEPTH_MAX) {
        out->sibling_count = 0;
        if (cursor->err == OK)
            cursor->err = ERR_RANGE;
        return;
    }
    for (uint32_t i = 0; i < out->sibling_count; i++)
        cursor_copy(cursor, out->siblings[i].b, HASH_LEN);
}
