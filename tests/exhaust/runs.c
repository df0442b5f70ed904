#include "tests/exhaust/runs.h"

#include "base/check.h"
#include "tests/exhaust/judge.h"
#include "tests/exhaust/region.h"
#include "tests/exhaust/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the bounds ---- */

enum size { QUICK, SOME, LONG };

struct row {
    enum size size;
    const char *bounds;
};

/* A plain one is behind the same with the reduction: both must come to the same
 * shapes, and to the same things said. */
static const struct row rows[] = {
    {QUICK, "-n 1 --views 3 --txs 3 --crashes 2"},
    {QUICK, "-n 1 --views 3 --txs 3 --crashes 2 --epoch 1"},
    {QUICK, "-n 2 --views 2 --txs 1 --votes"},
    {QUICK, "-n 2 --views 2 --txs 1 --votes --plain"},
    {SOME, "-n 2 --views 2 --txs 2 --crashes 1"},
    {SOME, "-n 2 --views 3 --txs 2 --votes --fused"},
    {SOME, "-n 2 --views 3 --txs 2 --crashes 1"},
    {SOME, "-n 2 --views 3 --txs 2 --crashes 1 --epoch 1"},
    {QUICK, "-n 3 --views 1 --txs 1 --votes"},
    {SOME, "-n 3 --views 1 --txs 1 --crashes 1 --votes"},
    {QUICK, "-n 3 --views 2 --txs 1"},
    {SOME, "-n 3 --views 2 --txs 1 --crashes 1"},
    {SOME, "-n 3 --views 3 --txs 2 --fused"},
    {SOME, "-n 3 --views 3 --txs 2 --epoch 1 --fused"},
    {QUICK, "-n 4 --views 1 --txs 1"},
    {SOME, "-n 4 --views 1 --txs 1 --plain"},
    {SOME, "-n 4 --views 1 --txs 1 --crashes 1"},
    {SOME, "-n 4 --views 2 --txs 1 --fused"},
    {SOME, "-n 4 --liar 0 --views 1 --txs 1"},
    {SOME, "-n 4 --liar 0 --views 1 --txs 1 --crashes 1"},
    {QUICK, "-n 4 --liar 0 --views 1 --txs 1 --fused"},
    {SOME, "-n 4 --liar 0 --views 1 --txs 1 --fused --forged"},
    {SOME, "-n 4 --liar 1 --views 1 --txs 1 --votes --fused --forged"},
    {QUICK, "-n 4 --liar 3 --views 2 --txs 1 --fused"},
    {LONG, "-n 4 --liar 1 --views 2 --txs 1 --fused"},
    {LONG, "-n 4 --liar 0 --views 2 --txs 1 --fused"},
};

/* ---- one search ---- */

static void tell_way(const struct bounds *bounds)
{
    struct buf buf;
    char text[BOUNDS_TEXT_MAX];
    buf_init(&buf, 1u << 20);
    search_trace(&buf);
    char *lines = strdup(buf_cstr(&buf));
    CHECK(lines != NULL && buf.err == OK);
    replay_shorten(bounds, lines);
    bounds_text(bounds, text);
    printf("  no line of this can be left out; exhaust %s --replay FILE:\n%s",
           text, lines);
    free(lines);
    buf_done(&buf);
}

static void tell_found(const struct search *found, const struct orders *orders)
{
    printf("%10" PRIu64 " %7u %9" PRIu64 " %7" PRIu64 " %5u %5u %4u  ",
           found->wholes, locals.count, locals.steps, found->worlds,
           letter_count, found->highest, found->depth);
    if (!orders->plain)
        printf("%6.1f %5" PRIu64 "  ", found->seconds, found->bytes >> 20);
    printf("%s", broken.is          ? broken.what
                 : found->exhausted ? "exhausted, nothing broken"
                                    : "nothing broken, NOT exhausted");
}

static void start(const struct bounds *bounds, bool audit)
{
    region_init();
    town_init(bounds);
    letters_init();
    locals_init(audit);
}

/* Of the row before; the rows are run in children. */
struct sizes {
    uint64_t shapes;
    uint64_t worlds;
};
static struct sizes *before;

/* Has the reduction left something out? */
static bool is_less(const struct bounds *bounds, const struct search *found)
{
    bool less =
        bounds->plain && before != NULL &&
        (before->shapes != locals.count || before->worlds != found->worlds);
    if (less)
        printf("; NOT as many shapes or worlds with the reduction");
    if (before != NULL)
        *before = (struct sizes){locals.count, found->worlds};
    return less;
}

