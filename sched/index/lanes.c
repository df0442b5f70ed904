#include "sched/index/lanes.h"

#include "base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* The loops are written once and compiled for each way to compare 64 figures;
 * which one runs is asked of the processor when the first is needed. */
struct way {
    uint64_t (*compare)(const uint16_t *figures, uint16_t least,
                        uint64_t *out_same);
    void (*shorts)(const struct figures *own, const uint64_t *unsure,
                   uint32_t words, uint64_t want, uint64_t *fails);
    uint16_t (*highest)(const uint16_t *figures, const uint64_t *among,
                        uint32_t words);
    void (*keep)(const uint16_t *figures, uint16_t same, uint32_t words,
                 uint64_t *among);
};

/* A way's four loops. */
#define WAY(name, TARGET)                                                      \
    TARGET static void shorts_##name(const struct figures *own,                \
                                     const uint64_t *unsure, uint32_t words,   \
                                     uint64_t want, uint64_t *fails)           \
    {                                                                          \
        uint16_t code = amount_code(want);                                     \
        uint16_t rest = amount_rest(want);                                     \
        for (uint32_t i = 0; i < words; i++) {                                 \
            uint64_t same;                                                     \
            if (unsure[i] == 0)                                                \
                continue;                                                      \
            fails[i] |=                                                        \
                unsure[i] &                                                    \
                ~compare_##name(&own->codes[(size_t)i * LANES], code, &same);  \
            same &= unsure[i];                                                 \
            if (same == 0)                                                     \
                continue;                                                      \
            uint64_t both;                                                     \
            fails[i] |= same & ~compare_##name(&own->rests[(size_t)i * LANES], \
                                               rest, &both);                   \
        }                                                                      \
    }                                                                          \
    TARGET static uint16_t highest_##name(                                     \
        const uint16_t *figures, const uint64_t *among, uint32_t words)        \
    {                                                                          \
        uint16_t best = 0;                                                     \
        for (uint32_t i = 0; i < words && best < UINT16_MAX; i++) {            \
            const uint16_t *own = &figures[(size_t)i * LANES];                 \
            uint64_t same;                                                     \
            if (among[i] == 0)                                                 \
                continue;                                                      \
            uint64_t bits =                                                    \
                among[i] & compare_##name(own, (uint16_t)(best + 1), &same);   \
            for (; bits != 0; bits &= bits - 1) {                              \
                uint16_t figure = own[__builtin_ctzll(bits)];                  \
                best = figure > best ? figure : best;                          \
            }                                                                  \
        }                                                                      \
        return best;                                                           \
    }                                                                          \
    TARGET static void keep_##name(const uint16_t *figures, uint16_t same,     \
                                   uint32_t words, uint64_t *among)            \
    {                                                                          \
        for (uint32_t i = 0; i < words; i++) {                                 \
            uint64_t equal;                                                    \
            if (among[i] == 0)                                                 \
                continue;                                                      \
            (void)compare_##name(&figures[(size_t)i * LANES], same, &equal);   \
            among[i] &= equal;                                                 \
        }                                                                      \
    }                                                                          \
    static const struct way way_##name = {compare_##name, shorts_##name,       \
                                          highest_##name, keep_##name};

#define ANYWHERE

/* ---- one after the other ---- */

static uint64_t compare_plain(const uint16_t *figures, uint16_t least,
                              uint64_t *out_same)
{
    uint64_t bits = 0;
    uint64_t same = 0;
    for (unsigned i = 0; i < LANES; i++) {
        bits |= (uint64_t)(figures[i] >= least) << i;
        same |= (uint64_t)(figures[i] == least) << i;
    }
    *out_same = same;
    return bits;
}
WAY(plain, ANYWHERE)

#if defined(__x86_64__)

/* ---- eight at a time: every such processor ---- */

