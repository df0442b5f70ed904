#ifndef SCHED_METER_ANSWER_H
#define SCHED_METER_ANSWER_H

/* An answer is what a machine made of a challenge: results that follow from the
 * challenge's nonce, each with the time that it is said to have taken. Whoever
 * asked checks the results; the times are believed only as far as the moment at
 * which the answer, or its hash, was there.
 *
 *   "suan-answer 1\n\0\0" 16 | nonce 32 | count u8 | count x part
 *   part   kernel u8 | n u32 | index u32 | cores u32 | took_us u64 | len u64 |
 *          result len
 *
 * A product's result is the matrix (sched/meter/product.h), a chain's of
 * SHA-256 its last link, n the number of links. */

#include "sched/meter/product.h"

#define ANSWER_PARTS_MAX 8u
#define ANSWER_BYTES_MAX (80u * 1024 * 1024)
#define ANSWER_LINKS_MAX (UINT32_C(1) << 22)

struct answer_part {
    enum meter_kernel kernel; /* METER_SHA256, or one of a product */
    uint32_t n;
    uint32_t index;
    uint32_t cores;
    uint64_t took_us;    /* said, not shown */
    struct bytes result; /* lent */
};
struct answer {
    struct hash nonce;
    uint32_t count;
    struct answer_part parts[ANSWER_PARTS_MAX];
};

/* The length that a result must have; 0 for a kernel or n that is not allowed.
 */
size_t answer_result_bytes(enum meter_kernel kernel, uint32_t n);
/* 2 n^3 operations, or bytes hashed. */
uint64_t answer_work(const struct answer_part *part);
/* Work over the time that was said; 0 when none was. */
uint64_t answer_rate(const struct answer_part *part);

/* Appends; the form is CHECKed. What stuck in the buf. */
MUST_USE enum err answer_encode(const struct answer *answer, struct buf *out);
/* Results are lent from the bytes. ERR_TOO_LARGE, ERR_KIND (another file),
 * ERR_TRUNCATED, ERR_RANGE, ERR_TRAILING. */
MUST_USE enum err answer_decode(struct bytes bytes, struct answer *out);

#endif
