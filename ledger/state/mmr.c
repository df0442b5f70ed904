#include "ledger/state/mmr.h"

#include "base/check.h"

#include <string.h>

enum { TAG_LEAF = 0, TAG_NODE = 1, TAG_BAG = 2, TAG_ROOT = 3 };

static void hash_leaf(const struct hash *id, struct hash *out)
{
    uint8_t data[1 + HASH_LEN];
    data[0] = TAG_LEAF;
    memcpy(data + 1, id->b, HASH_LEN);
    hash_bytes(HASH_TAG_MMR, BYTES_OF(data), out);
}

static void hash_pair(uint8_t tag, const struct hash *left,
                      const struct hash *right, struct hash *out)
{
    uint8_t data[1 + 2 * HASH_LEN];
    data[0] = tag;
    memcpy(data + 1, left->b, HASH_LEN);
    memcpy(data + 1 + HASH_LEN, right->b, HASH_LEN);
    hash_bytes(HASH_TAG_MMR, BYTES_OF(data), out);
}

static void hash_root(uint64_t count, const struct hash *bag, struct hash *out)
{
    uint8_t data[1 + 8 + HASH_LEN];
    data[0] = TAG_ROOT;
    u64le_put(data + 1, count);
    memcpy(data + 9, bag->b, HASH_LEN);
    hash_bytes(HASH_TAG_MMR, BYTES_OF(data), out);
}

static bool has_peak(uint64_t count, unsigned level)
{
    return ((count >> level) & 1u) != 0;
}

/* The index, on its level, of the peak of that level. */
static uint64_t peak_index(uint64_t count, unsigned level)
{
    CHECK(has_peak(count, level));
    return (count >> level) - 1;
}

void mmr_append(struct mmr *mmr, const struct hash *id, mmr_node_fn fn,
                void *ctx)
{
    struct hash node;
    unsigned level = 0;
    uint64_t index = mmr->count;
    CHECK(mmr->count < UINT64_MAX);
    hash_leaf(id, &node);
    if (fn != NULL)
        fn(ctx, 0, index, &node);
    while (has_peak(mmr->count, level)) {
        struct hash right = node;
        hash_pair(TAG_NODE, &mmr->peaks[level], &right, &node);
        memset(&mmr->peaks[level], 0, sizeof(mmr->peaks[level]));
        level++;
        index /= 2;
        if (fn != NULL)
            fn(ctx, level, index, &node);
    }
    mmr->peaks[level] = node;
    mmr->count++;
}

/* peaks[l] is there iff bit l of count is. */
static void root_of(const struct hash peaks[MMR_LEVELS], uint64_t count,
                    struct hash *out)
{
    struct hash acc;
    bool started = false;
    memset(out, 0, sizeof(*out));
    memset(&acc, 0, sizeof(acc));
    if (count == 0)
        return;
    for (unsigned level = 0; level < MMR_LEVELS; level++) {
        if (!has_peak(count, level))
            continue;
        struct hash below = acc;
        if (started)
            hash_pair(TAG_BAG, &peaks[level], &below, &acc);
        else
            acc = peaks[level];
        started = true;
    }
    hash_root(count, &acc, out);
}

void mmr_root(const struct mmr *mmr, struct hash *out)
{
    root_of(mmr->peaks, mmr->count, out);
}

enum err mmr_load(struct mmr *mmr, uint64_t count, mmr_read_fn fn, void *ctx)
{
    struct mmr loaded;
    memset(&loaded, 0, sizeof(loaded));
    loaded.count = count;
    for (unsigned level = 0; level < MMR_LEVELS; level++) {
        if (has_peak(count, level))
            TRY(fn(ctx, level, peak_index(count, level), &loaded.peaks[level]));
    }
    *mmr = loaded;
    return OK;
}

/* The level of the peak above leaf `index` (index < count): the highest bit in
 * which index and count part. */
static unsigned level_of_leaf(uint64_t index, uint64_t count)
{
    unsigned level = MMR_LEVELS - 1;
    CHECK(index < count);
    while (has_peak(index, level) == has_peak(count, level))
        level--;
    return level;
}

enum err mmr_prove(uint64_t index, uint64_t count, mmr_read_fn fn, void *ctx,
                   struct buf *out)
{
    struct hash node;
    CHECK(index < count);
    unsigned top = level_of_leaf(index, count);
    buf_add_u64le(out, index);
    buf_add_u64le(out, count);
    for (unsigned level = 0; level < top; level++) {
        TRY(fn(ctx, level, (index >> level) ^ 1u, &node));
        buf_add(out, hash_as_bytes(&node));
    }
    for (unsigned level = MMR_LEVELS; level-- > 0;) {
        if (level == top || !has_peak(count, level))
            continue;
        TRY(fn(ctx, level, peak_index(count, level), &node));
        buf_add(out, hash_as_bytes(&node));
    }
    return out->err;
}

enum err mmr_check(struct bytes proof, uint64_t index, uint64_t count,
                   const struct hash *id, const struct hash *root)
{
    struct hash peaks[MMR_LEVELS];
    struct hash node;
    struct hash got;
    struct cursor cursor;
    if (index >= count)
        return ERR_PROOF;
    unsigned top = level_of_leaf(index, count);
    cursor_init(&cursor, proof);
    if (cursor_u64le(&cursor) != index || cursor_u64le(&cursor) != count)
        return ERR_PROOF;
    hash_leaf(id, &node);
    for (unsigned level = 0; level < top; level++) {
        struct hash below = node;
        struct hash sibling;
        cursor_copy(&cursor, sibling.b, HASH_LEN);
        if (has_peak(index, level))
            hash_pair(TAG_NODE, &sibling, &below, &node);
        else
            hash_pair(TAG_NODE, &below, &sibling, &node);
    }
    memset(peaks, 0, sizeof(peaks));
    peaks[top] = node;
    for (unsigned level = MMR_LEVELS; level-- > 0;) {
        if (level != top && has_peak(count, level))
            cursor_copy(&cursor, peaks[level].b, HASH_LEN);
    }
    if (cursor_finish(&cursor) != OK)
        return ERR_PROOF;
    root_of(peaks, count, &got);
    return hash_equal(&got, root) ? OK : ERR_PROOF;
}
