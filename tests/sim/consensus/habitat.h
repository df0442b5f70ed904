#ifndef TESTS_SIM_CONSENSUS_HABITAT_H
#define TESTS_SIM_CONSENSUS_HABITAT_H

/* Where a seeded bug is hunted: among the plans of the ordinary seeds, those in
 * which its rule is needed. Nothing is added to them. */

#include "tests/sim/consensus/plan.h"

/* mutant: enum sx_mutant_id. */
bool habitat_fits(uint64_t mutant, const struct plan *plan);

#endif
