#ifndef TESTS_EXHAUST_RUNS_H
#define TESTS_EXHAUST_RUNS_H

/* The bounds that are searched, one after the other, each in a process of its
 * own. */

#include "tests/exhaust/search.h"

struct orders {
    struct limits limits;
    bool audit;
    bool plain; /* no seconds and megabytes */
    bool quick;
    bool all; /* also the bounds that take minutes */
};

/* One search; tells what it found. The program's exit code. */
int runs_one(const struct bounds *bounds, const struct orders *orders);
int runs_all(const struct orders *orders);
/* Seeded bugs; name NULL: all. Only where they are compiled in. */
int runs_mutants(const struct orders *orders, const char *name);

#endif
