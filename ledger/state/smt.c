#include "ledger/state/smt.h"

#include "base/check.h"
#include "ledger/state/smt_page.h"
#include "ledger/sx/sx_mutant.h"

#include <stdlib.h>
#include <string.h>

/* ---- hashing ---- */

void smt_path(const struct hash *chain, enum state_table table,
              struct bytes key, struct hash *out)
{
    struct hasher hasher;
    uint8_t number = (uint8_t)table;
    hasher_init_keyed(&hasher, HASH_TAG_KEY, chain);
    hasher_add(&hasher, bytes_make(&number, 1));
    hasher_add(&hasher, key);
    hasher_finish(&hasher, out);
}

static void hash_three(uint8_t tag, const struct hash *a, const struct hash *b,
                       struct hash *out)
{
    uint8_t data[1 + 2 * HASH_LEN];
    data[0] = tag;
    memcpy(data + 1, a->b, HASH_LEN);
    memcpy(data + 1 + HASH_LEN, b->b, HASH_LEN);
    hash_bytes(HASH_TAG_NODE, BYTES_OF(data), out);
}

void smt_slot_hash(const struct smt_slot *slot, struct hash *out)
{
    switch (slot->kind) {
    case SMT_EMPTY:
        memset(out, 0, sizeof(*out));
        return;
    case SMT_LEAF:
        hash_three(0, &slot->hash, &slot->value, out);
        return;
    case SMT_NODE:
        *out = slot->hash;
        return;
    }
    CHECK(false); /* a slot is one of three */
}

void smt_combine(const struct smt_slot *left, const struct smt_slot *right,
                 struct smt_slot *out)
{
    struct hash left_hash;
    struct hash right_hash;
    if (left->kind == SMT_EMPTY && right->kind != SMT_NODE) {
        *out = *right;
        return;
    }
    if (right->kind == SMT_EMPTY && left->kind != SMT_NODE) {
        *out = *left;
        return;
    }
    smt_slot_hash(left, &left_hash);
    smt_slot_hash(right, &right_hash);
    memset(out, 0, sizeof(*out));
    out->kind = SMT_NODE;
    hash_three(1, &left_hash, &right_hash, &out->hash);
}

void smt_fold(const struct smt_slot *slots, unsigned count,
              struct smt_slot *out)
{
    struct smt_slot left;
    struct smt_slot right;
    if (count == 1) {
        *out = slots[0];
        return;
    }
    smt_fold(slots, count / 2, &left);
    smt_fold(slots + count / 2, count / 2, &right);
    smt_combine(&left, &right, out);
}

/* ---- pages ---- */

unsigned smt_nibble(const struct hash *path, unsigned depth)
{
    CHECK(depth % 4 == 0 && depth < 256);
    uint8_t byte = path->b[depth / 8];
    return depth % 8 == 0 ? byte >> 4 : byte & 15u;
}

struct bytes smt_page_key(const struct hash *path, unsigned depth,
                          uint8_t out[SMT_PAGE_KEY_MAX])
{
    unsigned len = (depth + 7) / 8;
    CHECK(depth % 4 == 0 && depth < 256);
    out[0] = (uint8_t)(depth / 4);
    memcpy(out + 1, path->b, len);
    if (depth % 8 != 0)
        out[len] &= 0xf0;
    return bytes_make(out, 1 + len);
}

/* A leaf in a page must lie under the page's prefix and its slot. */
static bool leaf_belongs(const struct hash *leaf, const struct hash *path,
                         unsigned depth, unsigned slot)
{
    unsigned full = depth / 8;
    if (memcmp(leaf->b, path->b, full) != 0)
        return false;
    if (depth % 8 != 0 && (leaf->b[full] >> 4) != (path->b[full] >> 4))
        return false;
    return smt_nibble(leaf, depth) == slot;
}

enum err smt_page_decode(struct bytes bytes, const struct hash *path,
                         unsigned depth, struct smt_page *out)
{
    struct cursor cursor;
    unsigned leaves = 0;
    memset(out, 0, sizeof(*out));
    cursor_init(&cursor, bytes);
    unsigned used = cursor_u16le(&cursor);
    unsigned leafs = cursor_u16le(&cursor);
    if (cursor.err != OK || (leafs & ~used) != 0)
        return ERR_CORRUPT;
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        struct smt_slot *slot = &out->slots[i];
        if (((used >> i) & 1u) == 0)
            continue;
        slot->kind = ((leafs >> i) & 1u) != 0 ? SMT_LEAF : SMT_NODE;
        leaves += slot->kind == SMT_LEAF ? 1 : 2;
        cursor_copy(&cursor, slot->hash.b, HASH_LEN);
        if (slot->kind != SMT_LEAF)
            continue;
        cursor_copy(&cursor, slot->value.b, HASH_LEN);
        if (!leaf_belongs(&slot->hash, path, depth, i) &&
            !SX_MUTANT(PAGE_SHIFTED))
            return ERR_CORRUPT;
    }
    if (cursor_finish(&cursor) != OK || leaves < (depth > 0 ? 2u : 1u))
        return ERR_CORRUPT;
    return OK;
}

