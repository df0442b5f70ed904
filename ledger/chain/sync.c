/* The walk: pages wanted, checked, opened and done with. */

#include "ledger/chain/sync_room.h"

#include "base/check.h"
#include "base/limits.h"
#include "ledger/sx/sx_mutant.h"

#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

enum err sync_new(struct store *store, const struct hash *chain,
                  struct sync **out)
{
    struct sync *sync = calloc(1, sizeof(*sync));
    if (sync == NULL)
        return ERR_NOMEM;
    sync->store = store;
    sync->chain = *chain;
    *out = sync;
    return OK;
}

void sync_free(struct sync *sync)
{
    free(sync);
}

void sync_count(const struct sync *sync, struct sync_count *out)
{
    *out = sync->count;
    out->open = sync->open_count;
}

/* ---- places ---- */

struct hash sync_below(const struct hash *path, unsigned depth, unsigned slot)
{
    struct hash below = *path;
    unsigned shift = depth % 8 == 0 ? 4 : 0;
    below.b[depth / 8] &= (uint8_t)(shift == 4 ? 0x0f : 0xf0);
    below.b[depth / 8] |= (uint8_t)(slot << shift);
    return below;
}

enum err sync_load(struct sync *sync, const struct hash *path, unsigned depth,
                   struct smt_page *out, bool *out_found)
{
    uint8_t key[SMT_PAGE_KEY_MAX];
    uint8_t raw[SMT_PAGE_BYTES_MAX];
    size_t len = 0;
    enum err err =
        store_read(sync->store, STORE_PAGE, smt_page_key(path, depth, key), raw,
                   sizeof(raw), &len);
    *out_found = err == OK;
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    return smt_page_decode(bytes_make(raw, len), path, depth, out);
}

void sync_page_hash(const struct smt_page *page, struct hash *out)
{
    struct smt_slot top;
    smt_fold(page->slots, SMT_SLOTS, &top);
    smt_slot_hash(&top, out);
}

/* Is the page of this place here, with this hash? Then all below it is, too.
 * *out_old: there is one with another hash. */
static enum err is_here(struct sync *sync, const struct hash *path,
                        unsigned depth, const struct hash *expected,
                        bool *out_here, bool *out_old)
{
    struct smt_page page;
    struct hash got;
    bool found = false;
    *out_here = false;
    TRY(sync_load(sync, path, depth, &page, &found));
    if (found) {
        sync_page_hash(&page, &got);
        *out_here = hash_equal(&got, expected) || SX_MUTANT(HERE_ANY);
    }
    *out_old = found && !*out_here;
    return OK;
}

/* ---- starting ---- */

enum err sync_start(struct sync *sync, const struct hash *root)
{
    static const struct hash any;
    bool here = false;
    bool old = false;
    TRY(is_here(sync, &any, 0, root, &here, &old));
    memset(sync->asks, 0, sizeof(sync->asks));
    memset(sync->open, 0, sizeof(sync->open));
    sync->open_count = 0;
    sync->asked_count = 0;
    sync->root = *root;
    sync->root_here = here;
    sync->root_old = old;
    sync->root_asked = false;
    sync->pass = SWEEP_PAGES;
    sync->cursor_len = 0;
    sync->again = false;
    sync->count.swept = 0;
    return OK;
}

bool sync_walked(const struct sync *sync)
{
    return sync->root_here;
}

/* ---- wanting ---- */

static uint16_t free_slots(const struct open_page *open)
{
    return (uint16_t)(open->left & ~open->asked);
}

static bool comes_first(const struct open_page *a, const struct open_page *b)
{
    if (a->depth != b->depth)
        return a->depth > b->depth;
    return hash_compare(&a->path, &b->path) < 0;
}

/* The deepest page with something to ask for: what is begun is ended, so that
 * few are open. */
static struct open_page *next_open(struct sync *sync)
{
    struct open_page *best = NULL;
    for (uint32_t i = 0; i < OPEN_ROOM; i++) {
        struct open_page *open = &sync->open[i];
        if (open->used && free_slots(open) != 0 &&
            (best == NULL || comes_first(open, best)))
            best = open;
    }
    return best;
}

/* How many more may be asked for. At the limit one at a time: that ends the
 * deepest, and adds a page a level at most. */
static uint32_t room(const struct sync *sync)
{
    uint32_t taken = sync->open_count + sync->asked_count;
    if (taken < SYNC_OPEN_MAX)
        return SYNC_OPEN_MAX - taken;
    return sync->asked_count == 0 ? 1 : 0;
}

