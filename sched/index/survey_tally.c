#include "sched/index/survey_impl.h"

#include <string.h>

#include "base/check.h"

/* Counting bits is most of the work here, and one instruction where the
 * processor has it: the loops are compiled twice, and answer the same. */
#if defined(__x86_64__)
#define FAST __attribute__((target("popcnt,bmi,avx2")))
#define HAS_FAST                                                               \
    (__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("avx2"))
#else
#define FAST
#define HAS_FAST false
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

/* One word through all reasons. Those met once and those met again are kept
 * apart as the reasons go by. */
BODY void tally_word(struct surveying *x, uint32_t i, struct explain *out)
{
    uint64_t seen = 0;
    uint64_t again = 0;
    uint64_t firm = 0;
    for (uint32_t g = 0; g < x->group_count; g++) {
        uint64_t fails = x->groups[g].fails[i];
        enum reason reason = x->groups[g].rule->reason;
        if (fails == 0)
            continue;
        switch (x->groups[g].class_) {
        case REASON_NOTE:
            fails &= ~seen;
            out->first[reason] += count(fails);
            out->first[REASON_NONE] -= count(fails);
            continue;
        case REASON_FIRM:
            firm |= fails;
            break;
        case REASON_LATER:
            break;
        }
        out->any[reason] += count(fails);
        out->first[reason] += count(fails & ~seen);
        again |= fails & seen;
        seen |= fails;
    }
    out->offers += count(x->there[i]);
    out->fits += count(x->there[i] & ~seen);
    out->first[REASON_NONE] += count(x->there[i] & ~seen);
    out->later += count(seen & ~firm);
    x->once[i] = seen & ~again;
}

BODY void tally_alone(const struct surveying *x, struct explain *out)
{
    for (uint32_t g = 0; g < x->group_count; g++) {
        uint32_t alone = 0;
        for (uint32_t i = 0; i < x->len; i++)
            alone += count(x->groups[g].fails[i] & x->once[i]);
        if (!is_note(&x->groups[g]))
            out->alone[x->groups[g].rule->reason] = alone;
    }
}

BODY void tally_all(struct surveying *x, struct explain *out)
{
    for (uint32_t i = 0; i < x->len; i++) {
        if (x->there[i] != 0)
            tally_word(x, i, out);
        else
            x->once[i] = 0;
    }
    tally_alone(x, out);
}

FAST static void tally_fast(struct surveying *x, struct explain *out)
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
    if (HAS_FAST)
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
