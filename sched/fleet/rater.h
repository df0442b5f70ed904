#ifndef SCHED_FLEET_RATER_H
#define SCHED_FLEET_RATER_H

/* A rater says how good a machine is for an ask that fits it, and on which of
 * its devices it would go. Policies are rows of a table; each rates in whole
 * numbers, and the best rating wins: first the score, then the tie, then the
 * machine of the lower index.
 *
 *   random      any that fits, each as likely; any of its devices
 *   bestfit     the least left over: cores and devices, each as a part of the
 *               largest machine's
 *   spread      the most left over; the emptiest device
 *   packing     devices in part used, then idle devices of machines in use,
 *               then empty machines: the fewest machines in use
 *   dotprod     what is free, times what is wanted, added up over cores and
 *               devices, in hundredths: where the least is free of what is
 *               wanted most
 *   clustering  beside tasks of its kind (share, 1, 2, 4, 8 devices): alone
 *               with them, then among others, then on an empty machine
 *   fgd         where fragmentation grows least: frag_score, less ten points
 *               for a model of which those bound to it want as much as there
 *               is. Ties: a share by the least free on the device, then on
 *               the machine; all else as bestfit
 *   fgd-fine    frag_gain as it is, ties as bestfit: what fgd would be without
 *               the steps of its score
 *
 * Except under spread and random a share goes on the device with the least
 * free that fits; under fgd on the one that is rated best. */

#include "sched/fleet/fleet.h"
#include "sched/fleet/frag.h"

enum fleet_policy {
    FLEET_RANDOM = 1,
    FLEET_BESTFIT,
    FLEET_SPREAD,
    FLEET_PACKING,
    FLEET_DOTPROD,
    FLEET_CLUSTERING,
    FLEET_FGD,
    FLEET_FGD_FINE,
};

/* All of them, in the order of the table; 0 past the last. */
enum fleet_policy fleet_policy_nth(size_t i);
const char *fleet_policy_text(enum fleet_policy policy); /* "fgd"; "?" */
const char *fleet_policy_help(enum fleet_policy policy); /* one line */
/* Does it need to know the typical asks? */
bool fleet_policy_typical(enum fleet_policy policy);
/* ERR_PARSE. "worstfit" is another name of spread. */
MUST_USE enum err fleet_policy_parse(const char *text, enum fleet_policy *out);

/* How good a machine is for an ask: more is better. */
struct rating {
    int32_t score;
    int32_t tie;
    uint32_t devices; /* mask: the devices it would be put on */
};

static inline bool rating_better(const struct rating *a, const struct rating *b)
{
    return a->score != b->score ? a->score > b->score : a->tie > b->tie;
}

struct rater;

/* fleet    lent; must outlive the rater; all machines are in it already
 * frag     lent likewise; NULL unless fleet_policy_typical (CHECKed)
 * out      given: rater_free
 *
 * ERR_NOMEM. */
MUST_USE enum err rater_new(enum fleet_policy policy, const struct fleet *fleet,
                            const struct frag *frag, struct rater **out);
void rater_free(struct rater *rater);

/* Is the choice among those that fit left to the dice? */
bool rater_throws(const struct rater *rater);
/* The machine must fit (CHECKed). What it says depends on the state of the
 * machine and the ask alone. */
void rater_rate(struct rater *rater, uint32_t machine, const struct ask *ask,
                struct rating *out);

#endif
