#include "ledger/state/smt.h"

#include "base/check.h"
#include "ledger/state/smt_page.h"

#include <string.h>

struct walk {
    struct hash siblings[256]; /* [i] stands at depth i + 1 */
    unsigned depth;
    struct smt_slot end;
};

/* Goes down one page. True when the walk ends in it. */
static bool walk_page(struct walk *walk, const struct smt_page *page,
                      unsigned nibble)
{
    unsigned low = 0;
    for (unsigned size = SMT_SLOTS; size > 1; size /= 2) {
        struct smt_slot other;
        unsigned half = size / 2;
        smt_fold(page->slots + low, size, &walk->end);
        if (walk->end.kind != SMT_NODE)
            return true;
        bool right = (nibble & half) != 0;
        smt_fold(page->slots + low + (right ? 0 : half), half, &other);
        smt_slot_hash(&other, &walk->siblings[walk->depth++]);
        low += right ? half : 0;
    }
    walk->end = page->slots[low];
    return walk->end.kind != SMT_NODE;
}

static enum err walk_down(const struct smt_pages *pages,
                          const struct hash *path, struct walk *walk)
{
    struct smt_page page;
    for (unsigned depth = 0; depth < 256; depth += 4) {
        TRY(smt_page_load(pages, path, depth, &page));
        if (walk_page(walk, &page, smt_nibble(path, depth)))
            return OK;
    }
    return ERR_CORRUPT; /* nothing is below the last level */
}

enum err smt_prove(const struct smt_pages *pages, const struct hash *path,
                   struct buf *out)
{
    struct walk walk;
    uint8_t bitmap[32];
    memset(&walk, 0, sizeof(walk));
    memset(bitmap, 0, sizeof(bitmap));
    TRY(walk_down(pages, path, &walk));
    CHECK(walk.depth <= 256);
    for (unsigned i = 0; i < walk.depth; i++) {
        if (!hash_is_zero(&walk.siblings[i]))
            bitmap[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    buf_add_u16le(out, (uint16_t)walk.depth);
    buf_add(out, bytes_make(bitmap, (walk.depth + 7) / 8));
    for (unsigned i = walk.depth; i-- > 0;) {
        if (!hash_is_zero(&walk.siblings[i]))
            buf_add(out, hash_as_bytes(&walk.siblings[i]));
    }
    if (walk.end.kind == SMT_EMPTY) {
        buf_add_u8(out, 0);
    } else if (hash_equal(&walk.end.hash, path)) {
        buf_add_u8(out, 1);
        buf_add(out, hash_as_bytes(&walk.end.value));
    } else {
        buf_add_u8(out, 2);
        buf_add(out, hash_as_bytes(&walk.end.hash));
        buf_add(out, hash_as_bytes(&walk.end.value));
    }
    return out->err;
}

struct audit {
    const struct smt_pages *pages;
    smt_leaf_fn fn;
    void *ctx;
};

static enum err audit_page(const struct audit *audit, const struct hash *path,
                           unsigned depth, const struct hash *expected)
{
    struct smt_page page;
    struct smt_slot top;
    struct hash got;
    TRY(smt_page_load(audit->pages, path, depth, &page));
    smt_fold(page.slots, SMT_SLOTS, &top);
    smt_slot_hash(&top, &got);
    if (!hash_equal(&got, expected))
        return ERR_CORRUPT;
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        const struct smt_slot *slot = &page.slots[i];
        struct hash below = *path;
        unsigned shift = depth % 8 == 0 ? 4 : 0;
        if (slot->kind == SMT_LEAF && audit->fn != NULL)
            TRY(audit->fn(audit->ctx, &slot->hash, &slot->value));
        if (slot->kind != SMT_NODE)
            continue;
        if (depth + 4 >= 256)
            return ERR_CORRUPT;
        below.b[depth / 8] &= (uint8_t)(shift == 4 ? 0x0f : 0xf0);
        below.b[depth / 8] |= (uint8_t)(i << shift);
        TRY(audit_page(audit, &below, depth + 4, &slot->hash));
    }
    return OK;
}

enum err smt_audit(const struct smt_pages *pages, const struct hash *root,
                   smt_leaf_fn fn, void *ctx)
{
    static const struct hash start;
    struct audit audit = {.pages = pages, .fn = fn, .ctx = ctx};
    return audit_page(&audit, &start, 0, root);
}
