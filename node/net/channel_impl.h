#ifndef NODE_NET_CHANNEL_IMPL_H
#define NODE_NET_CHANNEL_IMPL_H

/* Inside the channel: channel.c is its frames, time and life, channel_open.c
 * the handshake. */

#include "node/net/channel.h"

enum { CHANNEL_HEAD_LEN = 4, CHANNEL_HINT_LEN = 2, CHANNEL_PING_LEN = 8 };

enum channel_state { CHANNEL_OPENING, CHANNEL_UP, CHANNEL_OVER };

struct channel {
    enum channel_state state;
    struct noise noise;
    struct noise_cipher tx, rx;
    struct channel_config config; /* pointers of the caller's are dropped */
    struct channel_identity self, peer;
    struct pubkey expected;
    bool expects;

    uint8_t head[CHANNEL_HEAD_LEN]; /* of the frame being received */
    size_t head_len;
    uint32_t want; /* its length, once the head is there */
    struct buf in; /* its bytes so far, then its text */
    struct buf out;

    uint64_t started_us, heard_us;
    uint64_t tx_frames, rx_frames; /* under the present keys */
    uint64_t tx_key_us;            /* when our key was last changed */
    uint8_t ping[CHANNEL_PING_LEN];
    bool ping_open;
    uint64_t ping_us;     /* when the last was sent */
    uint64_t ping_due_us; /* when the next one is due */
    unsigned ping_count;
    uint64_t pings_since_us; /* of the peer's pings: window and count */
    unsigned pings;
    struct channel_stats stats;
};

/* Appends length and message as they are. */
void channel_put_plain(struct channel *ch, struct bytes message);
/* Nothing more comes or goes; secrets are wiped. */
void channel_over(struct channel *ch, enum err err, bool by_peer,
                  struct channel_event *ev);
/* We end it and tell the peer why. */
void channel_refuse(struct channel *ch, enum err err, struct channel_event *ev);

MUST_USE enum err channel_write_offer(struct channel *ch);
/* A whole frame has come before the channel is up. */
void channel_on_opening(struct channel *ch, struct bytes frame, uint64_t now_us,
                        struct channel_event *ev);

#endif
