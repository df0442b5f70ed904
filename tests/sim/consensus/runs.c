#include "tests/sim/consensus/runs.h"

#include "base/check.h"
#include "ledger/sx_mutant.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seeds that failed once, by what was wrong. */
static const struct {
    uint64_t seed;
    uint64_t nodes;
    const char *what;
} regressions[] = {
    {8, 2, "a heartbeat was followed by another at once"},
    {5, 4, "a validator whose claim was lost stayed a stranger"},
    {168, 4, "what was to be recalled ran ahead of the chain"},
    {242, 4, "epochs of one block never let anybody recall"},
    {56, 0, "a word without its certificate counted for recalling"},
    {32, 0, "a block that only our vote named was forgotten"},
    {76, 1, "the store was ahead of the log"},
    {2404, 0, "a block proposed again was finalized from the tree"},
    {10704, 0, "the log was cut to nothing and taken for a lost one"},
    {12899, 0, "what was cut was synced, what was left was not"},
};

/* A seed takes a fraction of a second; one that does not end is wrong, too. */
#define SECONDS_MAX 60
#define PAGES_EVERY 7 /* seeds: one of so many has newcomers that fetch */
#define WORKERS_MAX 64

struct outcome {
    uint64_t simulated_us;
    uint64_t events;
    uint64_t blocks;
    uint64_t txs;
    uint64_t trace;
    uint64_t kills;
    uint64_t fetches;
};

/* What workers share. */
struct shared {
    atomic_uint_fast64_t next;
    atomic_uint_fast64_t failed;
    atomic_uint_fast64_t done;
    atomic_uint_fast64_t simulated_ms;
    atomic_uint_fast64_t events;
    atomic_uint_fast64_t blocks;
    atomic_uint_fast64_t fetches;
    struct seat {
        struct outcome outcome;
        char reason[REASON_MAX];
    } seats[WORKERS_MAX];
    struct caught {
        uint64_t seeds; /* tried; 0: not yet */
        bool caught;
        char reason[REASON_MAX];
    } caught[SX_MUTANT_COUNT];
};

static struct world world;
static struct shared *shared;

static void on_signal(int number)
{
    (void)signal(SIGABRT, SIG_DFL);
    judge_fails(&world, "%s",
                number == SIGALRM ? "it does not end" : "a CHECK");
}

void runs_init(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    judge_world = &world;
    judge_reason = shared->seats[0].reason;
    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGALRM, on_signal);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- one ---- */

static struct outcome live(const struct run_options *options, uint64_t seed,
                           struct telling telling)
{
    struct plan plan;
    struct outcome outcome;
    plan_draw(&plan, seed, (uint32_t)options->nodes);
    if (options->pages || (seed % PAGES_EVERY == 2 && options->mutant == 0))
        plan_pages(&plan);
    plan.real_signatures = options->real;
    if (options->views > 0)
        plan.views_max = options->views;
    if (options->act > 0)
        plan_act(&plan, 1u << (options->act - 1));
#ifdef SUAN_MUTANTS
    sx_mutant = (int)options->mutant;
#endif
    if (telling.keeps || telling.prints)
        plan_print(&plan);
    world_init(&world, &plan, telling);
    world_run(&world);
    outcome = (struct outcome){.simulated_us = world.now_us,
                               .events = world.events,
                               .blocks = world.final_count - 1,
                               .txs = world.txs_final,
                               .trace = world.trace,
                               .kills = world.kills,
                               .fetches = world.fetches};
    world_done(&world);
    return outcome;
}

static void print_again(const struct run_options *options, uint64_t seed)
{
    printf("  again: ./run sim --seed %" PRIu64, seed);
    if (options->pages)
        printf(" --pages");
    if (options->nodes > 0)
        printf(" --nodes %" PRIu64, options->nodes);
    if (options->views > 0)
        printf(" --views %" PRIu64, options->views);
    if (options->act > 0)
        printf(" --act %" PRIu64, options->act);
    if (options->mutant > 0)
        printf(" --mutant %" PRIu64, options->mutant);
    printf("%s -v\n", options->real ? " --real" : "");
    fflush(stdout);
}

