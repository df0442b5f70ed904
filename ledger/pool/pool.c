#include "base/check.h"
#include "ledger/pool/pool_room.h"

#include <stdlib.h>
#include <string.h>

static struct map *bucket(struct map maps[BUCKETS], const uint8_t first[2])
{
    return &maps[((unsigned)first[0] | (unsigned)first[1] << 8) &
                 (BUCKETS - 1)];
}

enum err pool_new(const struct pool_limits *limits, struct pool **out)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return ERR_NOMEM;
    if (limits != NULL)
        pool->limits = *limits;
    if (pool->limits.txs == 0)
        pool->limits.txs = POOL_TXS_MAX;
    if (pool->limits.bytes == 0)
        pool->limits.bytes = POOL_BYTES_MAX;
    if (pool->limits.account_txs == 0)
        pool->limits.account_txs = POOL_ACCOUNT_MAX;
    *out = pool;
    return OK;
}

static struct sender *find_sender(struct pool *pool, const struct pubkey *key)
{
    struct map_leaf *leaf =
        map_find(bucket(pool->senders, key->b), BYTES_OF(key->b));
    return leaf == NULL ? NULL : CONTAINER(leaf, struct sender, leaf);
}

static struct entry *find_entry(struct pool *pool, const struct hash *id)
{
    struct map_leaf *leaf =
        map_find(bucket(pool->by_id, id->b), hash_as_bytes(id));
    return leaf == NULL ? NULL : CONTAINER(leaf, struct entry, by_id);
}

static struct ghost *find_ghost(struct pool *pool, const struct hash *id)
{
    struct map_leaf *leaf =
        map_find(bucket(pool->ghosts, id->b), hash_as_bytes(id));
    return leaf == NULL ? NULL : CONTAINER(leaf, struct ghost, by_id);
}

static void ghost_drop(struct pool *pool, struct ghost *ghost)
{
    if (ghost == NULL)
        return;
    CHECK(map_remove(bucket(pool->ghosts, ghost->id.b), ghost->by_id.key) ==
          &ghost->by_id);
    free(ghost);
}

/* Without memory for it the block is as if it had not been told of. */
static void ghost_carry(struct pool *pool, const struct hash *id, int by)
{
    struct ghost *ghost = find_ghost(pool, id);
    if (ghost == NULL && by > 0) {
        ghost = calloc(1, sizeof(*ghost));
        if (ghost == NULL)
            return;
        ghost->id = *id;
        ghost->by_id.key = hash_as_bytes(&ghost->id);
        CHECK(map_insert(bucket(pool->ghosts, id->b), &ghost->by_id) == NULL);
    }
    if (ghost == NULL)
        return;
    if (by > 0)
        ghost->carried++;
    else if (--ghost->carried == 0)
        ghost_drop(pool, ghost);
}

static void ghosts_free(struct pool *pool)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct map_leaf *leaf;
        while ((leaf = map_first(&pool->ghosts[i])) != NULL)
            ghost_drop(pool, CONTAINER(leaf, struct ghost, by_id));
    }
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->oldest != NULL) {
        struct hash id = pool->oldest->public.tx.id;
        pool_remove(pool, &id);
    }
    CHECK(pool->bytes == 0 && pool->sender_count == 0 &&
          pool->ranks.count == 0);
    pool_sweep(pool);
    ghosts_free(pool);
    free(pool);
}

static struct sender *sender_new(struct pool *pool, const struct pubkey *key,
                                 uint64_t next_nonce)
{
    struct sender *sender = calloc(1, sizeof(*sender));
    if (sender == NULL)
        return NULL;
    sender->key = *key;
    sender->next_nonce = sender->run_end = next_nonce;
    sender->leaf.key = BYTES_OF(sender->key.b);
    CHECK(map_insert(bucket(pool->senders, key->b), &sender->leaf) == NULL);
    pool->sender_count++;
    return sender;
}

static void sender_drop_empty(struct pool *pool, struct sender *sender)
{
    if (sender->entries.count > 0)
        return;
    pool_unrank(pool, sender);
    CHECK(map_remove(bucket(pool->senders, sender->key.b), sender->leaf.key) ==
          &sender->leaf);
    pool->sender_count--;
    free(sender);
}

