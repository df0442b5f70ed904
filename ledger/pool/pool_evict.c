/* Who gives way when the pool is full.
 *
 * Of an account only its last transaction can give way: whatever comes after
 * one that is missing could not enter a block. So accounts are kept in the
 * order of their last one, by what it is worth to the next block: those behind
 * a missing nonce first, then the lowest fee for a kibibyte, then the youngest.
 * Who is in an undecided block stays.
 *
 * What comes in is always worth more than what goes, and nobody is worth less
 * for it; so the pools of a network cannot throw the same few out and in again
 * for ever. It must pay an eighth more, or all could be made to pass on one
 * transaction after the other of which only the last pays. */

#include "base/check.h"
#include "ledger/pool/pool_room.h"

#include <string.h>

/* At most so many give way to one newcomer. */
#define GIVE_MAX 64u

enum worth { WORTH_STRANDED = 0, WORTH_READY = 1 };

/* Micro-credits for a kibibyte. */
static uint64_t fee_rate(struct amount fee, size_t len)
{
    struct amount rate;
    if (amount_scale_up(fee, 1024, len, &rate) != OK)
        return UINT64_MAX;
    return rate.micro; /* lint: micro (a rank, no money) */
}

static struct entry *entry_of(struct map_leaf *leaf)
{
    return leaf == NULL ? NULL : CONTAINER(leaf, struct entry, by_nonce);
}

static struct entry *last_staying(const struct sender *sender)
{
    struct entry *entry = entry_of(map_last(&sender->entries));
    while (entry != NULL && entry->chosen)
        entry = entry_of(map_before(&sender->entries, entry->by_nonce.key));
    return entry;
}

void pool_run(struct sender *sender)
{
    uint8_t key[8];
    const struct entry *entry;
    u64be_put(key, sender->run_end);
    entry = entry_of(map_ceiling(&sender->entries, BYTES_OF(key)));
    while (entry != NULL && entry->public.tx.nonce == sender->run_end) {
        sender->run_end++;
        entry = entry_of(map_after(&sender->entries, entry->by_nonce.key));
    }
}

/* ---- the order ---- */

void pool_unrank(struct pool *pool, struct sender *sender)
{
    if (!sender->ranked)
        return;
    CHECK(map_remove(&pool->ranks, sender->by_rank.key) == &sender->by_rank);
    sender->ranked = false;
}

void pool_rank(struct pool *pool, struct sender *sender)
{
    uint8_t rank[POOL_RANK_LEN];
    const struct entry *last = last_staying(sender);
    if (last == NULL || last->public.carried > 0) {
        pool_unrank(pool, sender);
        return;
    }
    rank[0] =
        last->public.tx.nonce < sender->run_end ? WORTH_READY : WORTH_STRANDED;
    u64be_put(rank + 1, fee_rate(last->public.tx.fee, last->public.bytes.len));
    u64be_put(rank + 9, UINT64_MAX - last->seq);
    if (sender->ranked && memcmp(rank, sender->rank, sizeof(rank)) == 0)
        return;
    pool_unrank(pool, sender);
    memcpy(sender->rank, rank, sizeof(rank));
    sender->by_rank.key = BYTES_OF(sender->rank);
    CHECK(map_insert(&pool->ranks, &sender->by_rank) == NULL);
    sender->ranked = true;
}

/* ---- making room ---- */

struct newcomer {
    uint64_t nonce;
    struct sender *sender; /* NULL: its account's first */
    enum worth worth;
    uint64_t rate;
};

/* Of its own account only what is later. */
static bool gives_way(const struct entry *last, const struct newcomer *to)
{
    CHECK(last != NULL && last->sender->ranked);
    enum worth worth = (enum worth)last->sender->rank[0];
    uint64_t rate = u64be_get(last->sender->rank + 1);
    if (last->sender == to->sender && last->public.tx.nonce < to->nonce)
        return false;
    return worth != to->worth ? worth < to->worth
                              : to->rate > rate && to->rate - rate >= rate / 8;
}

static struct entry *next_to_go(const struct pool *pool,
                                const struct newcomer *newcomer)
{
    struct map_leaf *leaf = map_first(&pool->ranks);
    while (leaf != NULL) {
        struct sender *sender = CONTAINER(leaf, struct sender, by_rank);
        struct entry *last = last_staying(sender);
        if (gives_way(last, newcomer))
            return last;
        if (sender != newcomer->sender)
            return NULL; /* those behind are worth more */
        leaf = map_after(&pool->ranks, leaf->key);
    }
    return NULL;
}

struct choice {
    struct entry *entries[GIVE_MAX];
    size_t count;
    uint64_t bytes;
};

static bool choose(struct pool *pool, struct choice *choice,
                   struct entry *entry)
{
    if (entry == NULL || choice->count == GIVE_MAX)
        return false;
    choice->entries[choice->count++] = entry;
    choice->bytes += entry->public.bytes.len;
    entry->chosen = true;
    entry->sender->chosen++;
    pool_rank(pool, entry->sender);
    return true;
}

static bool has_room(const struct pool *pool, const struct choice *choice,
                     size_t len)
{
    return pool->count - choice->count < pool->limits.txs &&
           len <= pool->limits.bytes - pool->bytes + choice->bytes;
}

/* An account that has all it may have: its own last one, or nobody. */
static bool choose_own(struct pool *pool, const struct newcomer *newcomer,
                       struct choice *choice)
{
    const struct sender *sender = newcomer->sender;
    if (sender == NULL || sender->entries.count < pool->limits.account_txs)
        return true;
    return sender->ranked && gives_way(last_staying(sender), newcomer) &&
           choose(pool, choice, last_staying(sender));
}

static void unchoose(struct pool *pool, const struct choice *choice)
{
    for (size_t i = 0; i < choice->count; i++) {
        struct sender *sender = choice->entries[i]->sender;
        choice->entries[i]->chosen = false;
        sender->chosen--;
        pool_rank(pool, sender);
    }
}

static void let_go(struct pool *pool, const struct choice *choice)
{
    unchoose(pool, choice);
    for (size_t i = 0; i < choice->count; i++) {
        struct entry *entry = choice->entries[i];
        pool_unlink(pool, entry);
        entry->newer = pool->given_way;
        pool->given_way = entry;
    }
}

enum err pool_make_room(struct pool *pool, struct sender *sender,
                        const struct tx *tx, size_t len, uint64_t next_nonce)
{
    uint64_t run_end = sender != NULL ? sender->run_end : next_nonce;
    struct newcomer newcomer = {.nonce = tx->nonce,
                                .sender = sender,
                                .worth = tx->nonce <= run_end ? WORTH_READY
                                                              : WORTH_STRANDED,
                                .rate = fee_rate(tx->fee, len)};
    struct choice choice = {.count = 0};
    bool enough = choose_own(pool, &newcomer, &choice);
    while (enough && !has_room(pool, &choice, len))
        enough = choose(pool, &choice, next_to_go(pool, &newcomer));
    if (!enough) {
        unchoose(pool, &choice);
        return ERR_POOL_FULL;
    }
    let_go(pool, &choice);
    return OK;
}
