#ifndef LEDGER_SX_MSG_H
#define LEDGER_SX_MSG_H

/* What consensus cores say to each other, inside the authenticated links. Fixed
 * little-endian layouts, first byte the tag; a blob is len u32 | bytes.
 *
 *   PROPOSE    vote | parent cert blob | n u8 | n x null cert blob | block blob
 *              vote: the leader's notarize vote. The parent certificate
 *              (notarize or finalize, of view vote.parent_view) is empty when
 *              parent_view is 0. The null certificates are those of the views
 *              in between, ascending. The block is empty when the parent's
 *              block is proposed again.
 *   VOTE       vote
 *   CERT       cert
 *   STATUS     epoch u64 | view u64 | final_view u64 | height u64 | cert blob
 *              (the highest certificate the sender holds in this epoch, may be
 *              empty)
 *   GET_CERTS  epoch u64 | from u64 | to u64: the certificates of these views;
 *              answered with at most SX_CERTS_MAX CERTs
 *   GET_BLOCK  hash 32
 *   BLOCK      the block's bytes
 *   GET_FINALS height u64: runs from this height on
 *   FINALS     height u64 (the sender's tip) | n u16 | n x header | cert blob |
 *              n blocks as blobs, or nothing: a run, linked headers upwards,
 *              the last of them decided by the finalize certificate. Small runs
 *              travel with their blocks.
 *   LINK       key 32 | sig 64: a validator's key speaks on this link; the
 *              signature is over sign_digest(HASH_TAG_LINK, chain, the sender's
 *              link key), so that nobody else can say it */

#include "ledger/block.h"
#include "ledger/cert.h"

#define SX_NULLS_MAX 16u /* in one proposal */
#define SX_CERTS_MAX 64u /* in answer to one GET_CERTS */
#define SX_RUN_MAX   32u /* headers of one FINALS */
#define SX_RUNS_MAX  8u  /* FINALS in answer to one GET_FINALS */
#define SX_WHOLE_BYTES                                                         \
    8192u /* runs up to this size travel with their blocks                     \
           */

enum sx_tag {
    SX_MSG_PROPOSE = 1,
    SX_MSG_VOTE = 2,
    SX_MSG_CERT = 3,
    SX_MSG_STATUS = 4,
    SX_MSG_GET_CERTS = 5,
    SX_MSG_GET_BLOCK = 6,
    SX_MSG_BLOCK = 7,
    SX_MSG_GET_FINALS = 8,
    SX_MSG_FINALS = 9,
    SX_MSG_LINK = 10,
};

/* One message, decoded; the fields of its tag are set. Slices are lent from the
 * message's bytes; certificates and headers in them have not been looked into.
 */
struct sx_msg {
    enum sx_tag tag;
    struct vote vote;  /* PROPOSE, VOTE */
    struct bytes cert; /* PROPOSE (parent), CERT, STATUS, FINALS */
    struct bytes nulls[SX_NULLS_MAX]; /* PROPOSE */
    uint32_t null_count;
    struct bytes block;   /* PROPOSE, BLOCK */
    uint64_t epoch;       /* STATUS, GET_CERTS */
    uint64_t view;        /* STATUS; GET_CERTS: from */
    uint64_t to;          /* GET_CERTS */
    uint64_t final_view;  /* STATUS */
    uint64_t height;      /* STATUS, GET_FINALS, FINALS */
    struct hash id;       /* GET_BLOCK */
    struct bytes headers; /* FINALS: n x HEADER_BYTES */
    uint32_t header_count;
    struct bytes blocks[SX_RUN_MAX]; /* FINALS; block_count is 0 or n */
    uint32_t block_count;
    struct pubkey key;    /* LINK */
    struct signature sig; /* LINK */
    /* Not on the wire, see struct sx_event. */
    bool txs_verified;
    const struct hash *tx_ids;
};

/* ERR_TRUNCATED, ERR_TRAILING, ERR_KIND (tag, vote kind), ERR_RANGE (counts,
 * lengths, views), what vote_decode refuses. */
MUST_USE enum err sx_msg_decode(struct bytes bytes, struct sx_msg *out);
/* The inverse: encode(decode(b)) == b. */
void sx_msg_encode(const struct sx_msg *msg, struct buf *out);

#endif
