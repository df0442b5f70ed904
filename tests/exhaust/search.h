#ifndef TESTS_EXHAUST_SEARCH_H
#define TESTS_EXHAUST_SEARCH_H

/* All machines together: every order in which things can happen to them, within
 * the bounds, breadth first. */

#include "tests/exhaust/local.h"

struct limits {
    uint64_t wholes; /* 0: no limit */
    uint64_t megabytes;
    double seconds;
};

struct search {
    bool exhausted;
    uint64_t wholes;  /* states of all machines together */
    uint64_t arrows;  /* steps between them that were looked at */
    uint64_t worlds;  /* sets of what was said */
    uint64_t finals;  /* wholes in which somebody has decided */
    uint32_t highest; /* block called final by anyone */
    uint32_t depth;
    double seconds;
    uint64_t bytes;
};

void search_run(const struct limits *limits, bool loud, struct search *out);
/* After judge_fails: the acts that lead there, a line each: "party act". */
void search_trace(struct buf *out);

#endif
