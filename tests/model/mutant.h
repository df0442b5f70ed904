#ifndef TESTS_MODEL_MUTANT_H
#define TESTS_MODEL_MUTANT_H

/* Mutants: the protocol with one rule taken away, and the bounds within which
 * that must show. */

#include "tests/model/model.h"

struct mutant {
    const char *name;
    const char *stake;
    uint32_t views;
    uint32_t last;
    uint32_t removed; /* RULE_BITs */
    /* How bad it is. Those that are not the worst are explored to the end. */
    enum { FORKS, STOPS, BREAKS_NO_FORK, BREAKS_NOTHING } harm;
    const char *because; /* ... it is not worse; NULL: it is */
};

extern const struct mutant mutants[];
extern const uint32_t mutant_count;

/* NULL when there is none of that name. */
const struct mutant *mutant_find(const char *name);
/* The words of the (first) rule it takes away. */
const char *mutant_words(const struct mutant *mutant);

#endif
