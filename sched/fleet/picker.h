#ifndef SCHED_FLEET_PICKER_H
#define SCHED_FLEET_PICKER_H

/* A picker says where in a fleet an ask goes: on the machine that its policy
 * rates best (sched/fleet/rater.h), the one of the lower index among equals, or
 * on any that fits.
 *
 * A rating depends on the machine's state and the ask alone, so the picker
 * remembers it until the machine changes: an ask that is asked again costs a
 * walk over what is remembered. */

#include "base/dice.h"
#include "sched/fleet/rater.h"

struct picker;

/* fleet, frag  lent, as rater_new
 * memory       kinds of asks remembered, 16 bytes a machine each: the one not
 *              used for longest makes place for a new one; 0: none
 * out          given: picker_free
 *
 * ERR_NOMEM. */
MUST_USE enum err picker_new(enum fleet_policy policy,
                             const struct fleet *fleet, const struct frag *frag,
                             uint32_t memory, struct picker **out);
void picker_free(struct picker *picker);

/* Only the machines of one domain. */
struct picker_within {
    const uint32_t *of_machine; /* lent: the domain of each machine */
    uint32_t domain;
};

/* Chooses; takes nothing. within NULL: of all machines. The dice are thrown
 * where the policy is chance, and not touched otherwise. ERR_RANGE as
 * ask_check; ERR_CAPACITY when no machine fits. */
MUST_USE enum err picker_pick(struct picker *picker, const struct ask *ask,
                              const struct picker_within *within,
                              struct dice *dice, struct grant *out);

/* The best machines, best first, at most `max` of them (1..PICKER_TOP_MAX,
 * CHECKed): for who must not choose what others choose. Same errors; a policy
 * that leaves it to chance has no best, and gives its first. */
#define PICKER_TOP_MAX 32u
MUST_USE enum err picker_top(struct picker *picker, const struct ask *ask,
                             const struct picker_within *within, uint32_t max,
                             struct grant *out, uint32_t *out_count);

#endif
