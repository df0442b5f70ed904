#ifndef SCHED_INDEX_LANES_H
#define SCHED_INDEX_LANES_H

/* The figures of a block's 64 places lie side by side, and are compared with
 * one bound all at once: the answer is a word, a bit for each.
 *
 * An amount has a code of 16 bits that never falls when the amount grows, and
 * tells two apart that differ by a fifth of a percent: below 1,024 any two. */

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define LANES 64u

static inline uint16_t amount_code(uint64_t amount)
{
    if (amount == 0)
        return 0;
    unsigned top = 63u - (unsigned)__builtin_clzll(amount);
    uint64_t digits = top >= 9 ? amount >> (top - 9) : amount << (9 - top);
    return (uint16_t)((top + 1) << 9 | (digits & 511));
}

/* The most that has this code. */
static inline uint64_t amount_code_most(uint16_t code)
{
    unsigned top = code >> 9;
    uint64_t digits = UINT64_C(512) | (code & 511);
    if (top == 0)
        return 0;
    if (top <= 10)
        return digits >> (10 - top);
    return (digits << (top - 10)) | ((UINT64_C(1) << (top - 10)) - 1);
}

/* Which of 64 codes are at least `least`, and which are just that: one after
 * the other. */
static inline uint64_t lanes_compare_plain(const uint16_t codes[LANES],
                                           uint16_t least, uint64_t *out_same)
{
    uint64_t bits = 0;
    uint64_t same = 0;
    for (unsigned i = 0; i < LANES; i++) {
        bits |= (uint64_t)(codes[i] >= least) << i;
        same |= (uint64_t)(codes[i] == least) << i;
    }
    *out_same = same;
    return bits;
}

#if defined(__SSE2__) /* every x86-64 has it */
/* least - code, cut at zero, is zero where the code is not below it. */
static inline __m128i lanes_eight(const uint16_t *codes, __m128i least)
{
    __m128i eight = _mm_loadu_si128((const __m128i *)(const void *)codes);
    return _mm_cmpeq_epi16(_mm_subs_epu16(least, eight), _mm_setzero_si128());
}

static inline __m128i lanes_equal(const uint16_t *codes, __m128i least)
{
    __m128i eight = _mm_loadu_si128((const __m128i *)(const void *)codes);
    return _mm_cmpeq_epi16(least, eight);
}

static inline uint64_t lanes_compare(const uint16_t codes[LANES],
                                     uint16_t least, uint64_t *out_same)
{
    __m128i all = _mm_set1_epi16((short)least);
    uint64_t bits = 0;
    uint64_t same = 0;
    for (unsigned i = 0; i < LANES; i += 16) {
        __m128i both = _mm_packs_epi16(lanes_eight(&codes[i], all),
                                       lanes_eight(&codes[i + 8], all));
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(both) << i;
        both = _mm_packs_epi16(lanes_equal(&codes[i], all),
                               lanes_equal(&codes[i + 8], all));
        same |= (uint64_t)(uint32_t)_mm_movemask_epi8(both) << i;
    }
    *out_same = same;
    return bits;
}
#else
static inline uint64_t lanes_compare(const uint16_t codes[LANES],
                                     uint16_t least, uint64_t *out_same)
{
    return lanes_compare_plain(codes, least, out_same);
}
#endif

static inline uint64_t lanes_at_least(const uint16_t codes[LANES],
                                      uint16_t least)
{
    uint64_t same;
    return lanes_compare(codes, least, &same);
}

#endif
