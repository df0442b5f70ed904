#ifndef NODE_NET_NOISE_H
#define NODE_NET_NOISE_H

/* Noise_XX_25519_ChaChaPoly_BLAKE2b (noiseprotocol.org, revision 34): one
 * pattern, one suite, no negotiation, built from libsodium primitives. It does
 * no input or output: messages go in and come out as bytes, the caller frames
 * them and brings the ephemeral secret, so that a run can be replayed.
 *
 *   XX:  -> e      <- e, ee, s, es      -> s, se
 *
 * Every secret lives in the structs below; noise_done and noise_cipher_done
 * wipe them. */

#include "base/bytes.h"

enum {
    NOISE_KEY_LEN = 32,  /* X25519 keys and cipher keys */
    NOISE_HASH_LEN = 64, /* BLAKE2b-512 */
    NOISE_TAG_LEN = 16,  /* Poly1305 */
    NOISE_MESSAGE_COUNT = 3,
    NOISE_MESSAGE_MAX = 65535 /* the specification's cap on one message */
};

/* A key and its 64-bit nonce counter: one direction of a connection. */
struct noise_cipher {
    uint8_t key[NOISE_KEY_LEN];
    uint64_t nonce; /* of the next message; 2^64-1 is never used */
    bool keyed;
};

/* out receives plain.len + NOISE_TAG_LEN bytes (plain.len when not keyed) and
 * may be the same memory as plain. ERR_OVERFLOW when the nonces are used up. */
MUST_USE enum err noise_seal(struct noise_cipher *cipher, struct bytes ad,
                             struct bytes plain, uint8_t *out);
/* The reverse; out receives sealed.len - NOISE_TAG_LEN bytes and may alias.
 * ERR_OVERFLOW, ERR_DECRYPT (also for fewer than NOISE_TAG_LEN bytes). After
 * ERR_DECRYPT out is zeroed or untouched and the connection has to end. */
MUST_USE enum err noise_open(struct noise_cipher *cipher, struct bytes ad,
                             struct bytes sealed, uint8_t *out);
/* The specification's REKEY: a new key, the nonce goes on. */
void noise_rekey(struct noise_cipher *cipher);
void noise_cipher_done(struct noise_cipher *cipher);

struct noise {
    struct noise_cipher cipher;
    uint8_t chaining[NOISE_HASH_LEN];
    uint8_t hash[NOISE_HASH_LEN]; /* of the transcript so far */
    uint8_t static_secret[NOISE_KEY_LEN];
    uint8_t static_public[NOISE_KEY_LEN];
    uint8_t ephemeral_secret[NOISE_KEY_LEN];
    uint8_t ephemeral_public[NOISE_KEY_LEN];
    uint8_t remote_static[NOISE_KEY_LEN]; /* known after message 2 or 3 */
    uint8_t remote_ephemeral[NOISE_KEY_LEN];
    bool initiator;
    unsigned next; /* message about to be written or read, 0..3 */
};

/* Public key of an X25519 secret. */
void noise_public_key(const uint8_t secret[NOISE_KEY_LEN],
                      uint8_t out[NOISE_KEY_LEN]);

/* Both secrets are copied. The prologue must be equal on both sides or
 * message 2 does not open. */
void noise_init(struct noise *noise, bool initiator, struct bytes prologue,
                const uint8_t static_secret[NOISE_KEY_LEN],
                const uint8_t ephemeral_secret[NOISE_KEY_LEN]);
void noise_done(struct noise *noise);

/* Whether the next message is ours to write; false as well when all three have
 * passed. */
bool noise_is_our_turn(const struct noise *noise);
bool noise_is_finished(const struct noise *noise);

/* Appends the next message with `payload` inside. The payload of message 1
 * travels in the clear, of message 2 and 3 encrypted. Turn is CHECKed.
 * ERR_HANDSHAKE when a shared secret is zero (the peer sent a point of low
 * order), ERR_TOO_LARGE, or what `out` says. After an error the handshake is
 * over. */
MUST_USE enum err noise_write(struct noise *noise, struct bytes payload,
                              struct buf *out);
/* Reads the next message; out_payload is cleared and receives the payload.
 * ERR_TRUNCATED, ERR_TOO_LARGE, ERR_DECRYPT, ERR_HANDSHAKE as above. */
MUST_USE enum err noise_read(struct noise *noise, struct bytes message,
                             struct buf *out_payload);

/* The two transport ciphers; finished is CHECKed. noise->hash is then the
 * channel binding of this connection. The handshake's keys are wiped. */
void noise_split(struct noise *noise, struct noise_cipher *out_send,
                 struct noise_cipher *out_receive);

#endif
