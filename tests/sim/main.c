/* sim_market: the market in one process, on one virtual clock.
 *
 *   sim_market --seed N [-v] [--real]   one world, told as it goes with -v
 *   sim_market --many K [--from N]      K seeds, each in a process of its own
 *   sim_market --regressions            the seeds below
 *   with --graphs                       people ask for graphs of three jobs
 *   with --copies                       .. for an availability
 *
 * Exit 0 when everything held. --real: ed25519 signatures; else keyed hashes,
 * which are many times faster and change nothing but time. */

#include "tests/sim/world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seeds that failed once, by what was wrong. */
static const struct {
    uint64_t seed;
    const char *what;
} regressions[] = {
    {1, "the first world"},
};

/* A seed takes milliseconds; one that does not end is wrong, too. */
#define SECONDS_MAX 20

static struct world world;
static bool copies; /* people ask for an availability */
static bool graphs; /* people ask for graphs instead of single jobs */

static void on_signal(int number)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "seed %" PRIu64 " fails: %s\n",
                       world.plan.seed,
                       number == SIGALRM ? "it does not end" : "a CHECK");
    if (len > 0 && write(STDOUT_FILENO, text, (size_t)len) < 0)
        _exit(3);
    _exit(2);
}

struct outcome {
    uint64_t simulated_ms;
    uint32_t tasks[BUY_EXPIRED + 1]; /* by the state they ended in */
    bool calm;                       /* nothing went wrong */
    uint64_t events;
    uint64_t txs;
    uint64_t trace;
    uint64_t queued; /* holds and contracts that were judged in a line */
    uint64_t moved;  /* tasks of graphs that were planned elsewhere */
};

static void tally(struct outcome *out)
{
    for (uint32_t i = 0; i < world.node_count; i++) {
        const struct buy_job *job = NULL;
        const struct buy *buy = world.nodes[i].buy;
        while (buy != NULL && (job = buy_job_next(buy, job)) != NULL)
            for (uint32_t t = 0; t < job->task_count; t++)
                out->tasks[job->tasks[t].state]++;
    }
}

static void print_tasks(const struct outcome *outcome)
{
    printf("%u done, %u failed, %u cancelled, %u expired",
           outcome->tasks[BUY_DONE], outcome->tasks[BUY_FAILED],
           outcome->tasks[BUY_CANCELLED], outcome->tasks[BUY_EXPIRED]);
}

static struct outcome live(uint64_t seed, bool real, bool verbose)
{
    struct sim_plan plan;
    struct outcome outcome = {0};
    plan_draw(&plan, seed);
    plan.graphs = graphs;
    plan.copies = copies;
    plan.real_signatures = real;
    if (verbose)
        plan_print(&plan);
    world_init(&world, &plan, verbose);
    world_run(&world);
    outcome.simulated_ms = world.now_ms;
    outcome.events = world.events;
    outcome.txs = world.validator.tx_count;
    outcome.trace = world.trace;
    outcome.moved = world.moved;
    outcome.calm = plan.mischief_ms == 0 && plan.fail_permille == 0;
    outcome.queued = world.judge.queued;
    tally(&outcome);
    if (verbose) {
        printf("seed %" PRIu64 ": tasks: ", seed);
        print_tasks(&outcome);
        printf("; %zu contracts, %u kills, %" PRIu64 " checks\n",
               world.judge.contract_count, world.kills, world.judge.checks);
    }
    world_done(&world);
    return outcome;
}

static void add_tasks(struct outcome *sum, const struct outcome *outcome)
{
    for (unsigned i = 0; i <= BUY_EXPIRED; i++)
        sum->tasks[i] += outcome->tasks[i];
    sum->moved += outcome->moved;
}

static void print_one(uint64_t seed, const struct outcome *outcome)
{
    printf("seed %" PRIu64 ": held; %.2f h simulated, %" PRIu64
           " events, %" PRIu64 " transactions, trace %016" PRIx64 "\n",
           seed, (double)outcome->simulated_ms / 3600000, outcome->events,
           outcome->txs, outcome->trace);
}

/* In a process of its own, so that a seed that fails does not end the others.
 */
