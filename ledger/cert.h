#ifndef LEDGER_CERT_H
#define LEDGER_CERT_H

/* A certificate: votes of one kind on one proposal by a quorum of weight.
 *
 * Bytes, little-endian:
 *   kind u8 | epoch u64 | view u64 | parent_view u64 | block 32 | n u16
 *   | bitmap ceil(n/8) (bit i of byte i/8, from the lowest) | sigs 64 each,
 *   in index order
 * n is the size of the epoch's set and bits past it are zero. Two nodes may
 * hold different certificates of one block (other signers): nothing may be
 * derived from their bytes. */

#include "ledger/validators.h"
#include "ledger/vote.h"

#define CERT_BITMAP_MAX ((LIMIT_VALIDATORS + 7u) / 8u)
#define CERT_BYTES_MAX                                                         \
    (VOTE_SIGNED_BYTES + 2u + CERT_BITMAP_MAX + 64u * LIMIT_VALIDATORS)

struct cert {
    enum vote_kind kind;
    struct proposal on;
    uint16_t n;
    uint8_t bitmap[CERT_BITMAP_MAX];
    uint16_t sig_count;
    struct signature sigs[LIMIT_VALIDATORS]; /* the signers' in index order */
};

/* An empty certificate for a set of n. */
void cert_init(struct cert *cert, enum vote_kind kind,
               const struct proposal *on, uint16_t n);
/* Adds a verified vote. ERR_EXISTS when the signer is in already, ERR_RANGE
 * when it is past n, ERR_KIND when kind or proposal differ. */
MUST_USE enum err cert_add(struct cert *cert, const struct vote *vote);
/* The weight of the signers, without looking at signatures. */
uint64_t cert_weight(const struct cert *cert, const struct validators *set);
/* The whole check, in this order: ERR_RANGE (n is not the set's size),
 * ERR_QUORUM (weight), ERR_SIGNATURE. Pure, any thread. */
MUST_USE enum err cert_verify(const struct cert *cert,
                              const struct validators *set,
                              const struct hash *chain);
void cert_encode(const struct cert *cert, struct buf *out);
/* Form only. ERR_TRUNCATED, ERR_TRAILING, ERR_KIND, ERR_RANGE,
 * ERR_NOT_CANONICAL (a bit past n, a nullify that names a block). */
MUST_USE enum err cert_decode(struct bytes bytes, struct cert *out);

#endif
