#ifndef TESTS_SIM_CONSENSUS_RUNS_H
#define TESTS_SIM_CONSENSUS_RUNS_H

/* Runs: one seed, many at once in processes of their own, one twice, and the
 * seeded bugs of ledger/sx_mutant.h. The int ones return what the program exits
 * with. */

#include "tests/sim/consensus/world.h"

struct run_options {
    bool real;
    uint64_t nodes;   /* 0: as the seed says */
    uint64_t views;   /* 0: likewise */
    uint64_t mutant;  /* 0: none; with runs_mutants: all */
    uint64_t act;     /* enum mischief's bit, + 1: somebody does that; 0: as the
                         seed says */
    uint64_t workers; /* 0: one for each core */
    uint64_t step;    /* each so many-th seed; 0: each */
    bool quick;       /* runs_mutants: a handful of them */
};

/* What came of one seed that held. */
struct outcome {
    uint64_t simulated_us;
    uint64_t cpu_us;
    uint64_t events;
    uint64_t blocks;
    uint64_t txs;
    uint64_t trace;
    uint64_t kills;
    uint32_t keys; /* validators of the genesis */
};

#define WORKERS_MAX 64

void runs_init(void);
int runs_one(const struct run_options *options, uint64_t seed, bool verbose);
int runs_twice(const struct run_options *options, uint64_t seed);
/* One seed in a process of its own; seats are below WORKERS_MAX, one for each
 * worker. False: it failed, and runs_report tells of it. */
bool runs_apart(const struct run_options *options, uint64_t seed, unsigned seat,
                struct outcome *out);
void runs_report(const struct run_options *options, uint64_t seed,
                 unsigned seat);
unsigned runs_workers(void); /* as many as there are cores */
int runs_regressions(const struct run_options *options);
/* At most `tries` seeds each. Needs a build with SUAN_MUTANTS. */
int runs_mutants(const struct run_options *options, uint64_t tries);

/* ---- campaign.c ---- */

/* Seeds from, from + 1, ... on all cores, or on `workers` of them; a line for
 * each number of validators, and the sum. SIGINT and SIGTERM end it after the
 * seeds under way, with the sum so far and where to go on. */
int campaign(const struct run_options *options, uint64_t from, uint64_t count);

#endif
