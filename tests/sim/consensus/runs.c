#include "tests/sim/consensus/runs.h"

#include "base/check.h"
#include "ledger/sx/sx_mutant.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seeds that failed once, by what was wrong. One of 31 validators takes longer
 * than all others, and is lived where the program is optimised. */
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
    {102210, 0, "who had spoken was counted again, by another set's weights"},
    {20006, 0, "votes on a link whose key is not proven count for nothing"},
    {21263, 0, "who died before it told of an epoch's end knew the next set"},
    {100269, 0, "an unbonding that was refused held up all that came after it"},
    {1073, 1,
     "a block that was made again after a restart was sent twice over"},
    {1010, 3, "a store whose set had rotted decided alone"},
    {4000000, 3,
     "the head, told again with its body, hid all that stands on it"},
    {12899, 0, "what was cut was synced, what was left was not"},
    {101165, 0, "full pools threw out three in turn and passed them on"},
    {20009530, 0, "a damaged store's next set was taken for its last word"},
    {30027709, 0, "where links keep no order, a run was asked for once more"},
    {30042690, 0,
     "where pools are small, blocks took as long as a grown D lets"},
    {215, 0, "a certificate without a signature was what to recall"},
    {9002, 0, "views were added up past their end: two votes in one view"},
    {41, 0, "a leader's hundred proposals drove out what was voted for"},
    {186, 0,
     "a leader's hundred proposals did so where links keep their order"},
    {359, 0, "who came back from afar had room for the tip only"},
    {649, 0, "who came back from afar asked for nothing more"},
    {127, 0, "true decisions of the tip took the room of those below"},
    {1113, 0, "true decisions of the tip, and where they do not lead"},
    {273, 0, "a new epoch's first view was given up unheard"},
    {50000776, 0, "who had just proven its key counted as away"},
    {50001293, 0, "who had just proven its key, in other weather"},
    {50018142, 0, "who had just come back on a link of its own key"},
    {50025543, 0, "copies that were cut off until the end had no time to meet"},
    {50032402, 0, "a state was fetched, and a vote cast upon it at once"},
    {60028406, 0, "below a notarized block one of a view given up was missing"},
    {70016868, 0, "the head was decided again and again, and bodies stayed"},
    {70016914, 0, "a rotten store knew of another height"},
    {90016488, 0, "one alone lost the end of its log, and then its store"},
    {100003859, 0, "D had to grow by heartbeats, and somebody to recall"},
#ifdef NDEBUG
    {140030860, 0, "the same, and D had to grow for each block anew"},
#endif
    {110019137, 0, "what had expired on the way was about to be looked at"},
    {110056802, 0, "who had recalled lost its store, and believed its log"},
    {35618, 0, "the same, where disks lose one thing after the other"},
    {110059589, 0, "who fetches the state looks at no vote"},
    {120008278, 0, "too many dishonest decided another chain's block"},
    {140181114, 0, "who says yes to all heard others who do, for ever"},
    {150021258, 0, "who fetches the state enters no view its log brings it to"},
    {150129905, 0, "a newcomer alone heard guilty votes, and has no vote yet"},
    {190031862, 0, "the last block was not counted, and its views were"},
    {190135877, 0, "an epoch began apart, and D was to be as before at once"},
    {190174005, 0, "the same, with a late one among three"},
    {190192105, 0, "the same, with two newcomers"},
    {170000164, 0, "a view that ended late was remembered for ever"},
    {140126667, 0, "a rotten number of the genesis ended the process"},
    {50017564, 0, "too many dishonest decided against what one voted for"},
    {50028592, 0, "too many dishonest: final on one fork, not on the other"},
    {60016731, 0, "too many dishonest: numbers of two forks"},
};

/* A seed takes a fraction of a second of processor time; one that does not end
 * is wrong, too. */
#define SECONDS_MAX       120
#define SECONDS_MAX_MUTED 20 /* of a seeded bug: many seeds end in time */

/* What workers share. */
struct shared {
    struct seat {
        struct outcome outcome;
        char reason[REASON_MAX];
    } seats[WORKERS_MAX];
};

static struct world world;
static struct shared *shared;

static void on_signal(int number)
{
    (void)signal(SIGABRT, SIG_DFL);
    judge_fails(&world, "%s",
                number == SIGPROF ? "it does not end" : "a CHECK");
}

void runs_init(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    /* What is freed stays here: a seed takes and gives a lot. */
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    mallopt(M_MMAP_THRESHOLD, 256 << 20);
    mallopt(M_TOP_PAD, 4 << 20);
    judge_world = &world;
    judge_reason = shared->seats[0].reason;
    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGPROF, on_signal);
}

/* ---- one ---- */

static struct outcome live(const struct run_options *options, uint64_t seed,
                           struct telling telling)
{
    struct plan plan;
    struct outcome outcome;
    plan_draw(&plan, seed, (uint32_t)options->nodes);
    if (options->pages || plan_has_pages(seed))
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
                               .keys = plan.keys,
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

static uint64_t used_us(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0)
        return 0;
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * SECOND +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void limit_time(bool muted)
{
    struct itimerval limit = {
        .it_value = {.tv_sec = muted ? SECONDS_MAX_MUTED : SECONDS_MAX}};
    CHECK(setitimer(ITIMER_PROF, &limit, NULL) == 0);
}

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
        limit_time(mute);
        shared->seats[seat].outcome = live(options, seed, telling);
        shared->seats[seat].outcome.cpu_us = used_us();
        fflush(stdout);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 3;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

bool runs_apart(const struct run_options *options, uint64_t seed, unsigned seat,
                struct outcome *out)
{
    struct telling none = {0};
    int code = live_apart(options, seed, seat, none, false);
    *out = shared->seats[seat].outcome;
    return code == 0;
}

bool runs_muted(const struct run_options *options, uint64_t seed, unsigned seat,
                const char **out_reason)
{
    struct telling none = {0};
    *out_reason = shared->seats[seat].reason;
    return live_apart(options, seed, seat, none, true) == 0;
}

void runs_report(const struct run_options *options, uint64_t seed,
                 unsigned seat)
{
    printf("seed %" PRIu64 " fails: %s\n", seed, shared->seats[seat].reason);
    print_again(options, seed);
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
        runs_report(&one, regressions[i].seed, 0);
        failed++;
    }
    return failed == 0 ? 0 : 1;
}

unsigned runs_workers(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
}
