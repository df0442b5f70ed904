#include "ledger/chain/ended.h"

#include "base/check.h"
#include "ledger/chain/chain_room.h"
#include "ledger/state/smt_page.h"

#include <string.h>

/* The moment that is answered from. */
struct ended {
    struct chain *chain;
    struct arena *arena;
    uint64_t epoch; /* the last that has ended; 0: none */
    bool is_tip;    /* nothing has changed since */
};

static enum err read_meta(struct chain *chain, struct bytes name, uint64_t *out)
{
    uint8_t raw[8];
    size_t len = 0;
    TRY(store_read(chain->store, STORE_META, name, raw, sizeof(raw), &len));
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    *out = u64be_get(raw);
    return OK;
}

/* The store may be ahead of what the chain was told: it is asked itself. */
static enum err find(struct chain *chain, struct arena *arena,
                     struct ended *out)
{
    uint64_t tip = 0;
    uint64_t undo = 0;
    *out = (struct ended){.chain = chain, .arena = arena};
    if (chain->syncing)
        return OK;
    TRY(read_meta(chain, BYTES_LIT(META_TIP), &tip));
    out->epoch = tip / chain->epoch_blocks;
    out->is_tip = tip == out->epoch * chain->epoch_blocks;
    if (out->is_tip || out->epoch == 0)
        return OK;
    TRY(read_meta(chain, BYTES_LIT(META_UNDO), &undo));
    return undo == out->epoch ? OK : ERR_CORRUPT;
}

/* ---- steps ---- */

static enum err add_step(const struct ended *ended, uint64_t epoch,
                         struct sx_msg *out, size_t *total)
{
    struct buf buf;
    struct bytes copy = {0};
    buf_init(&buf, LIMIT_MESSAGE_BYTES);
    enum err err = chain_prove_step(ended->chain, epoch, &buf);
    if (err == OK)
        err = arena_copy(ended->arena, buf_bytes(&buf), &copy);
    buf_done(&buf);
    TRY(err);
    out->items[out->item_count++] = copy;
    *total += copy.len;
    return OK;
}

static enum err read_node(void *ctx, unsigned level, uint64_t index,
                          struct hash *out)
{
    uint8_t key[9];
    size_t len = 0;
    enum err err = store_read(ctx, STORE_MMR, key_mmr(level, index, key),
                              out->b, HASH_LEN, &len);
    if (err == ERR_NOT_FOUND || (err == OK && len != HASH_LEN))
        return ERR_CORRUPT;
    return err;
}

/* Of the history before the last ended epoch's last block. */
static enum err add_peaks(const struct ended *ended, struct sx_msg *out)
{
    uint64_t count = ended->epoch * ended->chain->epoch_blocks;
    struct mmr history;
    size_t len = 0;
    uint8_t *raw = arena_alloc(ended->arena, MMR_LEVELS * HASH_LEN);
    if (raw == NULL)
        return ERR_NOMEM;
    TRY(mmr_load(&history, count, read_node, ended->chain->store));
    for (unsigned level = MMR_LEVELS; level-- > 0;) {
        if ((count >> level & 1u) == 0)
            continue;
        memcpy(raw + len, history.peaks[level].b, HASH_LEN);
        len += HASH_LEN;
    }
    out->peaks = bytes_make(raw, len);
    return OK;
}

static enum err fill_steps(struct ended *ended, uint64_t epoch,
                           struct sx_msg *out)
{
    size_t total = 0;
    uint64_t next = epoch;
    out->epoch = ended->epoch;
    while (next <= ended->epoch && out->item_count < SX_STEPS_MAX &&
           total < SX_SYNC_BYTES / 2) {
        enum err err = add_step(ended, next, out, &total);
        if (err == ERR_NOT_FOUND)
            return OK; /* of before our base: epoch 1 */
        TRY(err);
        next++;
    }
    if (out->item_count > 0 && next == ended->epoch + 1)
        return add_peaks(ended, out);
    return OK;
}

