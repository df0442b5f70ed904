#ifndef NODE_METER_TEAM_H
#define NODE_METER_TEAM_H

/* Threads that start together, each pinned to a processor of its own, and how
 * much processor time each took. */

#include "node/meter/meter.h"

/* The processors this program may run on. ERR_UNSUPPORTED. */
MUST_USE enum err cpus_allowed(struct cpus *out);

typedef void (*team_fn)(void *ctx, unsigned index);
/* Runs fn once on each of the first `threads` processors. out_ns[i]: the
 * processor time of the i-th. ERR_NOMEM when a thread cannot be made. */
MUST_USE enum err team_run(const struct cpus *cpus, unsigned threads,
                           team_fn fn, void *ctx, uint64_t *out_ns);
/* The same, and the rate of all when each thread did `work`. */
MUST_USE enum err team_rate(const struct cpus *cpus, unsigned threads,
                            team_fn fn, void *ctx, uint64_t work,
                            uint64_t *out_rate);
uint64_t clock_now_ns(void);
/* work * 10^9 / ns, at most UINT64_MAX. */
uint64_t per_second(uint64_t work, uint64_t ns);

#endif