int runs_one(const struct bounds *bounds, const struct orders *orders)
{
    struct search found = {0};
    char text[BOUNDS_TEXT_MAX];
    uint64_t elsewhere = 0;
    bounds_text(bounds, text);
    printf("%-58s", text);
    fflush(stdout);
    start(bounds, orders->audit);
    search_run(&orders->limits, isatty(2) == 1, &found);
    tell_found(&found, orders);
    if (orders->audit && !broken.is) {
        elsewhere = locals_audit();
        printf("; %" PRIu64 " of %" PRIu64 " steps again led elsewhere",
               elsewhere, locals.audited);
    }
    bool less = is_less(bounds, &found);
    printf("\n");
    if (broken.is && found.wholes > 0)
        tell_way(bounds);
    return found.exhausted && elsewhere == 0 && !less ? 0 : 1;
}

/* ---- all of them ---- */

/* In a child: memory comes back, and a CHECK ends one row only. */
static int apart(const struct bounds *bounds, const struct orders *orders)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int code = runs_one(bounds, orders);
        fflush(stdout);
        _exit(code);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    printf("ended by signal %d\n", WTERMSIG(status));
    return 1;
}

static void tell_head(const struct orders *orders)
{
    printf("%-58s%10s %7s %9s %7s %5s %5s %4s  %s\n", "bounds", "wholes",
           "shapes", "steps", "worlds", "said", "final", "deep",
           orders->plain ? "" : "     s    MB");
}

static void *shared(size_t size)
{
    void *ptr = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ptr != MAP_FAILED);
    return ptr;
}

int runs_all(const struct orders *orders)
{
    struct bounds bounds;
    uint32_t failed = 0;
    uint32_t done = 0;
    before = shared(sizeof(*before));
    tell_head(orders);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((orders->quick && rows[i].size != QUICK) ||
            (!orders->all && rows[i].size == LONG))
            continue;
        done++;
        bounds_read(&bounds, rows[i].bounds);
        failed += apart(&bounds, orders) != 0;
    }
    printf("%u of %u bounds exhausted with nothing broken\n", done - failed,
           done);
    return failed == 0 ? 0 : 1;
}

/* ---- seeded bugs ---- */

#ifdef SUAN_MUTANTS

static const struct {
    const char *id;
    const char *rule;
} mutants[SX_MUTANT_COUNT] = {{"NONE", ""},
#define X(id, room, rule) {#id, rule},
                              SX_MUTANTS(X)
#undef X
};

/* Those that break something within the bounds; docs/exhaust.md says what keeps
 * the others from it. */
static const uint32_t seen[] = {
    SX_MUTANT_NOTARIZE_TWICE,
    SX_MUTANT_NOTARIZE_AFTER_NULLIFY,
    SX_MUTANT_FINALIZE_AFTER_NULLIFY,
    SX_MUTANT_FINALIZE_OTHER,
    SX_MUTANT_FINALIZE_EARLY,
    SX_MUTANT_SEND_UNLOGGED,
    SX_MUTANT_FORGET_VOTES,
    SX_MUTANT_FORGET_BLOCKS,
    SX_MUTANT_TRIM_TOO_MUCH,
    SX_MUTANT_FINAL_UNSTORED,
    SX_MUTANT_QUORUM_SMALL,
    SX_MUTANT_CERT_UNCHECKED,
    SX_MUTANT_VOTE_UNCHECKED,
    SX_MUTANT_SKIP_UNNULLIFIED,
    SX_MUTANT_PARENT_UNNOTARIZED,
    SX_MUTANT_PROPOSER_ANY,
    SX_MUTANT_BODY_UNCHECKED,
    SX_MUTANT_BUILD_ON_BOUNDARY,
    SX_MUTANT_EPOCH_ANY,
    SX_MUTANT_NULLIFY_HONEST,
};

static const char *const hunts[] = {
    "-n 2 --views 2 --txs 1",
    "-n 2 --views 2 --txs 2 --crashes 1",
    "-n 3 --views 2 --txs 2 --epoch 1 --fused",
    "-n 3 --views 1 --txs 1 --votes",
    "-n 4 --liar 0 --views 1 --txs 1 --fused --forged",
    "-n 4 --liar 1 --views 1 --txs 1 --votes --fused --forged",
    "-n 4 --liar 1 --views 2 --txs 1 --fused",
};
#define QUICK_HUNTS 2u

