#ifndef SCHED_INDEX_LANES_H
#define SCHED_INDEX_LANES_H

/* The figures of a block's 64 places lie side by side, and are compared with
 * one bound all at once: the answer is a word, a bit for each.
 *
 * An amount is a code of 16 bits and a rest of 16 bits. The code never falls
 * when the amount grows; of two with one code the rest says the same. Below
 * 2^26 they are the amount; above, what is below its 26 leading bits is lost.
 */

#include <stdbool.h>
#include <stdint.h>

#define LANES 64u

static inline uint16_t amount_code(uint64_t amount)
{
    if (amount == 0)
        return 0;
    unsigned top = 63u - (unsigned)__builtin_clzll(amount);
    uint64_t digits = top >= 9 ? amount >> (top - 9) : amount << (9 - top);
    return (uint16_t)((top + 1) << 9 | (digits & 511));
}

static inline uint16_t amount_rest(uint64_t amount)
{
    if (amount < 1024) /* all of it is in the code */
        return 0;
    unsigned shift = 63u - (unsigned)__builtin_clzll(amount) - 9;
    uint64_t low = amount & ((UINT64_C(1) << shift) - 1);
    return (uint16_t)(shift > 16 ? low >> (shift - 16) : low);
}

/* May amounts of that code differ? */
static inline bool amount_has_rest(uint16_t code)
{
    return code >> 9 > 10;
}

/* Is an amount of that code known to the last digit? */
static inline bool amount_is_exact(uint16_t code)
{
    return code >> 9 <= 26;
}

/* The amount of a code that is exact. */
static inline uint64_t amount_of(uint16_t code, uint16_t rest)
{
    unsigned top = code >> 9;
    uint64_t digits = UINT64_C(512) | (code & 511);
    if (top == 0)
        return 0;
    return top <= 10 ? digits >> (10 - top) : digits << (top - 10) | rest;
}

/* Amounts by place. */
struct figures {
    uint16_t *codes;
    uint16_t *rests;
};

/* ---- over so many words of 64 places ---- */

/* Of the places in unsure[] those whose amount is less than `want`, whose code
 * is exact: they are added to fails[]. */
void lanes_short(const struct figures *own, const uint64_t *unsure,
                 uint32_t words, uint64_t want, uint64_t *fails);
/* The highest of the figures, codes or rests, of the places in among[]; 0 of
 * none. */
uint16_t lanes_highest(const uint16_t *figures, const uint64_t *among,
                       uint32_t words);
/* Takes out of among[] whose figure is another. */
void lanes_keep(const uint16_t *figures, uint16_t same, uint32_t words,
                uint64_t *among);

/* Of one word: which are at least `least`; which are just that. */
uint64_t lanes_compare(const uint16_t figures[LANES], uint16_t least,
                       uint64_t *out_same);

/* The ways there are, all with the same answers: the plain one, and as wide as
 * the processor allows. For tests: those past the last are as the widest. */
#define LANES_WAYS 4u
void lanes_choose(unsigned way);

#endif
