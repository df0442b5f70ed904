#ifndef SCHED_DIVISION_H
#define SCHED_DIVISION_H

/* The division of a bag's tasks over the providers of a place: its shortlist
 * (sched/place.h) is dealt anew by policy_divide.
 *
 *   fill        best first, as many as each takes
 *   even        one each, best first, round after round
 *   static      by weight, dynamic by room, aggregated to the fewest: divide()
 *   duplicated  every task at `copies` of them: contract k of n x copies is a
 *               copy of task k mod n, and no provider gets more than n, so that
 *               contracts dealt in order, provider after provider, bring no
 *               task to a provider twice
 *
 * The shortlist holds all that may get any: where a provider may get only one,
 * it is that of the best `tasks` providers. Static, dynamic and aggregated rank
 * by weight or room before all else (ranking_rank: group), so of more providers
 * than tasks the heaviest or roomiest are taken. */

#include "sched/place.h"
#include "sched/policy_terms.h"

/* What of a candidate's room counts for the shortlist.
 *
 * tasks  contracts, copies included; with copies a multiple of them (CHECKed)
 */
uint32_t division_room(enum policy_divide divide, uint32_t tasks,
                       uint32_t copies, uint32_t room);

/* Sets `tasks` of every entry, and puts those that get some first. What there
 * is no room for is left out.
 *
 * rooms         lent: what each entry takes now, all of it; entries' `room` is
 *               set to it
 * out_unplaced  how many tasks found no place
 *
 * ERR_NOMEM; then the place is as it was. */
MUST_USE enum err division_hand_out(struct place *place,
                                    enum policy_divide divide, uint32_t copies,
                                    const uint32_t *rooms,
                                    uint32_t *out_unplaced);

#endif