int runs_one(const struct run_options *options, uint64_t seed, bool verbose)
{
    struct telling telling = {.keeps = true, .prints = verbose};
    struct outcome outcome;
    print_again(options, seed);
    outcome = live(options, seed, telling);
    printf("seed %" PRIu64 ": held; %.1f s simulated, %" PRIu64
           " events, %" PRIu64 " blocks, %" PRIu64 " transactions, %" PRIu64
           " crashes, trace %016" PRIx64 "\n",
           seed, (double)outcome.simulated_us / 1e6, outcome.events,
           outcome.blocks, outcome.txs, outcome.kills, outcome.trace);
    return 0;
}

/* Same seed, same world: told twice, the traces are one. */
int runs_twice(const struct run_options *options, uint64_t seed)
{
    struct telling telling = {0};
    struct outcome first = live(options, seed, telling);
    struct outcome second = live(options, seed, telling);
    printf("trace %016" PRIx64 " and %016" PRIx64 "\n", first.trace,
           second.trace);
    if (first.trace == second.trace && first.events == second.events)
        return 0;
    printf("seed %" PRIu64 " fails: two runs differ\n", seed);
    return 1;
}

/* ---- apart: a seed that fails does not end the others ---- */

static int live_apart(const struct run_options *options, uint64_t seed,
                      unsigned seat, struct telling telling, bool mute)
{
    int status = 0;
    pid_t pid;
    fflush(stdout);
    shared->seats[seat].reason[0] = '\0';
    pid = fork();
    if (pid == 0) {
        judge_reason = shared->seats[seat].reason;
        world.plan.seed = seed;
        if (mute) {
            int null = open("/dev/null", O_WRONLY);
            if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
                _exit(3);
        }
        alarm(SECONDS_MAX);
        shared->seats[seat].outcome = live(options, seed, telling);
        fflush(stdout);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 3;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static void report_failure(const struct run_options *options, uint64_t seed,
                           unsigned seat)
{
    printf("seed %" PRIu64 " fails: %s\n", seed, shared->seats[seat].reason);
    print_again(options, seed);
}

static void work(const struct run_options *options, uint64_t from,
                 uint64_t count, unsigned seat)
{
    struct telling none = {0};
    uint64_t i;
    while ((i = atomic_fetch_add(&shared->next, 1)) < count) {
        const struct outcome *outcome = &shared->seats[seat].outcome;
        if (live_apart(options, from + i, seat, none, false) != 0) {
            report_failure(options, from + i, seat);
            atomic_fetch_add(&shared->failed, 1);
        } else {
            atomic_fetch_add(&shared->simulated_ms, outcome->simulated_us / MS);
            atomic_fetch_add(&shared->events, outcome->events);
            atomic_fetch_add(&shared->blocks, outcome->blocks);
            atomic_fetch_add(&shared->fetches, outcome->fetches);
        }
        atomic_fetch_add(&shared->done, 1);
    }
}

static unsigned worker_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
}

static void wait_for(unsigned workers, double began, uint64_t count)
{
    double told = began;
    while (workers > 0) {
        struct timespec nap = {0, 20000000};
        if (waitpid(-1, NULL, WNOHANG) > 0) {
            workers--;
            continue;
        }
        nanosleep(&nap, NULL);
        if (count == 0 || now_s() - told < 15)
            continue;
        told = now_s();
        printf("  %" PRIu64 " of %" PRIu64 " seeds, %" PRIu64
               " failed, %.1f seeds/s\n",
               (uint64_t)shared->done, count, (uint64_t)shared->failed,
               (double)shared->done / (told - began));
        fflush(stdout);
    }
}

int runs_many(const struct run_options *options, uint64_t from, uint64_t count)
{
    unsigned workers = worker_count();
    double began = now_s();
    fflush(stdout);
    for (unsigned seat = 0; seat < workers; seat++)
        if (fork() == 0) {
            work(options, from, count, seat);
            fflush(stdout);
            _exit(0);
        }
    wait_for(workers, began, count);
    printf("%" PRIu64 " seeds, %" PRIu64
           " failed, %.1f seeds/s, %.1f h simulated, %.1f million events, "
           "%" PRIu64 " blocks, %" PRIu64 " states fetched\n",
           count, (uint64_t)shared->failed, (double)count / (now_s() - began),
           (double)shared->simulated_ms / 3.6e6, (double)shared->events / 1e6,
           (uint64_t)shared->blocks, (uint64_t)shared->fetches);
    return shared->failed == 0 && shared->done == count ? 0 : 1;
}

int runs_regressions(const struct run_options *options)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof(regressions) / sizeof(regressions[0]); i++) {
        struct run_options one = *options;
        struct telling none = {0};
        one.nodes = regressions[i].nodes;
        if (live_apart(&one, regressions[i].seed, 0, none, false) == 0) {
            printf("held  %" PRIu64 ": %s\n", regressions[i].seed,
                   regressions[i].what);
            continue;
        }
        printf("FAILS %" PRIu64 ": %s\n", regressions[i].seed,
               regressions[i].what);
        report_failure(&one, regressions[i].seed, 0);
        failed++;
    }
    return failed == 0 ? 0 : 1;
}

