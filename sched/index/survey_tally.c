#include "sched/index/survey_impl.h"

#include <string.h>

#include "base/check.h"

/* Counting bits is most of the work here, and one instruction where the
 * processor has it, and eight words at a time on some: the loops are compiled
 * three times, and answer the same. */
#if defined(__x86_64__)
#define FAST   __attribute__((target("popcnt,bmi,avx2")))
#define FASTER __attribute__((target("popcnt,bmi,avx2,avx512vpopcntdq")))
#define HAS_FAST                                                               \
    (__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("avx2"))
#define HAS_FASTER (HAS_FAST && __builtin_cpu_supports("avx512vpopcntdq"))
#else
#define FAST
#define FASTER
#define HAS_FAST   false
#define HAS_FASTER false
#endif
#define BODY static inline __attribute__((always_inline))

static bool is_note(const struct group *group)
{
    return group->class_ == REASON_NOTE;
}

BODY uint32_t count(uint64_t word)
{
    return (uint32_t)__builtin_popcountll(word);
}

/* Who of an aisle was refused so far, and by what. */
struct tally {
    uint64_t seen[AISLE_BLOCKS];
    uint64_t again[AISLE_BLOCKS]; /* .. for a second reason */
    uint64_t firm[AISLE_BLOCKS];  /* .. and waiting will not help */
};

BODY uint32_t count_all(const uint64_t *words)
{
    uint32_t sum = 0;
    for (uint32_t k = 0; k < AISLE_BLOCKS; k++)
        sum += count(words[k]);
    return sum;
}

BODY uint32_t count_both(const uint64_t *a, const uint64_t *b)
{
    uint32_t sum = 0;
    for (uint32_t k = 0; k < AISLE_BLOCKS; k++)
        sum += count(a[k] & b[k]);
    return sum;
}

BODY void tally_note(const uint64_t *fails, const struct tally *t,
                     uint32_t *out_noted, uint32_t *out_fits)
{
    uint32_t noted = count_all(fails) - count_both(fails, t->seen);
    *out_noted += noted;
    *out_fits -= noted;
}

BODY void tally_reason(const uint64_t *fails, bool firm, struct tally *t,
                       uint32_t *out_any, uint32_t *out_first)
{
    uint32_t all = count_all(fails);
    if (all == 0)
        return;
    *out_any += all;
    *out_first += all - count_both(fails, t->seen);
    for (uint32_t k = 0; k < AISLE_BLOCKS; k++) {
        t->again[k] |= fails[k] & t->seen[k];
        t->seen[k] |= fails[k];
        t->firm[k] |= firm ? fails[k] : 0;
    }
}

/* One aisle through all reasons. Those met once and those met again are kept
 * apart as the reasons go by. */
BODY void tally_aisle(struct surveying *x, size_t first, struct explain *out)
{
    struct tally t = {{0}, {0}, {0}};
    const uint64_t *there = &x->there[first];
    uint64_t *once = &x->once[first];
    for (uint32_t g = 0; g < x->group_count; g++) {
        const uint64_t *fails = x->groups[g].fails + first;
        enum reason reason = x->groups[g].rule->reason;
        if (is_note(&x->groups[g]))
            tally_note(fails, &t, &out->first[reason],
                       &out->first[REASON_NONE]);
        else
            tally_reason(fails, x->groups[g].class_ == REASON_FIRM, &t,
                         &out->any[reason], &out->first[reason]);
    }
    uint32_t all = count_all(there);
    uint32_t seen = count_all(t.seen);
    out->offers += all;
    out->fits += all - seen;
    out->first[REASON_NONE] += all - seen;
    out->later += seen - count_both(t.seen, t.firm);
    for (uint32_t k = 0; k < AISLE_BLOCKS; k++)
        once[k] = t.seen[k] & ~t.again[k];
    for (uint32_t g = 0; g < x->group_count; g++) {
        enum reason reason = x->groups[g].rule->reason;
        if (!is_note(&x->groups[g]))
            out->alone[reason] += count_both(x->groups[g].fails + first, once);
    }
}

BODY void tally_all(struct surveying *x, struct explain *out)
{
    for (uint32_t i = 0; i < x->order->aisle_count; i++)
        tally_aisle(x, (size_t)i * AISLE_BLOCKS, out);
}

FAST static void tally_fast(struct surveying *x, struct explain *out)
{
    tally_all(x, out);
}

FASTER static void tally_faster(struct surveying *x, struct explain *out)
{
    tally_all(x, out);
}

static void tally_plain(struct surveying *x, struct explain *out)
{
    tally_all(x, out);
}

/* ---- refused for several reasons each ---- */

#define PLANES 6
_Static_assert(REASON_COUNT < 1 << PLANES,
               "reasons are counted in so many bits");

/* How many reasons refuse each offer of a word, as a number written across
 * planes: bit k of all numbers is planes[k]. */
static uint64_t count_planes(const struct surveying *x, uint32_t i,
                             uint64_t planes[PLANES])
{
    uint64_t seen = 0;
    memset(planes, 0, PLANES * sizeof(planes[0]));
    for (uint32_t g = 0; g < x->group_count; g++) {
        uint64_t carry = x->groups[g].fails[i];
        if (is_note(&x->groups[g]))
            continue;
        seen |= carry;
        for (unsigned k = 0; k < PLANES && carry != 0; k++) {
            uint64_t both = planes[k] & carry;
            planes[k] ^= carry;
            carry = both;
        }
    }
    return seen;
}

uint64_t survey_refused(const struct surveying *x, uint32_t word,
                        uint32_t reasons)
{
    uint64_t planes[PLANES];
    uint64_t same = count_planes(x, word, planes);
    for (unsigned k = 0; k < PLANES; k++)
        same &= reasons >> k & 1 ? planes[k] : ~planes[k];
    return same;
}

/* Of a word's offers those with the lowest number, which is told. */
static uint64_t lowest(uint64_t among, const uint64_t planes[PLANES],
                       uint32_t *out)
{
    *out = 0;
    for (unsigned k = PLANES; k-- > 0;) {
        uint64_t without = among & ~planes[k];
        if (without != 0)
            among = without;
        else
            *out |= 1u << k;
    }
    return among;
}

static void find_fewest(struct surveying *x)
{
    x->fewest = REASON_COUNT;
    for (uint32_t i = 0; i < x->len; i++) {
        uint64_t planes[PLANES];
        uint32_t fewest;
        uint64_t seen = count_planes(x, i, planes);
        x->near[i] = 0;
        if (seen == 0)
            continue;
        uint64_t near = lowest(seen, planes, &fewest);
        if (fewest > x->fewest)
            continue;
        if (fewest < x->fewest)
            memset(x->near, 0, i * sizeof(x->near[0]));
        x->fewest = fewest;
        x->near[i] = near;
    }
}

void survey_tally(struct surveying *x, struct explain *out)
{
    uint64_t once = 0;
    if (HAS_FASTER)
        tally_faster(x, out);
    else if (HAS_FAST)
        tally_fast(x, out);
    else
        tally_plain(x, out);
    for (uint32_t i = 0; i < x->len; i++)
        once |= x->once[i];
    if (once != 0) {
        x->fewest = 1;
        x->near = x->once;
    } else if (out->fits < out->offers) {
        find_fewest(x);
    }
}
