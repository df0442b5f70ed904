#ifndef SCHED_AVAIL_AVAIL_SPLIT_H
#define SCHED_AVAIL_AVAIL_SPLIT_H

/* The best divisions of one module, for every number of services: the inner
 * half of avail.h. */

#include "sched/avail/avail.h"

struct avail_split {
    uint32_t count;      /* submodules; services go from 1 to this */
    double *nats;        /* [services - 1] of the division */
    double *least;       /* [services - 1] no division goes below */
    uint8_t *service_of; /* [(services - 1) * count + submodule] */
};

/* The module must be in its bounds (CHECKed). The result lives in `arena`;
 * `scratch` is used and left as it is. ERR_NOMEM. */
MUST_USE enum err avail_split_solve(const struct avail_module *module,
                                    struct arena *arena, struct arena *scratch,
                                    struct avail_split *out);

/* How many steps the exact search of such a module takes, or more than
 * AVAIL_PAIRS_MAX where it is not done. */
uint64_t avail_split_pairs(const struct avail_module *module);

#endif
