#ifndef SCHED_LEARN_ADAM_H
#define SCHED_LEARN_ADAM_H

/* Adam: steps down a gradient whose length follows its running mean and spread
 * (Kingma and Ba, 2015), with the gradient's norm cut. */

#include "base/bytes.h"

struct adam {
    uint32_t count;
    double mean_left; /* beta powers, for the correction of the start */
    double spread_left;
    float *mean;
    float *spread;
};

/* count: of the weights, > 0. ERR_NOMEM. */
MUST_USE enum err adam_init(struct adam *adam, uint32_t count);
void adam_done(struct adam *adam); /* safe on a zeroed struct */
/* One step of `rate` down. A gradient longer than norm_max is shortened to it;
 * one that is not a number is not followed. */
void adam_step(struct adam *adam, const float *gradient, float rate,
               float norm_max, float *weights);

#endif
