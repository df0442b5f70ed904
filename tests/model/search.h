#ifndef TESTS_MODEL_SEARCH_H
#define TESTS_MODEL_SEARCH_H

/* The search: every state within the bounds, breadth first, each shape once. So
 * the first broken state is also one of the nearest. */

#include "tests/model/judge.h"
#include "tests/model/table.h"

struct search {
    const struct bounds *bounds; /* lent until search_done */
    struct table table;
    bool draw;
    struct table pictures; /* the different sets of certificates met */
    uint32_t depth;        /* steps to the deepest state */
    bool exhausted;        /* no state within the bounds is missing */
    enum broken broken;    /* the search ends at the first broken state, ... */
    uint32_t broken_at;    /* ... the number of that state */
    struct seen seen;
};

/* asked: BROKEN_BITs to judge by. draw: keep pictures, too. Ends when all is
 * explored, something is broken, or max_states are found. */
void search_run(struct search *search, const struct bounds *bounds,
                uint32_t asked, uint32_t max_states, bool draw);
void search_done(struct search *search);

/* Both drew, and the same sets of certificates. */
bool search_same_pictures(const struct search *one, const struct search *other);

/* What was explored with names has the shapes that were explored without: no
 * state was lost to symmetry. */
bool search_same_shapes(const struct search *named, const struct search *other);

/* The votes that lead to the broken state, in out_moves (MODEL_STEPS of them at
 * most); returns how many. CHECKed: something is broken. */
#define MODEL_STEPS (MODEL_VIEWS * MODEL_HONEST * (1 + 2 * MODEL_PROPOSALS))
uint32_t search_trace(const struct search *search,
                      struct move out_moves[MODEL_STEPS]);

#endif
