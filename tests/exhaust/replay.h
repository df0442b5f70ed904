#ifndef TESTS_EXHAUST_REPLAY_H
#define TESTS_EXHAUST_REPLAY_H

/* A way told again to fresh cores, with no table and no shapes in between.
 * Lines are "party act". In a process of its own, or in a child of a search. */

#include "tests/exhaust/bounds.h"

#include <stdbool.h>

enum replayed { REPLAY_HOLDS, REPLAY_BREAKS, REPLAY_CANNOT };

/* loud: says each act and what it makes the machine say. */
enum replayed replay_run(const struct bounds *bounds, const char *lines,
                         bool loud);
/* Leaves lines out, in place, as long as the same thing still breaks. */
void replay_shorten(const struct bounds *bounds, char *lines);

#endif