/* ---- mutants ---- */

#ifdef SUAN_MUTANTS

static const struct {
    const char *name;
    const char *room;
    const char *rule;
} mutants[SX_MUTANT_COUNT] = {{"NONE", "", ""},
#define X(id, room, rule) {#id, room, rule},
                              SX_MUTANTS(X)
#undef X
};

static void hunt(const struct run_options *options, uint64_t mutant,
                 uint64_t tries, unsigned seat)
{
    struct run_options one = *options;
    struct caught *caught = &shared->caught[mutant];
    struct telling none = {0};
    one.mutant = mutant;
    for (uint64_t seed = 1; seed <= tries && !caught->caught; seed++) {
        caught->seeds = seed;
        if (live_apart(&one, seed, seat, none, true) == 0)
            continue;
        caught->caught = true;
        memcpy(caught->reason, shared->seats[seat].reason, REASON_MAX);
    }
}

/* The ones that any ten seeds catch. */
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

static void hunt_some(const struct run_options *options, uint64_t tries,
                      unsigned seat)
{
    uint64_t i;
    while ((i = atomic_fetch_add(&shared->next, 1) + 1) < SX_MUTANT_COUNT)
        if (is_asked(options, i))
            hunt(options, i, tries, seat);
}

static void print_caught(uint64_t mutant)
{
    const struct caught *caught = &shared->caught[mutant];
    printf("| %" PRIu64 " | %s | %s: %s | ", mutant, mutants[mutant].name,
           mutants[mutant].room, mutants[mutant].rule);
    if (caught->caught)
        printf("%" PRIu64 " | %s |\n", caught->seeds, caught->reason);
    else
        printf("**not caught** in %" PRIu64 " | |\n", caught->seeds);
}

int runs_mutants(const struct run_options *options, uint64_t tries)
{
    unsigned workers = worker_count();
    uint64_t all = 0;
    uint64_t caught = 0;
    fflush(stdout);
    for (unsigned seat = 0; seat < workers; seat++)
        if (fork() == 0) {
            hunt_some(options, tries, seat);
            _exit(0);
        }
    wait_for(workers, now_s(), 0);
    printf("| n | bug | what is left out | seeds | caught by |\n"
           "|---|---|---|---|---|\n");
    for (uint64_t i = 1; i < SX_MUTANT_COUNT; i++) {
        if (!is_asked(options, i))
            continue;
        print_caught(i);
        all++;
        caught += shared->caught[i].caught ? 1 : 0;
    }
    printf("%" PRIu64 " of %" PRIu64 " caught\n", caught, all);
    return caught == all ? 0 : 1;
}

#else

int runs_mutants(const struct run_options *options, uint64_t tries)
{
    (void)options;
    (void)tries;
    fprintf(stderr, "this program has no seeded bugs in it; build sim_mutants "
                    "and ask that\n");
    return 2;
}

#endif
