#ifndef NODE_NET_CHANNEL_H
#define NODE_NET_CHANNEL_H

/* A channel makes any ordered stream of bytes into a private, authenticated
 * exchange of frames with a peer whose identity is proven. It does no input or
 * output, knows no clock and draws no randomness: bytes in, events and bytes
 * out. Peer links (nng_stream) and bulk transfers (uv_tcp) share this code.
 *
 *      opening --message 2 or 3, identity admitted--> up --CLOSE, error--> over
 *         \------------- any error, deadline ---------------------------->/
 *
 * On the wire everything is a frame: u32 big-endian length, then that many
 * bytes. While opening these are the three messages of Noise_XX (noise.h) with
 * the prologue "suan/1\0" || chain id:
 *
 *   1  in clear    the offer  [1, 1, version_min, version_max, chain, lane]
 *   2, 3 sealed    the hello  [2, 1, node id, not_after_ms, signature, roles,
 *                              height, listen, bulk, agent]
 *
 * The signature is the node key's over its transport key (see
 * channel_statement_sign). A responder that cannot go on answers message 1 with
 * a frame of two bytes, a big-endian error code, in the clear: a hint for the
 * operator, trusted for nothing else.
 *
 * Once up, each frame is sealed and the first byte of its text is the type:
 * below CHANNEL_TYPE_APP the channel's own (close, ping, pong, rekey), from
 * there on the caller's. A frame that does not open ends the channel.
 *
 * Times: now_us is monotonic microseconds of any origin, the same for all calls
 * on one channel; unix_ms is milliseconds since 1970. */

#include "base/limits.h"
#include "base/sign.h"
#include "node/net/noise.h"

struct channel;

enum {
    CHANNEL_VERSION = 1,
    CHANNEL_TYPE_CLOSE = 0, /* u16 LE error code */
    CHANNEL_TYPE_PING = 1,  /* 8 bytes to send back */
    CHANNEL_TYPE_PONG = 2,
    CHANNEL_TYPE_REKEY = 3, /* empty; the sender's key changes after it */
    CHANNEL_TYPE_APP = 16,
    CHANNEL_ADDR_MAX = 128, /* "host:port" with its zero */
    CHANNEL_AGENT_MAX = 32
};

/* What a connection is for. Both ends must mean the same. */
enum channel_lane { CHANNEL_LANE_LINK = 0, CHANNEL_LANE_BULK = 1 };

/* Parts a node plays; bits, may be combined. Statements, not facts. */
enum {
    CHANNEL_ROLE_VALIDATOR = 1,
    CHANNEL_ROLE_PROVIDER = 2,
    CHANNEL_ROLE_BUYER = 4
};

#define CHANNEL_HANDSHAKE_US 5000000u /* deadline for all three messages */
/* A network that comes back is not noticed by connections that have given their
 * packets longer and longer waits: those go, new ones are there at once. */
#define CHANNEL_IDLE_US  10000000u /* silence that ends a channel */
#define CHANNEL_PING_US  3000000u  /* between pings once settled */
#define CHANNEL_REKEY_US 3600000000u
#define CHANNEL_REKEY_FRAMES                                                   \
    (1u << 20)                 /* a peer that sends more is refused            \
                                */
#define CHANNEL_PINGS_MAX 600u /* of a peer per CHANNEL_IDLE_US */

/* What a node says of itself in its hello. id, not_after_ms and signature are
 * proven; the rest is the peer's word. */
struct channel_identity {
    struct pubkey id;              /* the node's ed25519 key */
    uint64_t not_after_ms;         /* unix; the statement holds until then */
    struct signature signature;    /* over the transport key */
    uint32_t roles;                /* CHANNEL_ROLE_* */
    uint64_t height;               /* of its chain's tip */
    char listen[CHANNEL_ADDR_MAX]; /* "host:port" of links, or "" */
    char bulk[CHANNEL_ADDR_MAX];   /* "host:port" of bulk transfers, or "" */
    char agent[CHANNEL_AGENT_MAX]; /* program and version */
};

/* Fills id, not_after_ms and signature: the signer's statement that the
 * transport key `static_public` is its own on this chain until then. Signed
 * is sign_digest(HASH_TAG_NOISE, chain, "suan-noise-static-v1" || key || u64 LE
 * not_after_ms). Errors are the signer's. */
MUST_USE enum err channel_statement_sign(
    struct channel_identity *identity, const struct signer *signer,
    const struct hash *chain, const uint8_t static_public[NOISE_KEY_LEN],
    uint64_t not_after_ms);
/* ERR_EXPIRED, ERR_SIGNATURE. */
MUST_USE enum err channel_statement_check(
    const struct channel_identity *identity, const struct hash *chain,
    const uint8_t static_public[NOISE_KEY_LEN], uint64_t unix_ms);

/* The hello and the offer as bytes. Decoding refuses what mp.h refuses;
 * addresses and agent hold printable ASCII only (ERR_RANGE). */
void channel_hello_encode(const struct channel_identity *identity,
                          struct buf *out);
MUST_USE enum err channel_hello_decode(struct bytes bytes,
                                       struct channel_identity *out);

