#ifndef SCHED_ZONE_H
#define SCHED_ZONE_H

/* A zone of residency is where work and data may be. Providers state theirs by
 * labels of the key "zone"; its name is a path: eu/north lies in eu.
 *
 * A filter, never a score. It is stricter than a constraint on a label: who
 * states several zones must lie in the allowed ones with all of them, for the
 * work may be in any; who states none is not admitted. */

#include "sched/label.h"

#define ZONE_KEY    "zone"
#define LIMIT_ZONES 8u

/* Is it the allowed zone, or inside of it? */
bool zone_inside(const char *zone, const char *allowed);

/* May work that must stay in `zones` go there? True when count is 0. */
bool zones_admit(const char (*zones)[LIMIT_NAME], uint32_t count,
                 const struct label *labels, uint32_t label_count);

#endif