struct caught {
    bool is;
    uint32_t hunt;
    uint64_t wholes;
    uint64_t steps;
    uint32_t lines;
    char what[200];
};

static uint32_t count_lines(const char *text)
{
    uint32_t count = 0;
    while ((text = strchr(text, '\n')) != NULL) {
        count++;
        text++;
    }
    return count;
}

static void note_way(const struct bounds *bounds, struct caught *out, bool loud)
{
    struct buf buf;
    buf_init(&buf, 1u << 20);
    search_trace(&buf);
    char *lines = strdup(buf_cstr(&buf));
    CHECK(lines != NULL);
    replay_shorten(bounds, lines);
    out->lines = count_lines(lines);
    if (loud)
        printf("%s", lines);
    free(lines);
    buf_done(&buf);
}

static void hunt(const struct bounds *bounds, const struct orders *orders,
                 struct caught *out, bool loud)
{
    struct search found = {0};
    start(bounds, false);
    search_run(&orders->limits, false, &found);
    out->steps += locals.steps;
    if (!broken.is)
        return;
    out->is = true;
    out->wholes = found.wholes;
    strcpy(out->what, broken.what);
    if (found.wholes > 0)
        note_way(bounds, out, loud);
}

static void hunt_apart(uint32_t number, const struct orders *orders,
                       struct caught *out, bool loud)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(freopen("/dev/null", "w", stderr) != NULL);
        struct bounds bounds;
        bounds_read(&bounds, hunts[number]);
        hunt(&bounds, orders, out, loud);
        fflush(stdout);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    out->hunt = number;
    if (WIFEXITED(status))
        return;
    out->is = true;
    strcpy(out->what, "a CHECK of the core, or a step that never ends");
}

static bool hunt_all(uint32_t mutant, const struct orders *orders,
                     struct caught *out, bool loud)
{
    uint32_t count = sizeof(hunts) / sizeof(hunts[0]);
    sx_mutant = (int)mutant;
    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; i < count && !out->is; i++)
        if (!orders->quick || i < QUICK_HUNTS)
            hunt_apart(i, orders, out, loud);
    sx_mutant = SX_MUTANT_NONE;
    return out->is;
}

static void tell_caught(uint32_t mutant, const struct caught *caught)
{
    if (caught->is)
        printf("| `%s` | %s | %s | `%s` | %" PRIu64 " | %" PRIu64 " | %u |\n",
               mutants[mutant].id, mutants[mutant].rule, caught->what,
               hunts[caught->hunt], caught->wholes, caught->steps,
               caught->lines);
    else
        printf("| `%s` | %s | - | | | %" PRIu64 " | |\n", mutants[mutant].id,
               mutants[mutant].rule, caught->steps);
    fflush(stdout);
}

/* Is one asked for? In a hurry only where the smallest bounds show it. */
static bool is_asked(uint32_t mutant, const struct orders *orders,
                     const char *name)
{
    bool listed = false;
    if (name != NULL)
        return strcmp(name, mutants[mutant].id) == 0;
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
        listed = listed || seen[i] == mutant;
    return listed &&
           (!orders->quick || mutant == SX_MUTANT_FINALIZE_AFTER_NULLIFY ||
            mutant == SX_MUTANT_SEND_UNLOGGED ||
            mutant == SX_MUTANT_FORGET_VOTES ||
            mutant == SX_MUTANT_FORGET_BLOCKS ||
            mutant == SX_MUTANT_TRIM_TOO_MUCH);
}

int runs_mutants(const struct orders *orders, const char *name)
{
    uint32_t count = 0;
    uint32_t tried = 0;
    struct caught *caught = shared(sizeof(*caught));
    printf("| mutant | the rule that is gone | broken | bounds | wholes | "
           "steps | lines |\n|---|---|---|---|---|---|---|\n");
    for (uint32_t i = 1; i < SX_MUTANT_COUNT; i++) {
        if (!is_asked(i, orders, name))
            continue;
        tried++;
        count += hunt_all(i, orders, caught, name != NULL);
        tell_caught(i, caught);
    }
    if (tried == 0)
        fprintf(stderr,
                "exhaust: there is no such mutant; ledger/sx/sx_mutant.h "
                "has them\n");
    printf("%u of %u caught\n", count, tried);
    return count == tried && tried > 0 ? 0 : 1;
}

#else

int runs_mutants(const struct orders *orders, const char *name)
{
    (void)orders;
    (void)name;
    fprintf(stderr, "this program has no seeded bugs in it; exhaust_mutants "
                    "has\n");
    return 2;
}

#endif