static uint64_t compare_eight(const uint16_t *figures, uint16_t least,
                              uint64_t *out_same)
{
    const __m128i *from = (const __m128i *)(const void *)figures;
    __m128i all = _mm_set1_epi16((short)least);
    __m128i zero = _mm_setzero_si128();
    uint64_t bits = 0;
    uint64_t same = 0;
    for (unsigned i = 0; i < LANES; i += 16, from += 2) {
        __m128i a = _mm_loadu_si128(from);
        __m128i b = _mm_loadu_si128(from + 1);
        /* least - figure, cut at zero, is zero where it is not below */
        __m128i above =
            _mm_packs_epi16(_mm_cmpeq_epi16(_mm_subs_epu16(all, a), zero),
                            _mm_cmpeq_epi16(_mm_subs_epu16(all, b), zero));
        __m128i equal =
            _mm_packs_epi16(_mm_cmpeq_epi16(all, a), _mm_cmpeq_epi16(all, b));
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(above) << i;
        same |= (uint64_t)(uint32_t)_mm_movemask_epi8(equal) << i;
    }
    *out_same = same;
    return bits;
}
WAY(eight, ANYWHERE)

/* ---- sixteen ---- */

#define SIXTEEN __attribute__((target("avx2,bmi")))

/* Packed halves interleave, so their quarters are put in order. */
SIXTEEN static inline uint64_t thirty_two_bits(__m256i a, __m256i b)
{
    __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8);
    return (uint32_t)_mm256_movemask_epi8(both);
}

SIXTEEN static uint64_t compare_sixteen(const uint16_t *figures, uint16_t least,
                                        uint64_t *out_same)
{
    const __m256i *from = (const __m256i *)(const void *)figures;
    __m256i all = _mm256_set1_epi16((short)least);
    uint64_t bits = 0;
    uint64_t same = 0;
    for (unsigned i = 0; i < LANES; i += 32, from += 2) {
        __m256i a = _mm256_loadu_si256(from);
        __m256i b = _mm256_loadu_si256(from + 1);
        bits |= thirty_two_bits(_mm256_cmpeq_epi16(_mm256_max_epu16(a, all), a),
                                _mm256_cmpeq_epi16(_mm256_max_epu16(b, all), b))
                << i;
        same |= thirty_two_bits(_mm256_cmpeq_epi16(a, all),
                                _mm256_cmpeq_epi16(b, all))
                << i;
    }
    *out_same = same;
    return bits;
}
WAY(sixteen, SIXTEEN)

/* ---- thirty-two ---- */

#define THIRTY_TWO __attribute__((target("avx512bw,bmi")))

THIRTY_TWO static uint64_t compare_thirty_two(const uint16_t *figures,
                                              uint16_t least,
                                              uint64_t *out_same)
{
    __m512i all = _mm512_set1_epi16((short)least);
    __m512i a = _mm512_loadu_si512(figures);
    __m512i b = _mm512_loadu_si512(figures + 32);
    *out_same = (uint64_t)_mm512_cmpeq_epu16_mask(a, all) |
                (uint64_t)_mm512_cmpeq_epu16_mask(b, all) << 32;
    return (uint64_t)_mm512_cmpge_epu16_mask(a, all) |
           (uint64_t)_mm512_cmpge_epu16_mask(b, all) << 32;
}
WAY(thirty_two, THIRTY_TWO)

static const struct way *way_of(unsigned way)
{
    if (way >= 3 && __builtin_cpu_supports("avx512bw"))
        return &way_thirty_two;
    if (way >= 2 && __builtin_cpu_supports("avx2"))
        return &way_sixteen;
    return way >= 1 ? &way_eight : &way_plain;
}

#else

static const struct way *way_of(unsigned way)
{
    (void)way;
    return &way_plain;
}

#endif

/* ---- public ---- */

static const struct way *chosen;

void lanes_choose(unsigned way)
{
    chosen = way_of(way);
}

static const struct way *way(void)
{
    if (chosen == NULL)
        lanes_choose(LANES_WAYS);
    return chosen;
}

void lanes_short(const struct figures *own, const uint64_t *unsure,
                 uint32_t words, uint64_t want, uint64_t *fails)
{
    CHECK(amount_is_exact(amount_code(want)));
    way()->shorts(own, unsure, words, want, fails);
}

uint16_t lanes_highest(const uint16_t *figures, const uint64_t *among,
                       uint32_t words)
{
    return way()->highest(figures, among, words);
}

void lanes_keep(const uint16_t *figures, uint16_t same, uint32_t words,
                uint64_t *among)
{
    way()->keep(figures, same, words, among);
}

uint64_t lanes_compare(const uint16_t figures[LANES], uint16_t least,
                       uint64_t *out_same)
{
    return way()->compare(figures, least, out_same);
}