static void add_want(struct sync *sync, struct ask *ask,
                     struct open_page *parent, unsigned slot,
                     struct bytes *out_key)
{
    uint32_t i = ask->count++;
    struct want *want = &ask->wants[i];
    memset(want, 0, sizeof(*want));
    want->parent = parent;
    want->slot = slot;
    want->expected = sync->root;
    if (parent != NULL) {
        want->path = sync_below(&parent->path, parent->depth, slot);
        want->depth = parent->depth + 4;
        want->expected = parent->page.slots[slot].hash;
        parent->asked |= (uint16_t)(1u << slot);
    } else {
        sync->root_asked = true;
    }
    sync->asked_count++;
    *out_key = smt_page_key(&want->path, want->depth, sync->keys[i]);
}

static struct ask *find_ask(struct sync *sync, uint32_t number)
{
    for (uint32_t i = 0; i < SYNC_ASKS_MAX; i++) {
        if (sync->asks[i].number == number)
            return &sync->asks[i];
    }
    return NULL;
}

static void want_slots(struct sync *sync, struct ask *ask, uint32_t max,
                       struct open_page *open, struct bytes *out_keys)
{
    for (unsigned slot = 0; slot < SMT_SLOTS && ask->count < max; slot++) {
        if (((unsigned)free_slots(open) >> slot & 1u) != 0)
            add_want(sync, ask, open, slot, &out_keys[ask->count]);
    }
}

uint32_t sync_want(struct sync *sync, uint32_t number, uint32_t max,
                   struct bytes *out_keys)
{
    struct open_page *open;
    uint32_t left = room(sync);
    CHECK(number != 0 && find_ask(sync, number) == NULL);
    struct ask *ask = find_ask(sync, 0);
    max = max < SX_PAGES_MAX ? max : SX_PAGES_MAX;
    max = max < left ? max : left;
    if (ask == NULL || max == 0 || sync->root_here)
        return 0;
    ask->count = 0;
    if (sync->open_count == 0 && !sync->root_asked)
        add_want(sync, ask, NULL, 0, &out_keys[0]);
    while (ask->count < max && (open = next_open(sync)) != NULL)
        want_slots(sync, ask, max, open, out_keys);
    if (ask->count > 0)
        ask->number = number;
    return ask->count;
}

/* What was asked for and did not come is free again. */
static void end_ask(struct sync *sync, struct ask *ask)
{
    for (uint32_t i = 0; i < ask->count; i++) {
        const struct want *want = &ask->wants[i];
        if (want->came || SX_MUTANT(WANT_LOST))
            continue;
        sync->asked_count--;
        if (want->parent == NULL)
            sync->root_asked = false;
        else
            want->parent->asked &= (uint16_t) ~(1u << want->slot);
    }
    ask->number = 0;
    ask->count = 0;
}

void sync_lost(struct sync *sync, uint32_t number)
{
    struct ask *ask = number == 0 ? NULL : find_ask(sync, number);
    if (ask != NULL)
        end_ask(sync, ask);
}

uint32_t sync_asks(const struct sync *sync)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SYNC_ASKS_MAX; i++)
        count += sync->asks[i].number != 0;
    return count;
}

/* ---- checking ---- */

static enum err check_record(const struct sync *sync,
                             const struct smt_slot *leaf, struct bytes key,
                             struct bytes value)
{
    struct hash hash;
    if (key.len == 0 || key.len > STORE_KEY_MAX - 1 ||
        value.len > LIMIT_STATE_VALUE)
        return ERR_PROOF;
    smt_path(&sync->chain, (enum state_table)key.ptr[0],
             bytes_make(key.ptr + 1, key.len - 1), &hash);
    if (!hash_equal(&hash, &leaf->hash) && !SX_MUTANT(RECORD_ELSEWHERE))
        return ERR_PROOF;
    hash_bytes(HASH_TAG_VALUE, value, &hash);
    return hash_equal(&hash, &leaf->value) || SX_MUTANT(RECORD_ANY) ? OK
                                                                    : ERR_PROOF;
}

static enum err check_records(const struct sync *sync, const struct arrival *a)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        const struct smt_slot *slot = &a->page.slots[i];
        if (slot->kind != SMT_LEAF)
            continue;
        if (count == a->item.count)
            return SX_MUTANT(RECORDS_FEW) ? OK : ERR_PROOF;
        TRY(check_record(sync, slot, a->item.keys[count],
                         a->item.values[count]));
        count++;
    }
    return count == a->item.count || SX_MUTANT(RECORDS_MORE) ? OK : ERR_PROOF;
}

/* One page, by itself: nothing else is believed. */
static enum err check_arrival(const struct sync *sync, const struct want *want,
                              struct bytes bytes, struct arrival *out)
{
    struct hash hash;
    TRY(sx_page_item_decode(bytes, &out->item));
    if (smt_page_decode(out->item.page, &want->path, want->depth, &out->page) !=
        OK)
        return ERR_NOT_CANONICAL;
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        if (out->page.slots[i].kind == SMT_NODE && want->depth + 4 >= 256)
            return ERR_NOT_CANONICAL;
    }
    sync_page_hash(&out->page, &hash);
    if (!hash_equal(&hash, &want->expected) && !SX_MUTANT(PAGE_UNHASHED))
        return ERR_PROOF;
    return check_records(sync, out);
}

