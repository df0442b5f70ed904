#ifndef NODE_CHECKS_INNER_H
#define NODE_CHECKS_INNER_H

/* Inside the signature checks: shared by checks.c (transactions, workers) and
 * checks_block.c (messages with blocks), and by nobody else. */

#include "ledger/state/map.h"
#include "ledger/sx/sx_msg.h"
#include "node/chain/checks.h"

#define BATCH_TXS   128u /* a worker's share of what came by itself */
#define WORKERS_MAX 17u  /* batches at the same time */
#define RECENT_SETS 4096u
#define RECENT_WAYS 4u
#define BUCKETS     4096u

/* A message that waits for checks. */
struct message {
    struct message *next;
    uint64_t peer;
    int index; /* of the validator that says it, or -1 */
    enum sx_tag tag;
    bool gone;          /* nobody is told */
    uint32_t missing;   /* checks it waits for */
    enum err err;       /* of the first that failed */
    struct hash *ids;   /* of its transactions, when it brings one block */
    struct hash run_id; /* FINALS: of its last header */
    size_t len;
    uint8_t bytes[];
};

struct wait {
    struct wait *next;
    struct message *message;
};

/* Checks that blocks wait for. */
struct queue {
    struct check *first;
    struct check **last;
};

/* One transaction, one check. */
struct check {
    struct map_leaf by_id; /* first */
    struct hash id;
    enum { IDLE, STARTED, DONE } state;
    enum { VERIFY, KNOWN, UNWANTED } what; /* a worker does with it */
    enum err err;
    unsigned items;     /* that are to be told */
    struct wait *waits; /* blocks that wait for it */
    struct check *next; /* of those that blocks wait for */
    struct check **at;  /* where it hangs in that queue */
    struct queue *in;   /* NULL: in none */
    bool has_tx;
    struct tx tx; /* points into bytes */
    size_t len;
    uint8_t bytes[];
};

/* One who brought a transaction. */
struct item {
    struct item *next;
    struct check *check;
    uint64_t token;
};

struct batch {
    uv_work_t work; /* first */
    struct checks *checks;
    struct check *items[BATCH_TXS];
    unsigned count;
    bool busy;
};

/* The first bits of an id choose the set; the eldest in it goes. */
struct recent {
    struct hash ids[RECENT_WAYS];
    unsigned next;
};

struct checks {
    uv_loop_t *loop;
    struct hash chain;
    struct checks_events events;
    /* By id; each transaction with a check that is not over or not told. The
     * first bits of an id choose the map. */
    struct map by_id[BUCKETS];
    /* Items in the order they came; those from `fresh` on were not begun. */
    struct item *first;
    struct item **last;
    struct item *fresh;
    size_t item_count;
    size_t bytes;        /* of all transactions here */
    struct queue urgent; /* validators' blocks wait for them */
    struct queue others; /* ... others' */
    struct message *messages;
    struct message **messages_last;
    struct batch batches[WORKERS_MAX];
    unsigned batch_count; /* the last one's are always a block's */
    uint64_t done;
    bool passing;
    bool stopped;
    struct hash ids[LIMIT_BLOCK_TXS]; /* of the block being looked at */
    /* Transactions that were found good of late, wherever they are now. */
    struct recent recent[RECENT_SETS];
};

struct check *checks_find(struct checks *checks, const struct hash *id);
/* Was it found good of late, or waits in the pool? */
bool checks_knows(struct checks *checks, const struct hash *id);
/* A check that nobody asked for yet; NULL: no memory. */
struct check *checks_add(struct checks *checks, const struct hash *id,
                         struct bytes bytes);
/* A block waits for it. */
void checks_hurry(struct checks *checks, struct check *check);
/* Gives workers that have nothing something. */
void checks_start(struct checks *checks);

#endif
