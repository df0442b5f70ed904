/* Auditing what is on the disk. */

#include "ledger/chain/chain_room.h"

#include "base/check.h"
#include "ledger/bond.h"

#include <stdlib.h>
#include <string.h>

/* ---- money ---- */

static enum err add_money(void *ctx, struct bytes key, struct bytes value)
{
    struct amount *sum = ctx;
    (void)key;
    if (value.len < 8)
        return ERR_CORRUPT;
    return amount_add(*sum, amount_micro(u64le_get(value.ptr)), sum);
}

enum err chain_sum_money(struct state *state, struct amount *out)
{
    struct amount sum = amount_micro(0);
    enum err err = state_each(state, STATE_ACCOUNT, add_money, &sum);
    if (err == OK)
        err = state_each(state, STATE_VAULT, add_money, &sum);
    if (err == ERR_OVERFLOW)
        return ERR_CONSERVATION;
    TRY(err);
    *out = sum;
    return OK;
}

enum err chain_audit_money(struct chain *chain)
{
    struct amount sum;
    TRY(store_hold(chain->store));
    enum err err = chain_sum_money(chain->ground, &sum);
    if (err == OK)
        err = bond_audit(chain->ground);
    store_release(chain->store);
    TRY(err);
    return amount_cmp(sum, chain->supply) == 0 ? OK : ERR_CONSERVATION;
}

/* ---- the state tree against the records ---- */

struct leaf {
    struct hash path;
    struct hash value;
};

struct leaves {
    const struct state *state;
    struct store *store;
    struct leaf *items;
    size_t count;
    size_t cap;
    size_t checked;
};

/* The record is found through its path, too. */
static enum err check_path(struct store *store, const struct hash *path,
                           struct bytes key)
{
    uint8_t raw[STORE_KEY_MAX];
    size_t len = 0;
    enum err err = store_read(store, STORE_PATH, hash_as_bytes(path), raw,
                              sizeof(raw), &len);
    if (err == ERR_NOT_FOUND ||
        (err == OK && !bytes_equal(bytes_make(raw, len), key)))
        return ERR_CORRUPT;
    return err;
}

static enum err take_record(void *ctx, struct bytes key, struct bytes value)
{
    struct leaves *leaves = ctx;
    if (leaves->count == leaves->cap) {
        size_t cap = leaves->cap == 0 ? 256 : 2 * leaves->cap;
        struct leaf *items = realloc(leaves->items, cap * sizeof(*items));
        if (items == NULL)
            return ERR_NOMEM;
        leaves->items = items;
        leaves->cap = cap;
    }
    struct leaf *leaf = &leaves->items[leaves->count++];
    if (key.len < 1)
        return ERR_CORRUPT;
    state_path(leaves->state, (enum state_table)key.ptr[0],
               bytes_make(key.ptr + 1, key.len - 1), &leaf->path);
    hash_bytes(HASH_TAG_VALUE, value, &leaf->value);
    return check_path(leaves->store, &leaf->path, key);
}

static int leaf_compare(const void *a, const void *b)
{
    const struct leaf *x = a;
    const struct leaf *y = b;
    return hash_compare(&x->path, &y->path);
}

static enum err match_leaf(void *ctx, const struct hash *path,
                           const struct hash *value)
{
    struct leaves *leaves = ctx;
    if (leaves->checked == leaves->count)
        return ERR_CORRUPT;
    const struct leaf *leaf = &leaves->items[leaves->checked++];
    return hash_equal(&leaf->path, path) && hash_equal(&leaf->value, value)
               ? OK
               : ERR_CORRUPT;
}

static enum err audit_state(struct chain *chain, struct leaves *leaves)
{
    struct store_range all = {.table = STORE_STATE};
    struct smt_pages pages = state_pages(chain->ground);
    TRY(store_each(chain->store, &all, take_record, leaves));
    if (leaves->count > 0)
        qsort(leaves->items, leaves->count, sizeof(*leaves->items),
              leaf_compare);
    TRY(smt_audit(&pages, &chain->tip.tip.header.state_root, match_leaf,
                  leaves));
    if (leaves->checked != leaves->count)
        return ERR_CORRUPT;
    struct store_stat stat;
    TRY(store_stat(chain->store, &stat));
    return stat.entries[STORE_PATH] == leaves->count ? OK : ERR_CORRUPT;
}

enum err chain_audit_state(struct chain *chain)
{
    struct leaves leaves = {.state = chain->ground, .store = chain->store};
    TRY(store_hold(chain->store));
    enum err err = audit_state(chain, &leaves);
    store_release(chain->store);
    free(leaves.items);
    return err;
}
