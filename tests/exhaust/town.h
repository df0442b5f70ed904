#ifndef TESTS_EXHAUST_TOWN_H
#define TESTS_EXHAUST_TOWN_H

/* What does not move: the bounds, who is who, the transactions, and every block
 * that anybody has made. One town a process. Parties are numbered by their turn
 * to lead, seats are the core's indices. */

#include "ledger/sx/sx_room.h"
#include "tests/exhaust/bounds.h"
#include "tests/sim/keys.h"

#define TOWN_T0     UINT64_C(1700000000000)
#define TOWN_TXS    4u
#define TOWN_BLOCKS 128u
#define TOWN_VIEWS  8u

struct town_block {
    struct hash id;
    struct hash parent;
    uint64_t height;
    uint64_t epoch;
    struct candidate *candidate; /* NULL: it does not execute */
    struct buf bytes;
};

struct town {
    struct bounds bounds;
    struct genesis genesis;
    struct sim_key keys[PARTIES_MAX];
    uint16_t seats[PARTIES_MAX];
    uint32_t leader[TOWN_VIEWS + 1]; /* by view */
    struct sim_key user;
    struct buf txs[TOWN_TXS];
    struct hash tx_ids[TOWN_TXS];
    uint64_t quorum;
    struct hash root;
    /* For blocks: a chain of the town's own, which never decides. */
    struct store *store;
    struct chain *chain;
    struct pool *pool;
    struct town_block blocks[TOWN_BLOCKS];
    uint32_t block_count;
};
extern struct town town;

void town_init(const struct bounds *bounds);
bool town_honest(uint32_t party);
uint32_t town_party_at(uint16_t seat);

/* ---- blocks ---- */

/* NULL: never seen. */
const struct town_block *town_block(const struct hash *id);
/* One that was sent. The same twice is fine. */
void town_learn(struct bytes bytes);
/* The liar's, on this parent, empty or not. */
const struct town_block *town_make(const struct hash *parent, bool empty);
/* Another that the liar makes of one: its state root, or its proposer, is not
 * what it should be. */
const struct town_block *town_bend(const struct town_block *block,
                                   bool proposer);
/* Is a block the other one or one of its ancestors? */
bool town_is_below(const struct hash *id, const struct hash *above);

/* ---- the liar's word ---- */

void town_vote(uint32_t party, enum vote_kind kind, const struct proposal *on,
               struct vote *out);

#endif
