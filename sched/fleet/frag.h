#ifndef SCHED_FLEET_FRAG_H
#define SCHED_FLEET_FRAG_H

/* Fragmentation: how much of what is idle on a machine the tasks that usually
 * come could not use there. The measure of "Beware of Fragmentation: Scheduling
 * GPU-Sharing Workloads with Fragmentation Gradient Descent" (Weng et al.,
 * USENIX ATC 2023), in integers:
 *
 *   F(machine) = sum over typical asks of frequency x idle milli that an ask of
 *                that kind cannot use
 *
 * Where the ask does not fit, all idle milli count; where it does, those of the
 * devices too small for it. Frequencies are counts, so F is in count x milli,
 * and F / frag_weight() is the expected waste in milli-devices. */

#include "sched/fleet/machine.h"

struct frag;

/* Learns the typical asks from a sample: equal asks are counted, and the most
 * frequent kept until they make up `keep_permille` of the sample, at most
 * FRAG_ASKS_MAX of them. What an ask wants besides devices counts, too, memory
 * as well as cores: devices without free memory beside them are as useless as
 * devices without free cores. Asks that are equally frequent are kept in the
 * order of ask_compare.
 *
 * asks     lent; each passes ask_check (CHECKed)
 * out      given: frag_free
 *
 * ERR_RANGE: no asks, more than FRAG_SAMPLE_MAX, or keep_permille not 1..1000.
 * ERR_NOMEM. */
#define FRAG_ASKS_MAX   512u
#define FRAG_SAMPLE_MAX 1000000000u
MUST_USE enum err frag_new(const struct ask *asks, size_t count,
                           uint32_t keep_permille, struct frag **out);
void frag_free(struct frag *frag);

/* How many typical asks there are, and the sum of their frequencies (>= 1). */
uint32_t frag_count(const struct frag *frag);
uint64_t frag_weight(const struct frag *frag);
/* The i-th (CHECKed), most frequent first; lent until frag_free. */
const struct ask *frag_ask(const struct frag *frag, uint32_t i,
                           uint64_t *out_frequency);

/* F of a machine as it is. Less than 2^44. */
uint64_t frag_of(const struct frag *frag, const struct machine *machine);

/* F before less F after, in milli-devices, rounded towards zero. */
int64_t frag_gain(const struct frag *frag, uint64_t before, uint64_t after);

/* What a placement is worth, 0..99: floor(100 x sigmoid(gain / 2000)), where
 * gain is F before less F after, in milli-devices. The steps matter: placements
 * that gain about the same are equal, and best fit decides among them. Without
 * them the policy runs after gains of single milli-devices and ends lower
 * (docs/scheduling.md). */
#define FRAG_SCORE_MAX 99u
uint32_t frag_score(const struct frag *frag, uint64_t before, uint64_t after);

#endif