/* ---- taking ---- */

static void put_page(struct store_batch *batch, const struct hash *path,
                     unsigned depth, const struct smt_page *page)
{
    uint8_t key[SMT_PAGE_KEY_MAX];
    uint8_t raw[SMT_PAGE_BYTES_MAX];
    size_t len = smt_page_encode(page, raw);
    store_batch_put(batch, STORE_PAGE, smt_page_key(path, depth, key),
                    bytes_make(raw, len));
}

static void put_records(struct sync *sync, const struct arrival *a,
                        struct store_batch *batch)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        const struct smt_slot *slot = &a->page.slots[i];
        if (slot->kind != SMT_LEAF ||
            (SX_MUTANT(RECORDS_FEW) && count == a->item.count))
            continue;
        store_batch_put(batch, STORE_STATE, a->item.keys[count],
                        a->item.values[count]);
        store_batch_put(batch, STORE_PATH, hash_as_bytes(&slot->hash),
                        a->item.keys[count]);
        count++;
    }
    sync->count.records += count;
}

/* Which of its subtrees are not here? */
static enum err look_below(struct sync *sync, struct open_page *open)
{
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        const struct smt_slot *slot = &open->page.slots[i];
        bool here = false;
        bool old = false;
        if (slot->kind != SMT_NODE)
            continue;
        struct hash below = sync_below(&open->path, open->depth, i);
        TRY(is_here(sync, &below, open->depth + 4, &slot->hash, &here, &old));
        sync->count.kept += here;
        if (!here)
            open->left |= (uint16_t)(1u << i);
        if (old)
            open->old |= (uint16_t)(1u << i);
    }
    return OK;
}

/* All below it is here: it may be, too. And so upwards. */
static void complete(struct sync *sync, struct open_page *open,
                     struct store_batch *batch)
{
    while (open != NULL && open->left == 0) {
        struct open_page *parent = open->parent;
        put_page(batch, &open->path, open->depth, &open->page);
        if (parent == NULL)
            sync->root_here = true;
        else
            parent->left &= (uint16_t) ~(1u << open->slot);
        open->used = false;
        sync->open_count--;
        open = parent;
    }
}

static struct open_page *open_new(struct sync *sync)
{
    for (uint32_t i = 0; i < OPEN_ROOM; i++) {
        struct open_page *open = &sync->open[i];
        if (open->used)
            continue;
        memset(open, 0, sizeof(*open));
        open->used = true;
        sync->open_count++;
        return open;
    }
    CHECK(false); /* room() asks for no more */
    return NULL;
}

static bool is_old(const struct sync *sync, const struct want *want)
{
    if (want->parent == NULL)
        return sync->root_old;
    return ((unsigned)want->parent->old >> want->slot & 1u) != 0;
}

static enum err take_arrival(struct sync *sync, struct want *want,
                             const struct arrival *a, struct store_batch *batch)
{
    uint8_t key[SMT_PAGE_KEY_MAX];
    struct open_page *open = open_new(sync);
    open->path = want->path;
    open->depth = want->depth;
    open->page = a->page;
    open->parent = want->parent;
    open->slot = want->slot;
    want->came = true;
    sync->asked_count--;
    TRY(look_below(sync, open));
    /* What stood here before is no longer true from the first change on. */
    if (is_old(sync, want) && !SX_MUTANT(PAGE_OLD))
        store_batch_delete(batch, STORE_PAGE,
                           smt_page_key(&want->path, want->depth, key));
    put_records(sync, a, batch);
    if (SX_MUTANT(PAGE_EARLY))
        put_page(batch, &open->path, open->depth, &open->page);
    sync->count.pages++;
    complete(sync, open, batch);
    return OK;
}

static enum err take_all(struct sync *sync, struct ask *ask,
                         const struct bytes *items, uint32_t count,
                         struct store_batch *batch)
{
    if (count > ask->count && !SX_MUTANT(ANSWER_LONG))
        return ERR_RANGE;
    for (uint32_t i = 0; i < count; i++)
        TRY(check_arrival(sync, &ask->wants[i], items[i], &sync->arrivals[i]));
    for (uint32_t i = 0; i < count; i++) {
        TRY(take_arrival(sync, &ask->wants[i], &sync->arrivals[i], batch));
        sync->count.bytes += items[i].len;
    }
    return store_batch_error(batch);
}

enum err sync_take(struct sync *sync, uint32_t number,
                   const struct bytes *items, uint32_t count,
                   struct store_batch *batch)
{
    struct ask *ask = number == 0 ? NULL : find_ask(sync, number);
    if (ask == NULL)
        return ERR_NOT_FOUND;
    enum err err = take_all(sync, ask, items, count, batch);
    end_ask(sync, ask);
    return err;
}
