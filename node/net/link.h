#ifndef NODE_NET_LINK_H
#define NODE_NET_LINK_H

/* Peer links: authenticated connections to other nodes for gossip, consensus
 * and requests (blobs have their own connections, bulk.h). A link is a channel
 * over an nng_stream; a peer is a link that is up. There is at most one link to
 * an identity.
 *
 *   dial target --> dialling --> opening --> up --> lingering --> gone
 *   accepted -------------------/
 *
 * Everything here runs on the loop thread, callbacks included; none is called
 * from inside a call of yours except net_close, which reports peers down. A
 * struct net_peer is valid from on_peer_up until on_peer_down returns.
 *
 * Two nodes may dial each other at the same moment. The link that the node with
 * the smaller id opened is kept, by both; a second link in the same direction
 * replaces the first one. The loser ends with ERR_EXISTS. */

#include <uv.h>

#include "node/net/channel.h"

struct net;
struct net_peer;
struct guard; /* node/net/guard.h */

/* Zero means the default in brackets. */
struct net_limits {
    uint32_t peers_max;         /* [LIMIT_PEERS]; a quarter is kept for peers
                                   that we dial */
    uint32_t half_open_max;     /* [64] accepted and not up yet, in all */
    uint32_t half_open_near;    /* [8] of them from one /24 or /56 */
    uint32_t accept_burst;      /* [32] connections at once from one address */
    uint32_t accept_per_minute; /* [240] and then so many */
    size_t queue_max;           /* [8 MiB] of unsent bytes for one peer */
    uint64_t ban_ms;            /* [600 000] */
    uint32_t dial_min_ms;       /* [500] first wait before dialling again */
    uint32_t dial_max_ms;       /* [10 000] last wait */
    bool ban_loopback;          /* else a loopback address is never banned:
                                   every local user shares it */
};

struct net_callbacks {
    void *ctx;
    /* identity is lent as long as the peer is. */
    void (*on_peer_up)(void *ctx, struct net_peer *peer,
                       const struct channel_identity *identity);
    /* ERR_CLOSED after a friendly goodbye; otherwise what went wrong. The peer
     * may be asked for its identity and address a last time. */
    void (*on_peer_down)(void *ctx, struct net_peer *peer, enum err err);
    /* A peer ended a link of ours that was up for another of this node's key,
     * and no other one of ours is there or being made. May be NULL. */
    void (*on_displaced)(void *ctx);
    /* payload is lent until the call returns. */
    void (*on_message)(void *ctx, struct net_peer *peer, struct bytes payload);
    /* One line for the log: a refused connection, a failed dial, a ban. At
     * most a few per second. May be NULL. */
    void (*on_note)(void *ctx, const char *text);
    /* Height of our chain, for the hello. May be NULL. */
    uint64_t (*tip_height)(void *ctx);
};

struct net_config {
    const char *listen;    /* "host:port", "[v6]:port", port 0: any; NULL or "":
                              take no connections */
    const char *advertise; /* what peers are told; NULL: the listen address. A
                              host of 0.0.0.0 or [::] means "the address you
                              see me under" */
    struct hash chain;
    struct signer signer;         /* the node's key, used now and then again */
    const uint8_t *static_secret; /* NOISE_KEY_LEN, the transport key; copied */
    uint32_t roles;               /* CHANNEL_ROLE_* */
    const char *agent;            /* program/version */
    struct net_limits limits;
    struct net_callbacks callbacks;
};

/* What is wrong and what to do, one line for the user. */
struct net_error {
    char text[256];
};

/* Strings are copied. ERR_PARSE (an address), ERR_BUSY (the port is in use),
 * ERR_PERM, ERR_NET, ERR_NOMEM, or what the signer said; out_error (may be
 * NULL) has the words. After an error the loop has to run once to let go. */
MUST_USE enum err net_new(uv_loop_t *loop, const struct net_config *config,
                          struct net **out, struct net_error *out_error);
/* Says goodbye to all peers (on_peer_down with ERR_CLOSED, from inside this
 * call), ends everything and frees it; `done` (may be NULL) is called when the
 * loop holds nothing of it any more. */
void net_close(struct net *net, void (*done)(void *ctx), void *ctx);

