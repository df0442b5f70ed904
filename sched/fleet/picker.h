#ifndef SCHED_FLEET_PICKER_H
#define SCHED_FLEET_PICKER_H

/* A picker says where in a fleet an ask goes: on which machine, and on which of
 * its devices. Policies are rows of a table; each rates a machine that fits in
 * whole numbers, and the best rating wins: first the score, then, for those
 * that have equals, best fit, then the lower index. Only `random` throws dice.
 *
 *   random      any that fits, each as likely; any of its devices
 *   bestfit     the least left over: cores and devices, each as a part of the
 *               largest machine's
 *   spread      the most left over; the emptiest device
 *   packing     devices in part used, then idle devices of machines in use,
 *               then empty machines: the fewest machines in use
 *   dotprod     what is free, times what is wanted, added up over cores and
 *               devices: where the least is free of what is wanted most
 *   clustering  beside tasks of its kind (share, 1, 2, 4, 8 devices): alone
 *               with them, then among others, then on an empty machine
 *   fgd         where fragmentation grows least: sched/fleet/frag.h
 *
 * Except under spread and random a share goes on the device with the least
 * free that fits; under fgd on the one that is rated best.
 *
 * What a policy says of a machine depends on its state and the ask alone, so
 * the picker remembers it until the machine changes: asks that are asked again
 * cost a walk over the memory of it. */

#include "base/dice.h"
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

struct picker;

struct picker_config {
    enum fleet_policy policy;
    struct fleet *fleet;     /* lent; must outlive the picker; all machines are
                                in it */
    const struct frag *frag; /* lent; needed where fleet_policy_typical */
    /* Kinds of asks remembered, 16 bytes a machine each: the one not used
     * for longest makes place for a new one. 0: nothing is remembered. */
    uint32_t memory;
};

/* out is given: picker_free. ERR_NOMEM. */
MUST_USE enum err picker_new(const struct picker_config *config,
                             struct picker **out);
void picker_free(struct picker *picker);

/* Chooses; takes nothing. ERR_CAPACITY when no machine fits, ERR_RANGE as
 * ask_check. */
MUST_USE enum err picker_pick(struct picker *picker, const struct ask *ask,
                              struct dice *dice, struct grant *out);
/* Rates one machine, which must fit (CHECKed): for tests and explanations. */
void picker_rate(const struct picker *picker, uint32_t machine,
                 const struct ask *ask, struct rating *out);

#endif
