#ifndef NODE_NET_GUARD_H
#define NODE_NET_GUARD_H

/* The guard decides who may connect: it counts half-open connections, limits
 * how fast one address may come, keeps scores of bad manners and bans. It is
 * told the time (monotonic ms) and does no input or output. Its memory is
 * fixed: the least interesting guest is forgotten for a new one.
 *
 * A guest is an address (a /64 in IPv6) as long as it has not proven who it is,
 * and a node's key afterwards: many honest nodes may share an address. */

#include "node/net/addr.h"

enum {
    GUARD_GUESTS_MAX = 1024, /* remembered addresses, and as many keys */
    GUARD_HALF_OPEN_MAX = 256,
    GUARD_WHY_MAX = 64,
    GUARD_BAN_SCORE = 100,
    GUARD_FORGIVEN_PER_MINUTE = 10
};

struct guard_limits {           /* zero: the default in brackets */
    uint32_t half_open_max;     /* [64] */
    uint32_t half_open_near;    /* [8] per /24 or /56 */
    uint32_t accept_burst;      /* [32] */
    uint32_t accept_per_minute; /* [240] */
    uint64_t ban_ms;            /* [600 000] */
    bool ban_loopback;          /* loopback is an address like any other */
};

struct guard;

MUST_USE enum err guard_new(const struct guard_limits *limits,
                            struct guard **out);
void guard_free(struct guard *guard);

/* A connection from here: OK counts it as half-open until guard_settled.
 * ERR_BANNED; ERR_RATE when it comes too fast or too many are half-open. Of
 * loopback only half_open_max counts, unless ban_loopback. */
MUST_USE enum err guard_accept(struct guard *guard, const struct addr_ip *ip,
                               uint64_t now_ms);
/* It is up, or gone. */
void guard_settled(struct guard *guard, const struct addr_ip *ip);
uint32_t guard_half_open(const struct guard *guard);

/* ERR_BANNED. */
MUST_USE enum err guard_check_node(struct guard *guard,
                                   const struct pubkey *node, uint64_t now_ms);
/* Adds to a score; true when that made a ban. An address that is loopback is
 * scored, but banned only if the limits say so. */
bool guard_score_node(struct guard *guard, const struct pubkey *node,
                      uint32_t points, const char *why, uint64_t now_ms);
bool guard_score_ip(struct guard *guard, const struct addr_ip *ip,
                    uint32_t points, const char *why, uint64_t now_ms);
/* 0..GUARD_BAN_SCORE. */
uint32_t guard_node_score(struct guard *guard, const struct pubkey *node,
                          uint64_t now_ms);

struct guard_ban {
    bool is_node;
    struct pubkey node;
    struct addr_ip ip;
    uint64_t left_ms;
    const char *why; /* lent until the guard is told something */
};
/* The i-th ban that holds; false past the end. */
bool guard_ban(const struct guard *guard, size_t i, uint64_t now_ms,
               struct guard_ban *out);
/* Lifts all bans and forgets all scores. */
void guard_pardon(struct guard *guard);

#endif
