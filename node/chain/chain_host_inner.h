#ifndef NODE_CHAIN_HOST_INNER_H
#define NODE_CHAIN_HOST_INNER_H

/* Inside the chain's host: shared by its pages (the core and the storage thread
 * in chain_host.c, signature checks in chain_host_check.c) and by nobody else.
 */

#include "node/chain/chain_host.h"
#include "node/chain/checks.h"
#include "node/chain/safety_log.h"
#include "node/chain/verifier.h"

#include <pthread.h>

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
    struct checks *checks;
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

#endif