static bool live_apart(uint64_t seed, bool real, struct outcome *out)
{
    int pipes[2];
    int status = 0;
    pid_t pid;
    bool good;
    fflush(stdout);
    if (pipe(pipes) != 0)
        return false;
    pid = fork();
    if (pid == 0) {
        world.plan.seed = seed;
        alarm(SECONDS_MAX);
        struct outcome outcome = live(seed, real, false);
        bool sent = write(pipes[1], &outcome, sizeof(outcome)) ==
                    (ssize_t)sizeof(outcome);
        _exit(sent ? 0 : 3);
    }
    close(pipes[1]);
    good = pid > 0 && read(pipes[0], out, sizeof(*out)) == sizeof(*out);
    close(pipes[0]);
    if (pid > 0)
        waitpid(pid, &status, 0);
    return good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int live_many(uint64_t from, uint64_t count, bool real)
{
    double began = now_s();
    double hours = 0;
    uint64_t failed = 0;
    uint64_t queued = 0;
    struct outcome calm = {0};
    struct outcome rough = {0};
    for (uint64_t seed = from; seed < from + count; seed++) {
        struct outcome outcome = {0};
        if (!live_apart(seed, real, &outcome)) {
            failed++;
            continue;
        }
        hours += (double)outcome.simulated_ms / 3600000;
        queued += outcome.queued;
        add_tasks(outcome.calm ? &calm : &rough, &outcome);
    }
    printf("tasks in calm worlds: ");
    print_tasks(&calm);
    printf("\ntasks in rough worlds: ");
    print_tasks(&rough);
    if (graphs)
        printf("\ntasks planned elsewhere before their turn: %" PRIu64,
               calm.moved + rough.moved);
    printf("\nholds and contracts that waited, judged: %" PRIu64 "\n", queued);
    printf("%" PRIu64 " seeds, %" PRIu64 " failed, %.1f seeds/s, %.1f h "
           "simulated\n",
           count, failed, (double)count / (now_s() - began), hours);
    return failed == 0 ? 0 : 1;
}

static int live_regressions(void)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof(regressions) / sizeof(regressions[0]); i++) {
        struct outcome outcome;
        bool good = live_apart(regressions[i].seed, false, &outcome);
        printf("%s %" PRIu64 ": %s\n", good ? "held " : "FAILS",
               regressions[i].seed, regressions[i].what);
        failed += good ? 0 : 1;
    }
    return failed == 0 ? 0 : 1;
}

/* Same seed, same world: told twice, the traces are one. */
static int live_twice(uint64_t seed)
{
    struct outcome first = live(seed, false, false);
    struct outcome second = live(seed, false, false);
    if (first.trace == second.trace && first.events == second.events)
        return 0;
    printf("seed %" PRIu64 " fails: two runs differ\n", seed);
    return 1;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: sim_market --seed N [-v] [--real] | --many K [--from N] "
            "[--real] | --twice N | --regressions; --graphs, "
            "--copies\n");
    return 2;
}

static bool number(const char *text, uint64_t *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return *text != '\0' && *end == '\0';
}

int main(int argc, char **argv)
{
    uint64_t seed = 0;
    uint64_t many = 0;
    uint64_t from = 1;
    uint64_t twice = 0;
    bool real = false;
    bool verbose = false;
    bool again = false;
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    for (int i = 1; i < argc; i++) {
        uint64_t *to = strcmp(argv[i], "--seed") == 0    ? &seed
                       : strcmp(argv[i], "--many") == 0  ? &many
                       : strcmp(argv[i], "--from") == 0  ? &from
                       : strcmp(argv[i], "--twice") == 0 ? &twice
                                                         : NULL;
        if (to != NULL) {
            if (i + 1 == argc || !number(argv[++i], to))
                return usage();
        } else if (strcmp(argv[i], "--real") == 0) {
            real = true;
        } else if (strcmp(argv[i], "--copies") == 0) {
            copies = true;
        } else if (strcmp(argv[i], "--graphs") == 0) {
            graphs = true;
        } else if (strcmp(argv[i], "-v") == 0) {
            verbose = true;
        } else if (strcmp(argv[i], "--regressions") == 0) {
            again = true;
        } else {
            return usage();
        }
    }
    if (again)
        return live_regressions();
    if (twice > 0)
        return live_twice(twice);
    if (many > 0)
        return live_many(from, many, real);
    if (seed == 0)
        return usage();
    printf("seed %" PRIu64 "\n", seed);
    struct outcome outcome = live(seed, real, verbose);
    print_one(seed, &outcome);
    return 0;
}
