#ifndef NODE_NODE_H
#define NODE_NODE_H

/* The node: every room of the house in one struct, wired on one loop. It holds
 * no rules of its own. Reading order: node.c (start and stop), gossip.c (what
 * peers tell each other), trade_shell.c (what the engines want done), rpc_*.c
 * (what people ask). */

#include "node/blob/blob_store.h"
#include "node/chain/chain_host.h"
#include "node/chain/chain_watch.h"
#include "node/config.h"
#include "node/control/control.h"
#include "node/datadir.h"
#include "node/exec/executor.h"
#include "node/control/feed.h"
#include "node/loop_meter.h"
#include "node/net/bulk.h"
#include "node/net/link.h"
#include "node/node_disk.h"
#include "node/chain/own_tx.h"
#include "node/peer/namesake.h"
#include "node/records.h"
#include "node/sell/sense.h"
#include "node/trade/buy.h"
#include "node/trade/sell.h"

#include "wallet/keyfile.h"

#define NODE_WARNINGS_MAX   16
#define NODE_ROLE_VALIDATOR 1u
#define NODE_ROLE_PROVIDER  2u
#define NODE_ROLE_BUYER     4u

/* Something people should know about, with what to do. */
struct node_warning {
    char what[160];
    char why[200];
    char next[160];
};

/* Someone submitted a transaction and waits (rpc_tx.h). */
enum tx_watch_state { TX_WATCH_POOL = 0, TX_WATCH_FINAL, TX_WATCH_REFUSED };
struct tx_watch {
    uint64_t token; /* 0 = free */
    struct hash id;
    enum tx_watch_state state;
    enum err err;
    uint64_t height;
};
#define TX_WATCHES_MAX CONTROL_CALLS_MAX

struct images;      /* node/blob/images.h */
struct image_cache; /* node/blob/image_cache.h */
struct offering;    /* node/sell/offering.h */
struct policies;    /* node/shell/policies.h */
struct call_work;   /* node/control/rpc_call.h */
struct gossip;      /* node/peer/gossip.h */
struct audit_agent;
struct link_agent; /* node/peer/link_agent.h */
struct shell;      /* node/shell/trade_shell.h */
struct waiters;    /* node/control/waiters.h */

struct node {
    uv_loop_t *loop;
    uint64_t started_ms;
    struct config config;
    struct datadir dir;
    uint32_t roles;
    char name[LIMIT_NAME];
    struct genesis genesis;
    const char *prefix; /* of addresses */
    struct key *key;    /* the node's identity */
    struct signer signer;
    struct pubkey self;
    struct key *vote_key; /* a validator's; NULL otherwise */
    struct signer vote_signer;
    struct keyfile_transport transport;
    struct sensed sensed;
    struct node_disk disk;
    struct grade grade; /* zero until measured */
    uint32_t grade_spread_permille;
    struct tiers tiers; /* what machines are graded by here */
    bool benching;

    struct feed feed;
    struct waiters *waiters;
    struct chain_host *host;
    struct chain_watch chain_watch;
    struct own_tx *own;
    struct blob_store *blobs;
    struct records records;
    struct net *net;
    struct namesake namesake;
    struct bulk *bulk;
    struct executor *executor;
    struct images *images;
    struct policies *policies;       /* of the user, by name */
    struct image_cache *image_cache; /* NULL: no provider */
    struct offering *offering;
    struct gossip *gossip;
    struct link_agent *links;
    struct standings *standings; /* node_standing.h */
    uint32_t guess_next;         /* book_guess.h: who is next */
    struct audit_agent *audit;
    uint64_t roads_ms; /* when the buyer was last told what is measured */
    struct shell *shell;
    struct buy *buy;
    struct sell *sell;
    struct control *control; /* NULL once closed: calls are gone */
    struct call_work *works; /* wait for a worker; zero at start */
    uint32_t works_running;

    struct tx_watch watches[TX_WATCHES_MAX];
    uint64_t next_token;

    uv_timer_t second;
    struct loop_meter meter;
    uv_signal_t signals[2];
    bool watching; /* second and signals are open */
    bool stopping;
    int exit_code;
    struct node_warning warnings[NODE_WARNINGS_MAX];
    uint32_t warning_count;
    uv_work_t collect_work;
    bool collecting;
    uint64_t collected_ms;
    bool sell_wanted; /* the operator wants to sell (config or sell.start) */
    bool blobs_dirty; /* something was unpinned: collect when idle */
};

/* Begins an orderly end; the process exits with the code. */
void node_stop(struct node *node, int exit_code);
/* Adds or renews a warning (by `what`) for node.status; logs it once. */
void node_warn(struct node *node, const char *what, const char *why,
               const char *next);

#endif
