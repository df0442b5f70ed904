#ifndef BASE_AMOUNT_H
#define BASE_AMOUNT_H

/* Money in micro-credits. One field, so that an integer is never mistaken for
 * money; every sum is checked. Outside base/amount.c nobody touches `.micro`
 * except to encode, decode, compare with zero or print (tests/lint/money.sh).
 */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMOUNT_MICRO_PER_CREDIT 1000000u

struct amount {
    uint64_t micro;
};

static inline struct amount amount_micro(uint64_t micro)
{
    return (struct amount){micro};
}
static inline bool amount_is_zero(struct amount a)
{
    return a.micro == 0;
}
/* The micro-credits as a plain figure: to be ordered or shown, never to be
 * computed with. */
static inline uint64_t amount_figure(struct amount a)
{
    return a.micro;
}

/* a + b; ERR_OVERFLOW. out may alias. Written only on OK, as everywhere. */
MUST_USE enum err amount_add(struct amount a, struct amount b,
                             struct amount *out);
/* a - b; ERR_UNDERFLOW. */
MUST_USE enum err amount_sub(struct amount a, struct amount b,
                             struct amount *out);
/* a * n; ERR_OVERFLOW. */
MUST_USE enum err amount_mul(struct amount a, uint64_t n, struct amount *out);
/* ceil(a * num / den) with a 128-bit product; den > 0 is CHECKed;
 * ERR_OVERFLOW when the result does not fit. */
MUST_USE enum err amount_scale_up(struct amount a, uint64_t num, uint64_t den,
                                  struct amount *out);
/* <0, 0, >0 */
int amount_cmp(struct amount a, struct amount b);
struct amount amount_min(struct amount a, struct amount b);

#define AMOUNT_TEXT_MAX 24
/* "12.345678": decimals in credits, trailing zeros cut to at least two places
 * ("3.00", "0.000001"). Writes at most AMOUNT_TEXT_MAX bytes with the zero. */
void amount_format(struct amount a, char out[AMOUNT_TEXT_MAX]);
/* Reads "12", "12.5", "0.000001": no sign, no exponent, at most six decimals.
 * ERR_PARSE, ERR_OVERFLOW. */
MUST_USE enum err amount_parse(const char *text, struct amount *out);

#endif