static enum err check_nonce(const struct sender *sender, uint64_t nonce,
                            uint64_t next_nonce)
{
    uint8_t key[8];
    size_t waiting = sender != NULL ? sender->entries.count : 0;
    if (nonce < next_nonce || nonce - next_nonce > waiting + POOL_GAP_MAX)
        return ERR_NONCE;
    u64be_put(key, nonce);
    if (sender != NULL && map_find(&sender->entries, BYTES_OF(key)) != NULL)
        return ERR_NONCE;
    return OK;
}

static struct entry *entry_new(const struct tx *tx, struct bytes bytes)
{
    struct entry *entry = malloc(sizeof(*entry) + bytes.len);
    if (entry == NULL)
        return NULL;
    memset(entry, 0, sizeof(*entry));
    memcpy(entry->bytes, bytes.ptr, bytes.len);
    entry->public.tx = *tx;
    entry->public.bytes = bytes_make(entry->bytes, bytes.len);
    if (tx->payload.len > 0) {
        CHECK(tx->payload.ptr >= bytes.ptr &&
              tx->payload.ptr + tx->payload.len <= bytes.ptr + bytes.len);
        entry->public.tx.payload.ptr =
            entry->bytes + (tx->payload.ptr - bytes.ptr);
    }
    entry->by_id.key = hash_as_bytes(&entry->public.tx.id);
    u64be_put(entry->nonce_key, tx->nonce);
    entry->by_nonce.key = BYTES_OF(entry->nonce_key);
    return entry;
}

static void link_entry(struct pool *pool, struct sender *sender,
                       struct entry *entry)
{
    entry->sender = sender;
    entry->older = pool->newest;
    if (pool->newest != NULL)
        pool->newest->newer = entry;
    else
        pool->oldest = entry;
    pool->newest = entry;
    entry->seq = ++pool->seq;
    CHECK(map_insert(bucket(pool->by_id, entry->public.tx.id.b),
                     &entry->by_id) == NULL);
    pool->count++;
    CHECK(map_insert(&sender->entries, &entry->by_nonce) == NULL);
    pool->bytes += entry->public.bytes.len;
    pool_run(sender);
    struct ghost *ghost = find_ghost(pool, &entry->public.tx.id);
    if (ghost != NULL)
        entry->public.carried = ghost->carried;
    else
        pool->fresh++;
    ghost_drop(pool, ghost);
}

/* Forwards with a block, and back when a fork dies. */
static void moved_to(struct pool *pool, struct sender *sender,
                     uint64_t next_nonce)
{
    if (sender->next_nonce == next_nonce)
        return;
    if (next_nonce < sender->next_nonce || next_nonce > sender->run_end)
        sender->run_end = next_nonce;
    sender->next_nonce = next_nonce;
    pool_run(sender);
    pool_rank(pool, sender);
}

enum err pool_add(struct pool *pool, const struct tx *tx, struct bytes bytes,
                  uint64_t next_nonce, uint64_t token, uint64_t now_ms)
{
    struct sender *sender = find_sender(pool, &tx->sender);
    struct amount fees = amount_micro(0);
    struct entry *entry = NULL;
    if (find_entry(pool, &tx->id) != NULL)
        return ERR_EXISTS;
    TRY(check_nonce(sender, tx->nonce, next_nonce));
    if (amount_add(sender != NULL ? sender->fees : fees, tx->fee, &fees) != OK)
        return ERR_POOL_FULL;
    if (sender != NULL)
        moved_to(pool, sender, next_nonce);
    TRY(pool_make_room(pool, sender, tx, bytes.len, next_nonce));
    entry = entry_new(tx, bytes);
    if (entry == NULL)
        return ERR_NOMEM;
    sender = find_sender(pool, &tx->sender);
    if (sender == NULL &&
        (sender = sender_new(pool, &tx->sender, next_nonce)) == NULL) {
        free(entry);
        return ERR_NOMEM;
    }
    entry->public.token = token;
    entry->public.added_ms = now_ms;
    enum err err = amount_add(sender->fees, tx->fee, &sender->fees);
    CHECK(err == OK);
    link_entry(pool, sender, entry);
    pool_rank(pool, sender);
    return OK;
}

