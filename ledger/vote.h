#ifndef LEDGER_VOTE_H
#define LEDGER_VOTE_H

/* A vote: one validator's signed word on a view of an epoch.
 *
 * Bytes, little-endian, VOTE_BYTES long:
 *   kind u8 | epoch u64 | view u64 | parent_view u64 | block 32 | index u16
 *   | sig 64
 * and the signature is over sign_digest(HASH_TAG_VOTE, chain, the first
 * VOTE_SIGNED_BYTES bytes): so neither a transaction nor a handshake nor a vote
 * of another chain can pass for it. */

#include "base/limits.h"
#include "base/sign.h"

#define VOTE_SIGNED_BYTES (1u + 8u + 8u + 8u + 32u)
#define VOTE_BYTES        (VOTE_SIGNED_BYTES + 2u + 64u)

enum vote_kind {
    VOTE_NOTARIZE = 1, /* this proposal may be built on */
    VOTE_NULLIFY = 2,  /* nothing of this view shall be final */
    VOTE_FINALIZE = 3, /* this proposal is decided */
};

/* What is voted on: block `id`, proposed in (epoch, view) on the parent of
 * parent_view (0: the epoch's root). For nullify parent_view and id are zero.
 */
struct proposal {
    uint64_t epoch;
    uint64_t view; /* >= 1, > parent_view */
    uint64_t parent_view;
    struct hash id;
};

struct vote {
    enum vote_kind kind;
    struct proposal on;
    uint16_t index; /* of the signer in the epoch's validators */
    struct signature sig;
};

/* The digest all votes of this kind on this proposal sign. */
void vote_digest(enum vote_kind kind, const struct proposal *on,
                 const struct hash *chain, struct hash *out);
/* Signs; the caller has made sure that it may (docs/consensus.md: one place
 * signs). What the signer refuses. */
MUST_USE enum err vote_sign(enum vote_kind kind, const struct proposal *on,
                            uint16_t index, const struct hash *chain,
                            const struct signer *signer, struct vote *out);
void vote_encode(const struct vote *vote, struct buf *out);
/* ERR_TRUNCATED, ERR_TRAILING, ERR_KIND, ERR_RANGE (view 0, parent_view not
 * below view, index past LIMIT_VALIDATORS), ERR_NOT_CANONICAL (a nullify that
 * names a block). */
MUST_USE enum err vote_decode(struct bytes bytes, struct vote *out);

#endif
