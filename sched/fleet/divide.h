#ifndef SCHED_FLEET_DIVIDE_H
#define SCHED_FLEET_DIVIDE_H

/* Divides replicas of one task over places: clusters, providers, machines. What
 * holds of every division:
 *
 * - all replicas are given away, or none (duplicated: as many to each place);
 * - no place gets more than it takes, exactly, under today's demand: the
 *   previous share is no proof of room, it only breaks ties and keeps places;
 * - the same question has the same answer, and equals are served in the order
 *   of the larger previous share, then of the lower index. */

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum divide_way {
    DIVIDE_DUPLICATED = 1, /* all of them, at every place */
    DIVIDE_STATIC,         /* by weight, largest remainder; what a full place
                              cannot take goes to the others by weight */
    DIVIDE_DYNAMIC,        /* the same with what it takes as the weight */
    DIVIDE_AGGREGATED,     /* at as few places as can be; of equally few, where
                              most was before */
};

struct divide_place {
    uint32_t weight;    /* static: 0 = nothing goes there */
    uint32_t available; /* replicas it takes, its own previous ones included:
                           counted as if they were not there */
    uint32_t previous;  /* its share until now; 0 = none */
    uint32_t given;     /* out */
};

#define DIVIDE_PLACES_MAX 4096u

/* Sets `given` of every place. Nothing is written unless OK.
 * ERR_RANGE: no places, or more than DIVIDE_PLACES_MAX. ERR_CAPACITY: they do
 * not take so many. ERR_NOMEM. */
MUST_USE enum err divide(enum divide_way way, uint32_t replicas,
                         struct divide_place *places, uint32_t count);

const char *divide_text(enum divide_way way); /* "static", ...; "?" */
/* duplicated, static, dynamic, aggregated; ERR_PARSE. */
MUST_USE enum err divide_parse(const char *text, enum divide_way *out);

#endif
