#ifndef NODE_CHAIN_HOST_INNER_H
#define NODE_CHAIN_HOST_INNER_H

/* Inside the chain's host: shared by its pages (the core and the storage thread
 * in chain_host.c, signature checks in chain_host_check.c) and by nobody else.
 */

#include "ledger/map.h"
#include "node/chain_host.h"
#include "node/safety_log.h"
#include "node/verifier.h"

#include <pthread.h>

#define CHECKERS 2 /* batches of transactions checked at the same time */

/* Something that waits for its signatures to be checked: a transaction, or a
 * message with a block of many that are new here. */
struct item {
    struct item *next;
    struct hash id; /* of a transaction */
    struct map_leaf by_id;
    bool is_again; /* it is here already, from another peer: not checked twice;
                      the core says so */
    bool is_checked; /* a block brought it meanwhile */
    bool is_started; /* a worker has it */
    bool is_message;
    uint64_t token; /* of a transaction */
    uint64_t peer;  /* of a message */
    uint8_t *bytes;
    size_t len;
    enum err err;
    /* Of a message with one block: which of its transactions were checked when
     * they came, a bit each; may be NULL. */
    uint8_t *checked;
};

/* Blocks do not wait behind transactions. */
enum { QUEUE_TXS, QUEUE_BLOCKS, QUEUE_COUNT };
struct queue {
    struct item *first;
    struct item *last;
    size_t count;
    uint64_t begun; /* batches */
    uint64_t passed;
};

/* One batch on a worker thread. */
struct checking {
    uv_work_t work; /* first */
    struct chain_host *host;
    struct item *items;
    struct item *last;
    struct queue *queue;
    uint64_t turn; /* batches of one queue are passed on as they began */
    bool busy;
    bool done; /* by the worker */
};
/* The storage thread's queue: batches in, heights out. */
struct disk {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct store_batch *queue[CHAIN_FLIGHT_MAX + 1];
    size_t count;
    uint64_t stored[CHAIN_FLIGHT_MAX + 1];
    size_t stored_count;
    enum err trouble; /* of the commit being tried again, OK otherwise */
    enum err failed;  /* not worth another try: the node must end */
    bool stop;
    bool running;
};
struct chain_host {
    uv_loop_t *loop;
    struct store *store;
    struct chain *chain;
    struct sx *core;
    struct chain_host_events events;
    const struct genesis *genesis;
    struct kind_table kinds;
    uv_async_t stored; /* the storage thread and the log have news */
    uv_timer_t timer;
    struct safety_log *log; /* NULL: nothing is signed here */
    unsigned open_handles;
    struct disk disk;
    struct queue queues[QUEUE_COUNT];
    struct checking checking[CHECKERS + 1]; /* the last one's are blocks */
    struct map checked; /* transactions that wait or are being checked, by id */
    struct verifier *verifier;
    uint64_t logged;             /* what the core knows to be synced */
    bool stepping;               /* effects are being carried out */
    uint64_t gone[SX_PEERS_MAX]; /* links that broke meanwhile */
    size_t gone_count;
    bool closing;
    bool halted;
};

/* One event for the core; carries out the effects. */
void chain_host_step(struct chain_host *host, struct sx_event *event);

/* Is a worker still at it? */
bool chain_host_checking(const struct chain_host *host);
/* What still waits is thrown away. */
void chain_host_check_done(struct chain_host *host);

#endif
