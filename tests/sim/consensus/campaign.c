/* Many seeds: each in a process of its own, on all cores. */

#include "tests/sim/consensus/runs.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TOLD_S 15.0 /* between two lines of progress */

struct sum {
    atomic_uint_fast64_t seeds;
    atomic_uint_fast64_t failed;
    atomic_uint_fast64_t simulated_ms;
    atomic_uint_fast64_t cpu_us;
    atomic_uint_fast64_t events;
    atomic_uint_fast64_t blocks;
    atomic_uint_fast64_t fetches;
    atomic_uint_fast64_t txs;
    atomic_uint_fast64_t kills;
};

/* What the workers share. */
static struct {
    atomic_uint_fast64_t next;
    atomic_bool stop;
    struct sum sums[PLAN_KEYS_MAX + 1]; /* by validators */
} * shared;

static void on_stop(int number)
{
    (void)number;
    atomic_store(&shared->stop, true);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- a worker ---- */

static void add(struct sum *sum, const struct outcome *outcome)
{
    sum->seeds++;
    sum->simulated_ms += outcome->simulated_us / MS;
    sum->cpu_us += outcome->cpu_us;
    sum->events += outcome->events;
    sum->blocks += outcome->blocks;
    sum->fetches += outcome->fetches;
    sum->txs += outcome->txs;
    sum->kills += outcome->kills;
}

static void work_one(const struct run_options *options, uint64_t seed,
                     unsigned seat)
{
    struct outcome outcome;
    struct plan plan;
    if (runs_apart(options, seed, seat, &outcome)) {
        add(&shared->sums[outcome.keys], &outcome);
        return;
    }
    plan_draw(&plan, seed, (uint32_t)options->nodes);
    shared->sums[plan.keys].seeds++;
    shared->sums[plan.keys].failed++;
    runs_report(options, seed, seat);
}

static uint64_t step_of(const struct run_options *options)
{
    return options->step == 0 ? 1 : options->step;
}

static void work(const struct run_options *options, uint64_t from,
                 uint64_t count, unsigned seat)
{
    uint64_t i;
    while (!shared->stop && (i = atomic_fetch_add(&shared->next, 1)) < count)
        work_one(options, from + i * step_of(options), seat);
}

/* ---- the sums ---- */

static struct sum sum_of_all(void)
{
    struct sum all = {0};
    for (uint32_t n = 0; n <= PLAN_KEYS_MAX; n++) {
        const struct sum *sum = &shared->sums[n];
        all.seeds += sum->seeds;
        all.failed += sum->failed;
        all.simulated_ms += sum->simulated_ms;
        all.cpu_us += sum->cpu_us;
        all.events += sum->events;
        all.blocks += sum->blocks;
        all.fetches += sum->fetches;
        all.txs += sum->txs;
        all.kills += sum->kills;
    }
    return all;
}

static void print_progress(uint64_t count, double began)
{
    struct sum all = sum_of_all();
    printf("  %" PRIu64 " of %" PRIu64 " seeds, %" PRIu64
           " failed, %.1f seeds/s\n",
           (uint64_t)all.seeds, count, (uint64_t)all.failed,
           (double)all.seeds / (now_s() - began));
    fflush(stdout);
}

static void print_sums(void)
{
    for (uint32_t n = 0; n <= PLAN_KEYS_MAX; n++) {
        const struct sum *sum = &shared->sums[n];
        if (sum->seeds == 0)
            continue;
        printf("n = %2u: %" PRIu64 " seeds, %" PRIu64
               " failed, %.1f h simulated, %.1f million events, %" PRIu64
               " blocks, %" PRIu64 " transactions, %" PRIu64
               " crashes, %.1f ms each\n",
               n, (uint64_t)sum->seeds, (uint64_t)sum->failed,
               (double)sum->simulated_ms / 3.6e6, (double)sum->events / 1e6,
               (uint64_t)sum->blocks, (uint64_t)sum->txs, (uint64_t)sum->kills,
               (double)sum->cpu_us / 1e3 / (double)sum->seeds);
    }
}

static int finish(uint64_t from, uint64_t step, uint64_t count, double began)
{
    struct sum all = sum_of_all();
    print_sums();
    if (all.seeds < count)
        printf("stopped; go on with --many %" PRIu64 " --from %" PRIu64 "\n",
               count - (uint64_t)all.seeds, from + (uint64_t)all.seeds * step);
    printf("%" PRIu64 " seeds, %" PRIu64
           " failed, %.1f seeds/s, %.1f h simulated, %.1f million events, "
           "%" PRIu64 " blocks, %" PRIu64 " states fetched\n",
           (uint64_t)all.seeds, (uint64_t)all.failed,
           (double)all.seeds / (now_s() - began),
           (double)all.simulated_ms / 3.6e6, (double)all.events / 1e6,
           (uint64_t)all.blocks, (uint64_t)all.fetches);
    return all.failed == 0 && all.seeds == count ? 0 : 1;
}

/* ---- all of it ---- */

static void wait_for(unsigned workers, double began, uint64_t count)
{
    double told = began;
    while (workers > 0) {
        struct timespec nap = {0, 20000000};
        pid_t gone = waitpid(-1, NULL, WNOHANG);
        if (gone > 0)
            workers--;
        if (gone < 0 && errno == ECHILD)
            return;
        if (gone > 0)
            continue;
        (void)nanosleep(&nap, NULL);
        if (now_s() - told < TOLD_S)
            continue;
        told = now_s();
        print_progress(count, began);
    }
}

int campaign(const struct run_options *options, uint64_t from, uint64_t count)
{
    unsigned workers = runs_workers();
    double began = now_s();
    if (options->workers > 0 && options->workers < workers)
        workers = (unsigned)options->workers;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    (void)signal(SIGINT, on_stop);
    (void)signal(SIGTERM, on_stop);
    fflush(stdout);
    for (unsigned seat = 0; seat < workers; seat++)
        if (fork() == 0) {
            work(options, from, count, seat);
            fflush(stdout);
            _exit(0);
        }
    wait_for(workers, began, count);
    return finish(from, step_of(options), count, began);
}