struct channel_offer {
    uint64_t version_min;
    uint64_t version_max;
    struct hash chain;
    uint64_t lane;
};
void channel_offer_encode(const struct channel_offer *offer, struct buf *out);
MUST_USE enum err channel_offer_decode(struct bytes bytes,
                                       struct channel_offer *out);

struct channel_config {
    bool initiator;
    enum channel_lane lane;
    struct hash chain;            /* id of the chain: hash of its genesis */
    const uint8_t *static_secret; /* NOISE_KEY_LEN bytes, copied */
    const struct channel_identity *self; /* copied */
    const struct pubkey *expected;       /* who has to answer; NULL: anyone */
    /* Fills out; never fails. */
    void (*random)(void *ctx, uint8_t *out, size_t len);
    /* Called once, when the peer has proven who it is and before anything
     * further is sent to it; an error ends the channel with that error. May
     * be NULL. */
    enum err (*admit)(void *ctx, const struct channel_identity *peer);
    void *ctx;             /* of the two above */
    uint64_t now_us;       /* start of the handshake deadline */
    uint64_t unix_ms;      /* against which not_after_ms is read */
    size_t out_max;        /* cap on bytes waiting in the channel; 0: 8 MiB */
    uint64_t rekey_frames; /* 0: a little below CHANNEL_REKEY_FRAMES, which is
                              also the most */
};

enum channel_event_kind {
    CHANNEL_EVENT_NONE, /* the input is used up */
    CHANNEL_EVENT_UP,   /* identity is valid; frames may be sent */
    CHANNEL_EVENT_FRAME,
    CHANNEL_EVENT_OVER /* the last event of a channel */
};

struct channel_event {
    enum channel_event_kind kind;
    uint8_t type;         /* FRAME: >= CHANNEL_TYPE_APP */
    struct bytes payload; /* FRAME: lent until the next call on the channel */
    enum err err;         /* OVER: why */
    bool by_peer;         /* OVER: the peer said so, with an authenticated
                             CLOSE (or, while opening, with a hint) */
};

/* The initiator's message 1 is waiting in the output at once. ERR_NOMEM. */
MUST_USE enum err channel_new(const struct channel_config *config,
                              struct channel **out);
/* Wipes and frees; NULL is fine. */
void channel_free(struct channel *channel);

/* Reads from *in, advancing it, up to one event. Call again until the kind is
 * NONE. OVER carries, among others: ERR_CHAIN (the peer is on another chain),
 * ERR_VERSION, ERR_KIND (wrong lane or type), ERR_TOO_LARGE, ERR_HANDSHAKE,
 * ERR_SIGNATURE, ERR_EXPIRED, ERR_PEER_ID, ERR_DECRYPT, ERR_RATE, what `admit`
 * said, or what the peer's CLOSE said (ERR_CLOSED for a friendly one). */
void channel_step(struct channel *channel, struct bytes *in, uint64_t now_us,
                  struct channel_event *out_event);

/* To be called a few times a second: sends pings, changes keys, ends a
 * channel past its deadline or silent for too long (ERR_TIMEOUT). */
void channel_tick(struct channel *channel, uint64_t now_us,
                  struct channel_event *out_event);

/* The stream has ended. OVER with ERR_CLOSED while opening and with
 * ERR_TRUNCATED when up (no CLOSE came: a crash, a broken network or a third
 * party); NONE when the channel was over before. */
void channel_end(struct channel *channel, struct channel_event *out_event);

/* Queues one frame. type >= CHANNEL_TYPE_APP and being up are CHECKed.
 * ERR_TOO_LARGE above LIMIT_MESSAGE_BYTES, ERR_SLOW when the output would
 * exceed out_max, ERR_CLOSED when over, ERR_NOMEM; nothing is queued then. */
MUST_USE enum err channel_send(struct channel *channel, uint8_t type,
                               struct bytes payload);

/* Queues a CLOSE with the reason (OK: a friendly one) if the channel is up;
 * afterwards it is over and yields no event. */
void channel_close(struct channel *channel, enum err why);

/* Bytes waiting to be written to the stream. */
size_t channel_out_len(const struct channel *channel);
/* Moves them to `out`, which must be empty (CHECKed), by exchanging memory. */
void channel_out_take(struct channel *channel, struct buf *out);

bool channel_is_up(const struct channel *channel);
bool channel_is_over(const struct channel *channel);
/* Valid once up; lent as long as the channel lives. */
const struct channel_identity *channel_peer(const struct channel *channel);
/* The handshake's hash, equal on both sides and never twice: requests may be
 * bound to it. Valid once up. */
struct bytes channel_binding(const struct channel *channel);

struct channel_stats {
    uint64_t frames_in, frames_out; /* sealed ones */
    uint64_t bytes_in, bytes_out;   /* of the stream */
    uint32_t rtt_us;                /* smoothed by 1/8; 0: not measured yet */
    uint32_t rtt_min_us;            /* least ever; 0: not measured yet */
    uint32_t rtt_last_us;           /* of the last pong */
    uint32_t pongs;                 /* that answered the newest ping */
    uint32_t late; /* pings not answered when the next was due, 3 s later */
};
struct channel_stats channel_stats(const struct channel *channel);

#endif
