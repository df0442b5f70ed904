#ifndef NODE_NET_LINK_IMPL_H
#define NODE_NET_LINK_IMPL_H

/* Inside the peer links: net.c keeps the set of links and the dial targets,
 * link.c is the life of one link. */

#include "node/net/guard.h"
#include "node/net/link.h"
#include "node/net/note.h"
#include "node/net/stream.h"

enum {
    LINK_READ_OPENING = 2048, /* receive buffer of a stranger */
    LINK_READ_UP = 64 * 1024,
    LINK_KEEP = 1024 * 1024 /* an emptied send buffer above is given back */
};
#define LINK_LINGER_US 300000u /* for the last words to arrive */

enum link_state {
    LINK_OPENING,
    LINK_UP,       /* the peer is announced */
    LINK_LINGERING /* the channel is over; last bytes are being written */
};

/* An address that we keep a link to. */
struct net_target {
    struct net_target *next;
    char addr[CHANNEL_ADDR_MAX];
    struct pubkey expected, known; /* known: who was there last */
    bool expects, knows, is_self;
    bool is_hint;             /* dialled on other people's word */
    struct stream_dial *dial; /* under way */
    struct net_peer *link;
    uint64_t next_us; /* when to dial */
    uint32_t wait_ms; /* doubled by each failure */
    struct net *net;
};

struct net_peer {
    struct net *net;
    struct net_peer *next, **at;
    enum link_state state;
    struct stream *stream;
    struct channel *channel;
    struct net_target *target; /* NULL for an accepted one */
    struct addr_ip ip;
    char address[CHANNEL_ADDR_MAX];
    bool outbound, half_open, held;
    bool doomed; /* to be ended with `doom` at the end of the turn */
    enum err doom;
    struct buf spare;
    size_t writing; /* bytes given to the stream and not yet written */
    uint64_t since_us, linger_until_us;
    void *data;
};

struct net {
    uv_loop_t *loop;
    struct net_callbacks callbacks;
    struct net_limits limits;
    struct stream_host *streams;
    struct stream_listener *listener;
    struct guard *guard;
    struct net_peer *links;
    struct net_target *targets;
    uint32_t target_count, peer_count;
    struct hash chain;
    struct signer signer;
    uint8_t *static_secret; /* sodium_malloc */
    struct channel_identity self;
    char listen[CHANNEL_ADDR_MAX];
    uv_timer_t tick;
    uv_prepare_t flush;
    bool dirty; /* some link has something to write or is doomed */
    bool closing;
    int handles; /* of uv, open */
    struct note note;
    void (*done)(void *ctx);
    void *done_ctx;
};

uint64_t net_now_us(const struct net *net);
uint64_t net_now_ms(const struct net *net);

/* Takes the stream, closes it on error. target is NULL for an accepted one. */
MUST_USE enum err link_new(struct net *net, struct stream *stream,
                           struct net_target *target);
/* Writes what waits; ends the link when it is doomed. */
void link_flush(struct net_peer *link);
void link_tick(struct net_peer *link, uint64_t now_us);
/* Ends it: the peer is told and announced as down; it lingers. */
void link_end(struct net_peer *link, enum err why);

/* The link of a target is gone, or could not be made. */
void target_failed(struct net_target *target, enum err err);
void target_down(struct net_target *target, uint64_t lived_us);
/* A link was freed. */
void net_link_gone(struct net *net);

#endif
