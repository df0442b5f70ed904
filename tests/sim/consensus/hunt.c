/* Is the judge blind? One rule at a time is left out of the core, and seeds are
 * lived until one of them notices. A seed counts only if the whole core holds
 * in it: else it would catch anything. */

#include "tests/sim/consensus/habitat.h"
#include "tests/sim/consensus/runs.h"

#include "base/check.h"
#include "ledger/sx/sx_mutant.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef SUAN_MUTANTS

/* A rule that no plan asks for must not be looked for without end. */
#define SEEDS_MAX 1000000u

struct caught {
    uint64_t worlds; /* lived */
    uint64_t seed;   /* of the last of them */
    bool caught;
    char reason[REASON_MAX];
};

/* What workers share. */
static struct shared {
    atomic_uint_fast64_t next;
    struct caught caught[SX_MUTANT_COUNT];
} * shared;

static const struct {
    const char *name;
    const char *room;
    const char *rule;
} mutants[SX_MUTANT_COUNT] = {{"NONE", "", ""},
#define X(id, room, rule) {#id, room, rule},
                              SX_MUTANTS(X)
#undef X
};

/* ---- one ---- */

/* Does the seed catch it, and is the seed good? */
static bool catches(const struct run_options *options, uint64_t mutant,
                    uint64_t seed, unsigned seat)
{
    struct run_options one = *options;
    const char *reason;
    one.mutant = mutant;
    if (runs_muted(&one, seed, seat, &reason))
        return false;
    memcpy(shared->caught[mutant].reason, reason, REASON_MAX);
    one.mutant = SX_MUTANT_NONE;
    return runs_muted(&one, seed, seat, &reason);
}

static void hunt_one(const struct run_options *options, uint64_t mutant,
                     const struct hunt_bounds *bounds, unsigned seat)
{
    struct caught *caught = &shared->caught[mutant];
    for (uint64_t seed = bounds->from;
         seed < bounds->from + SEEDS_MAX && caught->worlds < bounds->tries;
         seed++) {
        struct plan plan;
        plan_draw(&plan, seed, (uint32_t)options->nodes);
        if (plan_has_pages(seed))
            plan_pages(&plan);
        if (!habitat_fits(mutant, &plan))
            continue;
        caught->worlds++;
        caught->seed = seed;
        caught->caught = catches(options, mutant, seed, seat);
        if (caught->caught)
            return;
    }
}

/* ---- all ---- */

/* Those that a few seeds catch, one of each kind. */
static bool is_quick(uint64_t mutant)
{
    return mutant == SX_MUTANT_NOTARIZE_TWICE ||
           mutant == SX_MUTANT_FINALIZE_AFTER_NULLIFY ||
           mutant == SX_MUTANT_SEND_UNLOGGED ||
           mutant == SX_MUTANT_FORGET_VOTES || mutant == SX_MUTANT_NO_DEADLINE;
}

static bool is_asked(const struct run_options *options, uint64_t mutant)
{
    if (options->quick)
        return is_quick(mutant);
    return options->mutant == 0 || options->mutant == mutant;
}

static void hunt_some(const struct run_options *options,
                      const struct hunt_bounds *bounds, unsigned seat)
{
    uint64_t i;
    while ((i = atomic_fetch_add(&shared->next, 1) + 1) < SX_MUTANT_COUNT)
        if (is_asked(options, i))
            hunt_one(options, i, bounds, seat);
}

static void print_caught(uint64_t mutant)
{
    const struct caught *caught = &shared->caught[mutant];
    printf("| %" PRIu64 " | %s | %s: %s | ", mutant, mutants[mutant].name,
           mutants[mutant].room, mutants[mutant].rule);
    if (caught->caught)
        printf("%" PRIu64 " | %" PRIu64 " | %s |\n", caught->worlds,
               caught->seed, caught->reason);
    else
        printf("%" PRIu64 " | | **not caught** |\n", caught->worlds);
}

static int print_all(const struct run_options *options, double seconds)
{
    uint64_t all = 0;
    uint64_t caught = 0;
    uint64_t worlds = 0;
    printf("| n | bug | what is left out | seeds | seed | caught by |\n"
           "|---|---|---|---|---|---|\n");
    for (uint64_t i = 1; i < SX_MUTANT_COUNT; i++) {
        if (!is_asked(options, i))
            continue;
        print_caught(i);
        all++;
        caught += shared->caught[i].caught ? 1 : 0;
        worlds += shared->caught[i].worlds;
    }
    printf("%" PRIu64 " of %" PRIu64 " caught, in %" PRIu64 " seeds and "
           "%.0f s\n",
           caught, all, worlds, seconds);
    return caught == all ? 0 : 1;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int hunt(const struct run_options *options, const struct hunt_bounds *bounds)
{
    unsigned workers =
        options->workers > 0 ? (unsigned)options->workers : runs_workers();
    double began = now_s();
    if (workers > WORKERS_MAX)
        workers = WORKERS_MAX;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    fflush(stdout);
    for (unsigned seat = 0; seat < workers; seat++)
        if (fork() == 0) {
            hunt_some(options, bounds, seat);
            _exit(0);
        }
    while (workers > 0 && wait(NULL) > 0)
        workers--;
    return print_all(options, now_s() - began);
}

#else

int hunt(const struct run_options *options, const struct hunt_bounds *bounds)
{
    (void)options;
    (void)bounds;
    fprintf(stderr, "this program has no seeded bugs in it; build sim_mutants "
                    "and ask that\n");
    return 2;
}

#endif
