#ifndef NODE_METER_REPLY_H
#define NODE_METER_REPLY_H

/* Making answers to challenges, and checking them. */

#include "node/meter/meter.h"
#include "sched/meter/answer.h"

struct reply_order {
    struct hash nonce;
    uint32_t mask;  /* kernels: sha256, fp64, fp32, int8 */
    uint32_t n;     /* of products; the chain is n * 64 links */
    uint32_t index; /* which of several */
};

/* As an audit asks: `rounds` products of the order's first kernel, index 0 and
 * up, one after the other; a line of JSON with the hash of each, so that its
 * bytes need not be kept: whoever is asked for one makes it again. ERR_RANGE (a
 * kernel that makes no product), ERR_NOMEM, ERR_CANCELLED. */
MUST_USE enum err reply_rounds(const struct reply_order *order,
                               uint32_t rounds);

/* Does the work on one core, by the clock, and writes the file; a line of JSON
 * for each part. ERR_NOMEM, ERR_IO, ERR_FULL, ERR_EXISTS (never overwrites),
 * ERR_CANCELLED. */
MUST_USE enum err reply_make(const struct reply_order *order, const char *path);

/* Checks a file, a line of JSON for each part: its kernel, the rate it claims
 * and whether its result is right. nonce: the challenge it must answer, or NULL
 * to take the file's. ERR_NOT_FOUND, ERR_IO, ERR_NOMEM, what answer_decode
 * refuses, ERR_TERMS (another challenge), ERR_PROOF (a result is wrong; all are
 * checked). */
MUST_USE enum err reply_check(const char *path, const struct hash *nonce);

/* One part alone: ERR_PROOF when it is wrong, ERR_NOMEM. */
MUST_USE enum err reply_verify(const struct hash *nonce,
                               const struct answer_part *part);

#endif