size_t smt_page_encode(const struct smt_page *page,
                       uint8_t out[SMT_PAGE_BYTES_MAX])
{
    unsigned used = 0;
    unsigned leafs = 0;
    uint8_t *at = out + 4;
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        const struct smt_slot *slot = &page->slots[i];
        if (slot->kind == SMT_EMPTY)
            continue;
        used |= 1u << i;
        memcpy(at, slot->hash.b, HASH_LEN);
        at += HASH_LEN;
        if (slot->kind != SMT_LEAF)
            continue;
        leafs |= 1u << i;
        memcpy(at, slot->value.b, HASH_LEN);
        at += HASH_LEN;
    }
    out[0] = (uint8_t)used;
    out[1] = (uint8_t)(used >> 8);
    out[2] = (uint8_t)leafs;
    out[3] = (uint8_t)(leafs >> 8);
    return (size_t)(at - out);
}

enum err smt_page_load(const struct smt_pages *pages, const struct hash *path,
                       unsigned depth, struct smt_page *out)
{
    uint8_t key[SMT_PAGE_KEY_MAX];
    uint8_t raw[SMT_PAGE_BYTES_MAX];
    size_t len = 0;
    TRY(pages->get(pages->ctx, smt_page_key(path, depth, key), raw, &len));
    if (len == 0) {
        memset(out, 0, sizeof(*out));
        return depth == 0 ? OK : ERR_CORRUPT;
    }
    return smt_page_decode(bytes_make(raw, len), path, depth, out);
}

static enum err page_store(const struct smt_pages *pages,
                           const struct hash *path, unsigned depth,
                           const struct smt_page *page, bool keep)
{
    uint8_t key[SMT_PAGE_KEY_MAX];
    uint8_t raw[SMT_PAGE_BYTES_MAX];
    size_t len = keep ? smt_page_encode(page, raw) : 0;
    return pages->put(pages->ctx, smt_page_key(path, depth, key),
                      bytes_make(raw, len));
}

/* ---- update ---- */

static int change_compare(const void *a, const void *b)
{
    const struct smt_change *x = a;
    const struct smt_change *y = b;
    return hash_compare(&x->path, &y->path);
}

/* What a subtree that holds only changes and at most one old leaf comes to,
 * when that is less than two leaves. False: it needs a page. */
static bool settle_small(const struct smt_slot *old,
                         const struct smt_change *changes, size_t count,
                         struct smt_slot *out)
{
    struct smt_slot only;
    unsigned leaves = 0;
    bool replaced = false;
    memset(&only, 0, sizeof(only));
    for (size_t i = 0; i < count; i++) {
        if (old->kind == SMT_LEAF && hash_equal(&changes[i].path, &old->hash))
            replaced = true;
        if (hash_is_zero(&changes[i].value))
            continue;
        only.kind = SMT_LEAF;
        only.hash = changes[i].path;
        only.value = changes[i].value;
        leaves++;
    }
    if (old->kind == SMT_LEAF && !replaced) {
        only = *old;
        leaves++;
    }
    if (leaves > 1)
        return false;
    *out = only;
    return true;
}

static enum err update_page(const struct smt_pages *pages, unsigned depth,
                            struct smt_page *page,
                            const struct smt_change *changes, size_t count,
                            struct smt_slot *out);

/* One slot of the page at depth: changes all fall into it. */
static enum err update_slot(const struct smt_pages *pages, unsigned depth,
                            struct smt_slot *slot,
                            const struct smt_change *changes, size_t count)
{
    struct smt_page child;
    struct smt_slot old = *slot;
    if (old.kind != SMT_NODE && settle_small(&old, changes, count, slot))
        return OK;
    if (depth + 4 >= 256)
        return ERR_CORRUPT; /* two different paths part before that */
    if (old.kind == SMT_NODE) {
        TRY(smt_page_load(pages, &changes[0].path, depth + 4, &child));
    } else {
        memset(&child, 0, sizeof(child));
        if (old.kind == SMT_LEAF)
            child.slots[smt_nibble(&old.hash, depth + 4)] = old;
    }
    return update_page(pages, depth + 4, &child, changes, count, slot);
}

static enum err update_page(const struct smt_pages *pages, unsigned depth,
                            struct smt_page *page,
                            const struct smt_change *changes, size_t count,
                            struct smt_slot *out)
{
    size_t i = 0;
    while (i < count) {
        unsigned nibble = smt_nibble(&changes[i].path, depth);
        size_t end = i + 1;
        while (end < count && smt_nibble(&changes[end].path, depth) == nibble)
            end++;
        TRY(update_slot(pages, depth, &page->slots[nibble], changes + i,
                        end - i));
        i = end;
    }
    smt_fold(page->slots, SMT_SLOTS, out);
    bool keep = out->kind == SMT_NODE || (depth == 0 && out->kind == SMT_LEAF);
    return page_store(pages, &changes[0].path, depth, page, keep);
}

enum err smt_update(const struct smt_pages *pages, struct smt_change *changes,
                    size_t count, struct hash *out_root)
{
    struct smt_page page;
    struct smt_slot top;
    if (count == 0)
        return smt_root(pages, out_root);
    qsort(changes, count, sizeof(*changes), change_compare);
    for (size_t i = 1; i < count; i++)
        CHECK(!hash_equal(&changes[i - 1].path, &changes[i].path));
    TRY(smt_page_load(pages, &changes[0].path, 0, &page));
    TRY(update_page(pages, 0, &page, changes, count, &top));
    smt_slot_hash(&top, out_root);
    return OK;
}

enum err smt_root(const struct smt_pages *pages, struct hash *out)
{
    static const struct hash any;
    struct smt_page page;
    struct smt_slot top;
    TRY(smt_page_load(pages, &any, 0, &page));
    smt_fold(page.slots, SMT_SLOTS, &top);
    smt_slot_hash(&top, out);
    return OK;
}
