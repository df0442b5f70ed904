#ifndef SCHED_AVAIL_AVAIL_H
#define SCHED_AVAIL_AVAIL_H

/* How a system is best split into services.
 *
 * A system is modules in series: all must be up. A module is submodules in
 * series. The submodules of a module are packed into services; a service is up
 * while all of its submodules are, and it runs as n instances side by side, of
 * which one that is up is enough. Few services are cheap to run; many are more
 * available, for less is lost with each failure.
 *
 *   module m up = product over its services S of 1 - (1 - product of a_j)^n
 *   system up   = product of its modules
 *
 * Failures are taken as independent, so n instances want n failure domains.
 * Where domains themselves fail (avail_solve_domains), every service has one
 * instance in each of the same n domains, and the system's availability is the
 * mean over how many of them are up.
 *
 * Everything is reckoned in nats, -ln(availability): series adds, a perfect
 * part has 0, and what is as good as up keeps its digits, which 1 - 1e-12
 * loses.
 *
 * Exact: modules of equal submodules (balanced services are the best: nats are
 * convex in a service's size, for exp(-nats) is the survival function of the
 * longest of n exponential lives, which is log-concave); unequal ones by
 * dynamic programming over what is left, while that takes at most
 * AVAIL_PAIRS_MAX steps, which holds for 14 submodules of any kind and for many
 * more when some are equal. Beyond, longest-first packing with local search,
 * and beside it a bound that no division can beat.
 *
 * Advice, not consensus: floating point, the same on machines with the same
 * libm. No clock, no chance. */

#include "base/arena.h"

#define AVAIL_MODULES_MAX   64u
#define AVAIL_PARTS_MAX     64u /* submodules of a module */
#define AVAIL_INSTANCES_MAX 64u
#define AVAIL_DOMAINS_MAX   8u       /* that may fail: avail_solve_domains */
#define AVAIL_COST_MAX      65536u   /* of the system fully split */
#define AVAIL_PAIRS_MAX     4782969u /* 3^14 */
/* How much an arena must give for avail_solve, at most. */
#define AVAIL_ARENA_BYTES (8u * 1024 * 1024)

struct avail_module {
    const double *down; /* lent: of each submodule the share of time it is not
                         * up, 1 - a; at least 0, below 1 */
    uint32_t count;     /* submodules, 1..AVAIL_PARTS_MAX */
    uint32_t instances; /* of each of its services: backups + 1 */
    uint32_t cost;      /* of one service with all its instances, >= 1, in the
                         * unit of the budget; 1 everywhere counts services */
};

struct avail_system {
    const struct avail_module *modules; /* lent */
    uint32_t count;
    uint32_t domains; /* that fail independently; 0: as many as are needed */
};

/* ---- reckoning ---- */

/* -ln(1 - down) and back. down in [0, 1), nats >= 0. */
double avail_nats(double down);
double avail_down(double nats);
/* The nats of n >= 1 instances side by side, each of `nats`. */
double avail_parallel(double nats, uint32_t n);
/* Does it keep the target? Rounding in the last digits is forgiven. */
bool avail_reaches(double nats, double nats_max);

/* ---- solving ---- */

/* One point of the frontier: nothing cheaper is as available. */
struct avail_step {
    uint32_t cost;
    uint32_t services;
    double nats;       /* of the plan that was found */
    double nats_least; /* of any plan of that cost: no plan goes below. Equal to
                        * nats where the plan is known to be the best */
};

/* Which submodule goes where. */
struct avail_division {
    uint32_t services;
    const uint8_t *service_of; /* of each submodule, 0..services-1; lent from
                                * the frontier's arena */
    double nats;               /* of the module */
};

struct avail_split;
struct avail_frontier;
struct avail_origin {
    const struct avail_frontier *frontier;
    const struct avail_step *step;
};

struct avail_frontier {
    const struct avail_step *steps; /* cost rises, nats fall */
    uint32_t count;                 /* >= 1 */
    bool exact;                     /* every step is known to be the best */
    /* inside */
    const struct avail_system *system;
    const struct avail_split *splits;
    const uint8_t *choices;
    const double *least;
    uint32_t cost_full;
    const struct avail_origin *origins; /* of each step's plan; or NULL */
};

/* May it be solved? *out_module is the first that may not, or the count of
 * modules where the fault is the system's.
 *
 * Refuses, first match wins: ERR_RANGE (a number is out of its bounds),
 * ERR_CAPACITY (more instances than domains), ERR_TOO_LARGE (the cost of the
 * full split is above AVAIL_COST_MAX). */
MUST_USE enum err avail_check(const struct avail_system *system,
                              uint32_t *out_module);

/* The whole frontier, from one service a module to the full split.
 *
 * system   lent as long as the frontier is used
 * arena    holds the result, AVAIL_ARENA_BYTES at most
 *
 * As avail_check; ERR_NOMEM. */
MUST_USE enum err avail_solve(const struct avail_system *system,
                              struct arena *arena, struct avail_frontier *out);

/* The same where a whole domain is down for a share of the time, with every
 * instance in it. Plans that are the best while k domains are up, for each k,
 * are judged by the mean; nats_least is the mean of what each k could have at
 * the best.
 *
 * domain_down  at least 0, below 1
 * arena        AVAIL_ARENA_BYTES for each instance, at most
 *
 * As avail_solve; ERR_RANGE also when modules differ in their instances or have
 * more than AVAIL_DOMAINS_MAX. */
MUST_USE enum err avail_solve_domains(const struct avail_system *system,
                                      double domain_down, struct arena *arena,
                                      struct avail_frontier *out);

/* The nats of a system with nats_up[k - 1] while k of n domains are up, k >= 1;
 * with none of them it is down. n <= AVAIL_INSTANCES_MAX (CHECKed). */
double avail_domains_nats(const double *nats_up, uint32_t n,
                          double domain_down);

/* The cheapest step that reaches the target; NULL: none does. */
const struct avail_step *avail_cheapest(const struct avail_frontier *frontier,
                                        double nats_max);
/* No plan that reaches the target costs less than this; the cost of the step
 * above where that is known to be the best. 0: even this cannot be said to
 * suffice, the target is out of reach. */
uint32_t avail_cost_least(const struct avail_frontier *frontier,
                          double nats_max);
/* The most available step within the budget; NULL: one service a module costs
 * more. */
const struct avail_step *avail_best(const struct avail_frontier *frontier,
                                    uint32_t cost_max);

/* The divisions of every module at a step of this frontier (CHECKed).
 * out  system->count of them */
void avail_plan(const struct avail_frontier *frontier,
                const struct avail_step *step, struct avail_division *out);

/* The nats of a module divided so: one formula, used by tests and reports to
 * recompute what the solver says. service_of as above. */
double avail_module_nats(const struct avail_module *module,
                         const uint8_t *service_of);

#endif
