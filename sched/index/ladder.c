#include "sched/index/ladder.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define REVIEW_FIRST 64u
#define REVIEW_STEP  65536u /* the longest time between two reviews */
/* Rungs are chosen anew when more than one in eight missed them. */
#define MISSES_PART 8u

void ladder_init(struct ladder *ladder, uint32_t cap, uint64_t first)
{
    CHECK(cap >= 1 && cap <= LADDER_RUNGS_MAX);
    CHECK(first > 0);
    memset(ladder, 0, sizeof(*ladder));
    ladder->cap = cap;
    ladder->review = REVIEW_FIRST;
    while (ladder->count < cap && first <= UINT64_MAX / 2) {
        ladder->rung[ladder->count++] = first;
        first *= 2;
    }
}

uint32_t ladder_reach(const struct ladder *ladder, uint64_t amount)
{
    const uint64_t *rung = ladder->rung;
    uint32_t low = 0;
    uint32_t left = ladder->count;
    while (left > 1) { /* no branch depends on the amount */
        uint32_t half = left / 2;
        low += rung[low + half - 1] <= amount ? half : 0;
        left -= half;
    }
    return low + (left == 1 && rung[low] <= amount);
}

/* The first fill the memory; after that each takes the place of one that is
 * hashed to, so the memory forgets slowly and not in order. */
void ladder_observe(struct ladder *ladder, uint64_t amount)
{
    ladder_note(ladder, amount,
                ladder_on_rung(ladder, amount, ladder_reach(ladder, amount)));
}

void ladder_note(struct ladder *ladder, uint64_t amount, bool on_rung)
{
    uint64_t n = ladder->count_seen++;
    uint64_t at = n;
    if (n >= LADDER_MEMORY)
        at = (n * UINT64_C(0x9e3779b97f4a7c15)) >> 56;
    ladder->seen[at % LADDER_MEMORY] = amount;
    ladder->misses += !on_rung;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static bool add_rung(struct ladder *ladder, uint64_t value)
{
    uint32_t at = ladder_reach(ladder, value);
    if (ladder->count == ladder->cap || value == 0 ||
        (at > 0 && ladder->rung[at - 1] == value))
        return false;
    memmove(&ladder->rung[at + 1], &ladder->rung[at],
            (ladder->count - at) * sizeof(ladder->rung[0]));
    ladder->rung[at] = value;
    ladder->count++;
    return true;
}

/* Quantiles, ever finer until the ladder is full or all values are on it. */
static void choose(struct ladder *ladder)
{
    uint64_t sorted[LADDER_MEMORY];
    uint32_t len = ladder->count_seen < LADDER_MEMORY
                       ? (uint32_t)ladder->count_seen
                       : LADDER_MEMORY;
    memcpy(sorted, ladder->seen, len * sizeof(sorted[0]));
    qsort(sorted, len, sizeof(sorted[0]), compare);
    ladder->count = 0;
    for (uint32_t parts = ladder->cap; parts <= 2 * LADDER_MEMORY; parts *= 2) {
        for (uint32_t i = 0; i < parts; i++)
            (void)add_rung(ladder, sorted[(uint64_t)i * len / parts]);
    }
}

bool ladder_review_now(struct ladder *ladder)
{
    const struct ladder old = *ladder;
    uint64_t since = ladder->count_seen - ladder->last;
    uint64_t step = ladder->review * 3;
    ladder->last = ladder->count_seen;
    ladder->review += step < REVIEW_STEP ? step : REVIEW_STEP;
    ladder->misses = 0;
    if (old.misses * MISSES_PART <= since)
        return false;
    choose(ladder);
    return ladder->count != old.count ||
           memcmp(ladder->rung, old.rung, old.count * sizeof(old.rung[0])) != 0;
}
