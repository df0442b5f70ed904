#include "cli/nearest.h"

#include "base/check.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 63

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment over three rolling rows. */
unsigned nearest_distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *above2 = rows[0], *above = rows[1], *row = rows[2];
    size_t n = strlen(a), m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return UINT32_MAX;
    for (size_t j = 0; j <= m; j++)
        above[j] = (unsigned)j;
    memset(above2, 0, sizeof(rows[0]));
    for (size_t i = 1; i <= n; i++) {
        unsigned *free_row = above2;
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
        above2 = above;
        above = row;
        row = free_row;
    }
    return above[m];
}

void nearest_init(struct nearest *nearest, const char *wanted)
{
    CHECK(wanted != NULL);
    *nearest = (struct nearest){.wanted = wanted, .distance = UINT32_MAX};
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
    size_t len = strlen(nearest->wanted);
    size_t allowed = len / 3 < 1 ? 1 : len / 3;
    unsigned distance = nearest_distance(nearest->wanted, candidate);
    if (len == 0)
        return;
    if (allowed > 3)
        allowed = 3;
    if (strncmp(nearest->wanted, candidate, len) == 0)
        distance = 1;
    if (distance > allowed || distance >= nearest->distance)
        return;
    nearest->distance = distance;
    nearest->best = candidate;
}
