#ifndef SCHED_METER_PRODUCT_H
#define SCHED_METER_PRODUCT_H

/* A product is what a challenge asks for: C = A B of two n x n matrices that
 * follow from a nonce, so that nobody can know it before the nonce is known.
 * Row by row, machine byte order little-endian, without gaps.
 *
 *   METER_INT8   A of u8, B of s8, C of s32: exact
 *   METER_FP32   A, B, C of binary32; inputs are the multiples of 2^-23 in
 *                [-1, 1), uniform
 *   METER_FP64   A, B, C of binary64; the multiples of 2^-52 likewise
 *
 * The inputs are splitmix64 seeded by the first 8 bytes of
 * H("suan-product", nonce | kernel u8 | n u32 | index u32 | 0 for A, 1 for B).
 *
 * Whether a product is right is found in O(n^2) (Freivalds): C r = A (B r) for
 * random r that who made C could not know. What r is depends on the kernel:
 *
 *   int8     r uniform in the field of p = 2^61 - 1, one vector. A wrong C is
 *            accepted with probability at most 1/p < 2^-60.
 *   floats   r of PRODUCT_ROUNDS = 40 vectors of signs, all of which must hold
 *            row by row within
 *
 *                bound_i = 32 u sqrt(n sum_j sum_k a_ik^2 b_kj^2)
 *
 *            u = 2^-24 or 2^-53. A sum of n products of independent terms of
 *            mean zero has partial sums of about sqrt(sum a^2 b^2), and n
 *            roundings of at most u times those, of random sign: an entry errs
 *            by about u sqrt(n sum a^2 b^2) / sqrt(2), and n entries of random
 *            sign by the root of the sum of their squares. The same holds for
 *            the check itself, which is in double. 32 standard deviations are
 *            room for what is not so independent; a right product in any order
 *            of summation is accepted.
 *            A row with an entry off by more than twice the bound fails each
 *            vector with probability of at least 1/2 (of two vectors that
 *            differ in the sign of this entry, one leaves the row at least as
 *            far off as the entry), so C is accepted with probability at most
 *            2^-40; if a single entry of the row is wrong, never. Twice the
 *            bound is 0.8 % of a typical entry at n = 2048 in fp32, less than
 *            what half precision or tf32 inputs lose.
 *
 * Floating point and malloc are used here: what is found is advice to whoever
 * asked, not a decision that nodes must agree on. */

#include "base/hash.h"
#include "sched/meter/kernel.h"

#define PRODUCT_N_MIN  16u
#define PRODUCT_N_MAX  2048u
#define PRODUCT_ROUNDS 40u

struct product {
    enum meter_kernel kernel; /* METER_INT8, METER_FP32 or METER_FP64 */
    uint32_t n;               /* a multiple of 16 */
    uint32_t index;           /* of several in one challenge */
};

/* ERR_RANGE: another kernel, or an n that is not allowed. */
MUST_USE enum err product_form(const struct product *product);
/* Bytes of an entry of A and B, and of C. */
size_t product_in_width(enum meter_kernel kernel);
size_t product_out_width(enum meter_kernel kernel);
/* n * n * product_out_width. */
size_t product_bytes(const struct product *product);

/* Fills A and B (n * n entries each, aligned for their type). The form is
 * CHECKed. */
void product_inputs(const struct product *product, const struct hash *nonce,
                    void *out_a, void *out_b);

/* Is `c` the product? seed: the checker's own chance, drawn after `c` was
 * fixed. ERR_RANGE (product_form, or another length than product_bytes),
 * ERR_NOMEM (30 MiB and less are needed), ERR_PROOF when it is not. */
MUST_USE enum err product_verify(const struct product *product,
                                 const struct hash *nonce, struct bytes c,
                                 uint64_t seed);

#endif
