#ifndef BASE_HASH_H
#define BASE_HASH_H

/* BLAKE2b-256 with a domain tag. Nothing in Suan is hashed or signed without a
 * tag that says what it is, so bytes of one kind never pass for another. */

#include "base/bytes.h"

#define HASH_LEN 32

struct hash {
    uint8_t b[HASH_LEN];
};

/* The domain tags, all of them, at most 16 bytes each (BLAKE2b `personal`,
 * zero padded). One table, so that no two rooms pick the same. */
#define HASH_TAG_HEADER   "sx-hdr"
#define HASH_TAG_LINK     "sx-link" /* a validator speaks on this link */
#define HASH_TAG_VOTE     "sx1"
#define HASH_TAG_KEY      "sx-key"
#define HASH_TAG_VALUE    "sx-val"
#define HASH_TAG_NODE     "sx-node"
#define HASH_TAG_MMR      "sx-mmr"
#define HASH_TAG_MERKLE   "sx-merkle"
#define HASH_TAG_TX       "suan-tx"
#define HASH_TAG_RESULT   "suan-result"
#define HASH_TAG_GENESIS  "suan-genesis"
#define HASH_TAG_SET      "suan-set"
#define HASH_TAG_PARAMS   "suan-params"
#define HASH_TAG_BOND     "suan-bond" /* also: a validator knows its owner */
#define HASH_TAG_EVIDENCE "suan-evidence"
#define HASH_TAG_OFFER    "suan-offer"
#define HASH_TAG_LINKS    "suan-links"
#define HASH_TAG_REQUEST  "suan-request"
#define HASH_TAG_APPROVAL "suan-approval"
#define HASH_TAG_QUOTE    "suan-quote"
#define HASH_TAG_RECEIPT  "suan-receipt"
#define HASH_TAG_CONTRACT "suan-contract"
#define HASH_TAG_SPEC     "suan-spec"
#define HASH_TAG_GRAPH    "suan-graph"
#define HASH_TAG_CHUNK    "suan-chunk"
#define HASH_TAG_BLOB     "suan-blob"
#define HASH_TAG_NOISE    "suan-noise"   /* node vouches for its static key */
#define HASH_TAG_PRODUCT  "suan-product" /* inputs of a challenge */
#define HASH_TAG_ANSWER   "suan-answer"  /* a challenge's answer */
#define HASH_TAG_CHIP     "suan-chip"    /* a chip's number, salted */
#define HASH_TAG_IDENT    "suan-ident"   /* a registration code */
#define HASH_TAG_KEYFILE  "suan-keyfile" /* checksum of a wallet file */
#define HASH_TAG_MODEL    "suan-model"   /* checksum of learned weights */

/* out = BLAKE2b-256(personal = tag, data). */
void hash_bytes(const char *tag, struct bytes data, struct hash *out);

/* out = BLAKE2b-128 likewise: another function, not half of the above. */
#define HASH16_LEN 16
void hash16_bytes(const char *tag, struct bytes data, uint8_t out[HASH16_LEN]);

/* BLAKE2b-256 over several pieces, as if they were joined. Opaque inside: 384
 * bytes are what libsodium's state needs. */
struct hasher {
    _Alignas(64) uint8_t state[384];
};
void hasher_init(struct hasher *hasher, const char *tag);
/* Keyed, as the state tree's paths are (docs/protocol.md). key is 32 bytes. */
void hasher_init_keyed(struct hasher *hasher, const char *tag,
                       const struct hash *key);
void hasher_add(struct hasher *hasher, struct bytes data);
void hasher_add_u64(struct hasher *hasher, uint64_t value); /* as u64 LE */
void hasher_finish(struct hasher *hasher, struct hash *out);

bool hash_equal(const struct hash *a, const struct hash *b);
bool hash_is_zero(const struct hash *a);
int hash_compare(const struct hash *a, const struct hash *b);
struct bytes hash_as_bytes(const struct hash *a); /* lent: points into a */

#define HASH_TEXT_MAX 65
void hash_format(const struct hash *a, char out[HASH_TEXT_MAX]);
/* 64 hex digits; ERR_PARSE. */
MUST_USE enum err hash_parse(const char *text, struct hash *out);

#endif
