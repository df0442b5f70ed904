#ifndef TESTS_SIM_CONSENSUS_RUNS_H
#define TESTS_SIM_CONSENSUS_RUNS_H

/* Runs: one seed, many at once in processes of their own, one twice, and the
 * seeded bugs of ledger/sx_mutant.h. All return what the program exits with. */

#include "tests/sim/consensus/world.h"

struct run_options {
    bool real;
    uint64_t nodes;  /* 0: as the seed says */
    uint64_t views;  /* 0: likewise */
    uint64_t mutant; /* 0: none; with runs_mutants: all */
    uint64_t act;    /* enum mischief's bit, + 1: somebody does that; 0: as the
                        seed says */
    bool pages;      /* newcomers fetch the state in every seed */
    bool quick;      /* runs_mutants: a handful of them */
};

void runs_init(void);
int runs_one(const struct run_options *options, uint64_t seed, bool verbose);
int runs_twice(const struct run_options *options, uint64_t seed);
int runs_many(const struct run_options *options, uint64_t from, uint64_t count);
int runs_regressions(const struct run_options *options);
/* At most `tries` seeds each. Needs a build with SUAN_MUTANTS. */
int runs_mutants(const struct run_options *options, uint64_t tries);

#endif
