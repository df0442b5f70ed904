#ifndef LEDGER_POOL_POOL_ROOM_H
#define LEDGER_POOL_POOL_ROOM_H

/* The inside of the pool, shared by its pages alone. */

#include "ledger/state/map.h"
#include "ledger/pool/pool.h"

/* Class, fee for a kibibyte, age: see pool_evict.c. */
#define POOL_RANK_LEN 17u

struct entry {
    struct pool_entry public; /* first: what callers see */
    struct map_leaf by_id;
    struct map_leaf by_nonce;
    uint8_t nonce_key[8];
    struct sender *sender;
    struct entry *older;
    struct entry *newer;
    uint64_t seq; /* later ones have higher ones */
    bool chosen;  /* to give way, if enough is won by it */
    uint8_t bytes[];
};

/* What a block brought and nobody has handed in here. */
struct ghost {
    struct map_leaf by_id;
    struct hash id;
    uint32_t carried;
};

struct sender {
    struct map_leaf leaf;
    struct pubkey key;
    struct map entries; /* by nonce, big-endian */
    struct amount fees;
    uint64_t next_nonce; /* in the state, as last told */
    uint64_t run_end;    /* the first from next_nonce on that is missing */
    size_t chosen;       /* of the entries */
    struct map_leaf by_rank;
    uint8_t rank[POOL_RANK_LEN];
    bool ranked; /* on pool->ranks: its last entry could give way */
};

/* The first bits of an id or a key choose one of many maps, so that a search
 * looks at a few places only. Who makes up ids that share these bits gets what
 * one map would give everybody. */
#define BUCKETS 4096u

struct pool {
    struct pool_limits limits;
    struct map by_id[BUCKETS];
    struct map senders[BUCKETS];
    struct map ghosts[BUCKETS];
    struct map ranks; /* senders; whose last entry gives way first */
    uint32_t count;
    uint32_t sender_count;
    struct entry *oldest;
    struct entry *newest;
    struct entry *given_way; /* until pool_gone, linked by newer */
    struct entry *removed;   /* until the sweep, linked by newer */
    uint64_t seq;
    uint64_t bytes;
    uint32_t fresh; /* carried by no undecided block */
};

#define CONTAINER(ptr, type, member)                                           \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Takes an entry out of everything; it is on no list. */
void pool_unlink(struct pool *pool, struct entry *entry);
/* To be called when anything changed that a sender's rank depends on: its
 * entries, its run, who is carried or chosen. */
void pool_rank(struct pool *pool, struct sender *sender);
/* The run, from where it ended on. */
void pool_run(struct sender *sender);
void pool_unrank(struct pool *pool, struct sender *sender);
/* Room for a newcomer that passed all other checks; sender may be NULL. Those
 * that gave way are on pool->given_way, and a sender without others is gone.
 * ERR_POOL_FULL: not enough of them would; then nothing has changed. */
MUST_USE enum err pool_make_room(struct pool *pool, struct sender *sender,
                                 const struct tx *tx, size_t len,
                                 uint64_t next_nonce);

#endif