struct pool_entry *pool_gone(struct pool *pool)
{
    struct entry *entry = pool->given_way;
    if (entry == NULL)
        return NULL;
    pool->given_way = entry->newer;
    entry->newer = pool->removed;
    pool->removed = entry;
    return &entry->public;
}

void pool_account_at(struct pool *pool, const struct pubkey *key,
                     uint64_t next_nonce)
{
    struct sender *sender = find_sender(pool, key);
    if (sender != NULL && next_nonce > sender->next_nonce)
        moved_to(pool, sender, next_nonce);
}

struct pool_entry *pool_find(struct pool *pool, const struct hash *id)
{
    struct entry *entry = find_entry(pool, id);
    return entry == NULL ? NULL : &entry->public;
}

void pool_unlink(struct pool *pool, struct entry *entry)
{
    struct sender *sender = entry->sender;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        pool->oldest = entry->newer;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        pool->newest = entry->older;
    CHECK(map_remove(bucket(pool->by_id, entry->public.tx.id.b),
                     entry->by_id.key) == &entry->by_id);
    pool->count--;
    CHECK(map_remove(&sender->entries, entry->by_nonce.key) ==
          &entry->by_nonce);
    enum err err =
        amount_sub(sender->fees, entry->public.tx.fee, &sender->fees);
    CHECK(err == OK);
    pool->bytes -= entry->public.bytes.len;
    if (entry->public.carried == 0)
        pool->fresh--;
    if (entry->public.tx.nonce >= sender->next_nonce &&
        entry->public.tx.nonce < sender->run_end)
        sender->run_end = entry->public.tx.nonce;
    pool_rank(pool, sender);
    sender_drop_empty(pool, sender);
    entry->sender = NULL;
    entry->newer = NULL;
}

void pool_remove(struct pool *pool, const struct hash *id)
{
    struct entry *entry = find_entry(pool, id);
    if (entry == NULL) {
        ghost_drop(pool, find_ghost(pool, id));
        return;
    }
    pool_unlink(pool, entry);
    entry->newer = pool->removed;
    pool->removed = entry;
}

void pool_sweep(struct pool *pool)
{
    while (pool_gone(pool) != NULL)
        ;
    while (pool->removed != NULL) {
        struct entry *entry = pool->removed;
        pool->removed = entry->newer;
        free(entry);
    }
}

void pool_carry(struct pool *pool, const struct hash *id, int by)
{
    struct entry *entry = find_entry(pool, id);
    CHECK(by == 1 || by == -1);
    if (entry == NULL) {
        ghost_carry(pool, id, by);
        return;
    }
    /* One that was thrown out and came again does not know of its block. */
    if (by < 0 && entry->public.carried == 0)
        return;
    if (by > 0 && entry->public.carried++ == 0)
        pool->fresh--;
    if (by < 0 && --entry->public.carried == 0)
        pool->fresh++;
    pool_rank(pool, entry->sender);
}

bool pool_carried(struct pool *pool, const struct hash *id)
{
    const struct entry *entry = find_entry(pool, id);
    return entry != NULL ? entry->public.carried > 0
                         : find_ghost(pool, id) != NULL;
}

uint32_t pool_fresh(const struct pool *pool)
{
    return pool->fresh;
}

uint32_t pool_count(const struct pool *pool)
{
    return pool->count;
}

uint64_t pool_bytes(const struct pool *pool)
{
    return pool->bytes;
}

struct amount pool_fees(struct pool *pool, const struct pubkey *sender)
{
    struct sender *found = find_sender(pool, sender);
    return found == NULL ? amount_micro(0) : found->fees;
}

struct pool_entry *pool_next(struct pool *pool, const struct pool_entry *after)
{
    const struct entry *entry = (const struct entry *)(const void *)after;
    struct entry *next = entry == NULL ? pool->oldest : entry->newer;
    return next == NULL ? NULL : &next->public;
}

struct pool_entry *pool_account_next(struct pool *pool,
                                     const struct pubkey *sender,
                                     uint64_t nonce)
{
    uint8_t key[8];
    struct sender *found = find_sender(pool, sender);
    if (found == NULL)
        return NULL;
    u64be_put(key, nonce);
    struct map_leaf *leaf = map_ceiling(&found->entries, BYTES_OF(key));
    return leaf == NULL ? NULL
                        : &CONTAINER(leaf, struct entry, by_nonce)->public;
}