enum err ended_steps(struct chain *chain, uint64_t epoch, struct arena *arena,
                     struct sx_msg *out)
{
    struct ended ended;
    memset(out, 0, sizeof(*out));
    out->tag = SX_MSG_STEPS;
    TRY(store_hold(chain->store));
    enum err err = find(chain, arena, &ended);
    if (err == OK && epoch > 0)
        err = fill_steps(&ended, epoch, out);
    store_release(chain->store);
    return err;
}

/* ---- pages ---- */

/* A value as it was then. ERR_NOT_FOUND: there was none. */
static enum err read_then(const struct ended *ended, enum store_table table,
                          struct bytes key, struct bytes *out)
{
    uint8_t raw[STORE_KEY_MAX];
    struct store *store = ended->chain->store;
    if (!ended->is_tip) {
        struct bytes note;
        enum err err =
            store_get(store, STORE_UNDO, store_undo_key(table, key, raw),
                      ended->arena, &note);
        if (err == OK && note.len == 0)
            return ERR_CORRUPT;
        if (err == OK && note.ptr[0] == 0)
            return ERR_NOT_FOUND;
        if (err == OK)
            *out = bytes_make(note.ptr + 1, note.len - 1);
        if (err != ERR_NOT_FOUND)
            return err;
    }
    return store_get(store, table, key, ended->arena, out);
}

static enum err add_record(const struct ended *ended,
                           const struct smt_slot *leaf,
                           struct sx_page_item *item)
{
    struct bytes *key = &item->keys[item->count];
    struct bytes *value = &item->values[item->count];
    enum err err =
        read_then(ended, STORE_PATH, hash_as_bytes(&leaf->hash), key);
    if (err == OK)
        err = read_then(ended, STORE_STATE, *key, value);
    item->count++;
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

static enum err read_page(const struct ended *ended, struct bytes key,
                          struct sx_page_item *item)
{
    struct smt_page page;
    struct hash path = {{0}};
    memset(item, 0, sizeof(*item));
    memcpy(path.b, key.ptr + 1, key.len - 1);
    TRY(read_then(ended, STORE_PAGE, key, &item->page));
    TRY(smt_page_decode(item->page, &path, 4u * key.ptr[0], &page));
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        if (page.slots[i].kind == SMT_LEAF)
            TRY(add_record(ended, &page.slots[i], item));
    }
    return OK;
}

static enum err add_page(const struct ended *ended, struct bytes key,
                         struct sx_msg *out, size_t *total)
{
    struct sx_page_item item;
    struct buf buf;
    struct bytes copy = {NULL, 0};
    TRY(read_page(ended, key, &item));
    buf_init(&buf, SX_SYNC_BYTES);
    sx_page_item_encode(&item, &buf);
    enum err err = buf.err;
    if (err == OK)
        err = arena_copy(ended->arena, buf_bytes(&buf), &copy);
    buf_done(&buf);
    TRY(err);
    *total += 4 + copy.len;
    if (*total + 64 <= SX_SYNC_BYTES)
        out->items[out->item_count++] = copy;
    return OK;
}

static enum err fill_pages(const struct ended *ended, const struct sx_msg *ask,
                           struct sx_msg *out)
{
    size_t total = 0;
    out->epoch = ended->epoch;
    if (ask->epoch != ended->epoch || ended->epoch == 0)
        return OK;
    for (uint32_t i = 0; i < ask->item_count; i++) {
        enum err err = add_page(ended, ask->items[i], out, &total);
        if (err == ERR_NOT_FOUND)
            return OK; /* who asks for what there is not gets no more */
        TRY(err);
        if (out->item_count <= i)
            return OK;
    }
    return OK;
}

enum err ended_pages(struct chain *chain, const struct sx_msg *ask,
                     struct arena *arena, struct sx_msg *out)
{
    struct ended ended;
    memset(out, 0, sizeof(*out));
    out->tag = SX_MSG_PAGES;
    TRY(store_hold(chain->store));
    enum err err = find(chain, arena, &ended);
    if (err == OK)
        err = fill_pages(&ended, ask, out);
    store_release(chain->store);
    return err;
}
