#ifndef TESTS_SIM_CONSENSUS_RUNS_H
#define TESTS_SIM_CONSENSUS_RUNS_H

/* Runs: one seed, many at once in processes of their own, one twice, and the
 * hunt for the seeded bugs of ledger/sx/sx_mutant.h. The int ones return what
 * the program exits with. */

#include "tests/sim/consensus/world.h"

struct run_options {
    bool real;
    uint64_t nodes;   /* 0: as the seed says */
    uint64_t views;   /* 0: likewise */
    uint64_t mutant;  /* 0: none; with hunt: all */
    uint64_t act;     /* enum mischief's bit, + 1: somebody does that; 0: as the
                         seed says */
    uint64_t workers; /* 0: one for each core */
    uint64_t step;    /* each so many-th seed; 0: each */
    bool pages;       /* newcomers fetch the state in every seed */
    bool quick;       /* hunt: a handful of them */
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
    uint64_t fetches;
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
/* The same for a world that may do anything: nothing of it is printed.
 * *out_reason is lent until the seat's next. */
bool runs_muted(const struct run_options *options, uint64_t seed, unsigned seat,
                const char **out_reason);
void runs_report(const struct run_options *options, uint64_t seed,
                 unsigned seat);
unsigned runs_workers(void); /* as many as there are cores */
int runs_regressions(const struct run_options *options);

/* ---- campaign.c ---- */

/* Seeds from, from + 1, ... on all cores, or on `workers` of them; a line for
 * each number of validators, and the sum. SIGINT and SIGTERM end it after the
 * seeds under way, with the sum so far and where to go on. */
int campaign(const struct run_options *options, uint64_t from, uint64_t count);

/* ---- hunt.c ---- */

struct hunt_bounds {
    uint64_t from;  /* the first seed */
    uint64_t tries; /* so many worlds for each bug */
};

/* The seeded bugs of ledger/sx/sx_mutant.h, one after the other: each lives in
 * at most `tries` worlds that have what its rule is for, until one catches it
 * that is good without it. Needs a build with SUAN_MUTANTS. */
int hunt(const struct run_options *options, const struct hunt_bounds *bounds);

#endif
