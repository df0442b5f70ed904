#ifndef LEDGER_SX_SX_MSG_H
#define LEDGER_SX_SX_MSG_H

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
 *   STATUS     epoch u64 | view u64 | final_view u64 | height u64 | base u64
 *              | cert blob (the highest certificate the sender holds in this
 *              epoch, may be empty). It has the blocks base + 1 .. height.
 *   GET_CERTS  epoch u64 | from u64 | to u64: the certificates of these views;
 *              answered with at most SX_CERTS_MAX CERTs
 *   GET_BLOCK  hash 32
 *   BLOCK      the block's bytes
 *   GET_FINALS height u64: runs from this height on
 *   FINALS     height u64 (the sender's tip) | n u16 | n x header | cert blob |
 *              n blocks as blobs, or nothing: a run, linked headers upwards,
 *              the last of them decided by the finalize certificate. Small runs
 *              travel with their blocks, SX_WHOLE_BYTES of them at most.
 *   LINK       key 32 | sig 64: a validator's key speaks on this link; the
 *              signature is over sign_digest(HASH_TAG_LINK, chain, the sender's
 *              link key), so that nobody else can say it
 *   GET_STEPS  ask u32 | epoch u64: the ends of this epoch and the next ones
 *   STEPS      ask u32 | last u64 | n u8 | n x step blob | m u8 | m x hash 32
 *              last: the last epoch that has ended at the sender. Steps as in a
 *              proof file (light.h), of the epochs asked for, ascending; as
 *              many as the sender likes. When the last of them is of epoch
 *              `last`, the peaks of the history before that block follow, the
 *              highest first; else m is 0.
 *   GET_PAGES  ask u32 | epoch u64 | n u8 | n x (depth/4 u8 | prefix): pages of
 *              the state tree as it was when this epoch ended
 *   PAGES      ask u32 | epoch u64 | n u8 | n x page blob: the first n of those
 *              asked for. epoch: the last that has ended at the sender; when it
 *              is another than asked for, or the sender has no time now, n is
 *              0. A page: page_len u16 | page (smt.h) | for each of its leaves
 *              upwards: key_len u16 | state table u8 and key | value_len u16
 *              | value
 * ask is the asker's own number: an answer says which question it answers. */

#include "ledger/block.h"
#include "ledger/cert.h"

#define SX_NULLS_MAX  16u /* in one proposal */
#define SX_CERTS_MAX  64u /* in answer to one GET_CERTS */
#define SX_RUN_MAX    32u /* headers of one FINALS */
#define SX_RUNS_MAX   8u  /* FINALS in answer to one GET_FINALS */
#define SX_STEPS_MAX  16u /* in one STEPS */
#define SX_PEAKS_MAX  64u
#define SX_PAGES_MAX  64u           /* in one GET_PAGES */
#define SX_SYNC_BYTES (512u * 1024) /* of one STEPS or PAGES */
#define SX_WHOLE_BYTES                                                         \
    8192u /* runs up to this size travel with their blocks; no others          \
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
    SX_MSG_GET_STEPS = 11,
    SX_MSG_STEPS = 12,
    SX_MSG_GET_PAGES = 13,
    SX_MSG_PAGES = 14,
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
    uint64_t epoch;       /* STATUS, GET_CERTS, GET_STEPS, GET_PAGES, PAGES;
                             STEPS: last */
    uint64_t view;        /* STATUS; GET_CERTS: from */
    uint64_t to;          /* GET_CERTS */
    uint64_t final_view;  /* STATUS */
    uint64_t height;      /* STATUS, GET_FINALS, FINALS */
    uint64_t base;        /* STATUS */
    struct hash id;       /* GET_BLOCK */
    struct bytes headers; /* FINALS: n x HEADER_BYTES */
    uint32_t header_count;
    struct bytes blocks[SX_RUN_MAX]; /* FINALS; block_count is 0 or n */
    uint32_t block_count;
    struct pubkey key;    /* LINK */
    struct signature sig; /* LINK */
    uint32_t ask;         /* GET_STEPS, STEPS, GET_PAGES, PAGES */
    /* STEPS: steps; GET_PAGES: keys of pages; PAGES: pages with records */
    struct bytes items[SX_PAGES_MAX];
    uint32_t item_count;
    struct bytes peaks; /* STEPS: m x 32 */
    /* Not on the wire, see struct sx_event. */
    bool txs_verified;
    const struct hash *tx_ids;
};

/* One page of PAGES with its records, in the order of its leaves; lent. */
struct sx_page_item {
    struct bytes page;
    struct bytes keys[16]; /* state table u8 | key */
    struct bytes values[16];
    uint32_t count; /* of leaves */
};
/* Lengths and counts only: ERR_TRUNCATED, ERR_TRAILING, ERR_RANGE. */
MUST_USE enum err sx_page_item_decode(struct bytes bytes,
                                      struct sx_page_item *out);
void sx_page_item_encode(const struct sx_page_item *item, struct buf *out);

/* ERR_TRUNCATED, ERR_TRAILING, ERR_KIND (tag, vote kind), ERR_RANGE (counts,
 * lengths, views), what vote_decode refuses. */
MUST_USE enum err sx_msg_decode(struct bytes bytes, struct sx_msg *out);
/* The inverse: encode(decode(b)) == b. */
void sx_msg_encode(const struct sx_msg *msg, struct buf *out);

#endif