/* "host:port" that we listen on, with the real port; "" when we do not. */
const char *net_listen_addr(const struct net *net);
/* For hellos from now on. */
void net_set_roles(struct net *net, uint32_t roles);
void net_set_bulk(struct net *net, const char *advertise);

/* Keeps a link to this address: dials, and dials again with growing waits
 * whenever the link is gone. A target whose peer is connected by another link
 * rests. OK when it is a target already (expected is then replaced).
 * ERR_PARSE, ERR_TOO_LARGE (256 targets). */
MUST_USE enum err net_dial(struct net *net, const char *addr,
                           const struct pubkey *expected);
/* The same on other people's word: ERR_EXISTS for a target of any kind, which
 * stays as it is. net_dial makes it one of our own. */
MUST_USE enum err net_dial_hint(struct net *net, const char *addr,
                                const struct pubkey *expected);
/* Forgets the target; a link that is up stays. */
void net_undial(struct net *net, const char *addr);
/* The same for one that is a hint still; others stay. */
void net_undial_hint(struct net *net, const char *addr);

/* Queues a message; links are written once per turn of the loop. On any error
 * nothing was queued: ERR_TOO_LARGE (LIMIT_MESSAGE_BYTES), ERR_CLOSED (the peer
 * is on its way down), ERR_NOMEM, and ERR_SLOW, which also takes the peer down
 * before long. */
MUST_USE enum err net_send(struct net_peer *peer, struct bytes payload);

/* Takes the peer down soon; it is told why. */
void net_drop(struct net_peer *peer, enum err why);
/* Bad manners: at 100 points the peer is banned and dropped. Ten points are
 * forgiven per minute. `why` is for people, a few words. */
void net_score(struct net_peer *peer, uint32_t points, const char *why);

/* Back-pressure: receives nothing more from the peer, apart from what has come
 * already (at most 64 KiB), until resumed. TCP passes it on. */
void net_hold(struct net_peer *peer);
void net_resume(struct net_peer *peer);

/* All peers, newest first: NULL, then the one before, to NULL. */
struct net_peer *net_next(struct net *net, struct net_peer *after);
struct net_peer *net_find(struct net *net, const struct pubkey *id);
uint32_t net_peer_count(const struct net *net);

const struct channel_identity *net_peer_identity(const struct net_peer *peer);
/* A pointer of the caller's, NULL at first. */
void net_peer_set_data(struct net_peer *peer, void *data);
void *net_peer_data(const struct net_peer *peer);
/* "host:port" to fetch blobs from, by the peer's word; "" if it has none. */
void net_peer_bulk(const struct net_peer *peer, char out[CHANNEL_ADDR_MAX]);
/* "host:port" to dial the peer at, likewise. */
void net_peer_listen(const struct net_peer *peer, char out[CHANNEL_ADDR_MAX]);

struct net_peer_info {
    char address[CHANNEL_ADDR_MAX]; /* where the connection comes from */
    bool outbound;                  /* we dialled */
    uint32_t rtt_us;                /* smoothed; 0: not measured yet */
    uint32_t rtt_min_us;
    uint32_t rtt_last_us;
    uint32_t pongs, late; /* pings answered, and not in time */
    uint64_t bytes_in, bytes_out;
    size_t queued;     /* bytes not yet taken by the network */
    uint32_t score;    /* 0 good .. 100 banned */
    uint64_t since_us; /* uv_hrtime / 1000 when it came up */
};
void net_peer_info(const struct net_peer *peer, struct net_peer_info *out);

/* A ban that holds. */
struct net_ban {
    char who[HASH_TEXT_MAX + 16]; /* "node <hex>" or "address 10.0.0.7" */
    uint64_t left_ms;
    char why[64];
};
/* The i-th ban; false past the end. */
bool net_ban(const struct net *net, size_t i, struct net_ban *out);
/* Lifts every ban. */
void net_pardon(struct net *net);

/* What bulk.h shares with the links. */
struct guard *net_guard(struct net *net);
/* Everything of a channel's config but lane, initiator, expected and admit;
 * lent until the next turn of the loop. */
void net_channel_config(struct net *net, struct channel_config *out);

#endif
