#include "sched/learn/adam.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>

#define MEAN_KEPT   0.9
#define SPREAD_KEPT 0.999
#define LEAST       1e-8

enum err adam_init(struct adam *adam, uint32_t count)
{
    CHECK(count > 0);
    *adam = (struct adam){.count = count, .mean_left = 1, .spread_left = 1};
    adam->mean = calloc(count, sizeof(*adam->mean));
    adam->spread = calloc(count, sizeof(*adam->spread));
    if (adam->mean != NULL && adam->spread != NULL)
        return OK;
    adam_done(adam);
    return ERR_NOMEM;
}

void adam_done(struct adam *adam)
{
    free(adam->mean);
    free(adam->spread);
    *adam = (struct adam){0};
}

/* What the gradient is multiplied with: 0 for one that is not a number. */
static double scale_of(const float *gradient, uint32_t count, float norm_max)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += (double)gradient[i] * (double)gradient[i];
    sum = sqrt(sum);
    if (!isfinite(sum))
        return 0;
    return sum > (double)norm_max ? (double)norm_max / sum : 1;
}

void adam_step(struct adam *adam, const float *gradient, float rate,
               float norm_max, float *weights)
{
    double scale = scale_of(gradient, adam->count, norm_max);
    CHECK(adam->mean != NULL && norm_max > 0);
    if (!(scale > 0))
        return;
    adam->mean_left *= MEAN_KEPT;
    adam->spread_left *= SPREAD_KEPT;
    for (uint32_t i = 0; i < adam->count; i++) {
        double g = scale * (double)gradient[i];
        double m = MEAN_KEPT * (double)adam->mean[i] + (1 - MEAN_KEPT) * g;
        double s =
            SPREAD_KEPT * (double)adam->spread[i] + (1 - SPREAD_KEPT) * g * g;
        double step = (m / (1 - adam->mean_left)) /
                      (sqrt(s / (1 - adam->spread_left)) + LEAST);
        adam->mean[i] = (float)m;
        adam->spread[i] = (float)s;
        weights[i] = (float)((double)weights[i] - (double)rate * step);
    }
}
