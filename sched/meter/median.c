#include "sched/meter/median.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t middle(uint64_t *values, uint32_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static uint32_t share(uint64_t mad, uint64_t median)
{
    wide permille;
    if (median == 0)
        return mad == 0 ? 0 : 1000;
    permille = ((wide)mad * 1000 + median - 1) / median;
    return permille > 1000 ? 1000u : (uint32_t)permille;
}

void median_of(const uint64_t *runs, uint32_t count, struct median *out)
{
    uint64_t values[MEDIAN_RUNS_MAX];
    CHECK(count >= 1 && count <= MEDIAN_RUNS_MAX);
    memcpy(values, runs, count * sizeof(*values));
    out->median = middle(values, count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = runs[i] > out->median ? runs[i] - out->median
                                          : out->median - runs[i];
    out->mad = middle(values, count);
    out->mad_permille = share(out->mad, out->median);
}
