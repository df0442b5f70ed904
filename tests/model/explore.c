/* model_explore: the voting rules, explored without messages. docs/model.md. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/mutant.h"
#include "tests/model/tell.h"

struct options {
    bool quick;
    bool mutants;
    bool plain; /* no seconds, no megabytes: the same bytes every time */
    const char *mutant;
    const char *stake;
    const char *steps;
    uint32_t views;
    uint32_t proposals;
    uint32_t last;
    uint32_t max_states;
};

static const char *const steps_text[] = {"votes", "certificates", "both"};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- one search --- */

struct answer {
    struct search search;
    double seconds;
    size_t bytes;
};

static void explore(const struct bounds *bounds, uint32_t asked,
                    const struct options *options, bool draw,
                    struct answer *out)
{
    double began = now_s();
    search_run(&out->search, bounds, asked, options->max_states, draw);
    out->seconds = now_s() - began;
    out->bytes = table_bytes(&out->search.table);
}

static const char *yes(bool is)
{
    return is ? "yes" : "-";
}

static void print_head(void)
{
    printf("%-16s %6s %5s %9s %4s %-12s %10s %5s %6s %5s %5s %4s %7s  %s\n",
           "stake", "quorum", "views", "proposals", "last", "steps", "states",
           "depth", "finals", "chain", "again", "both", "settled", "broken");
}

static void print_answer(const struct options *options, const char *stake,
                         const struct answer *answer)
{
    const struct search *search = &answer->search;
    const struct bounds *bounds = search->bounds;
    const struct seen *seen = &search->seen;
    char quorum[24];
    snprintf(quorum, sizeof(quorum), "%u/%u", bounds->quorum, bounds->total);
    printf("%-16s %6s %5u %9u %4u %-12s %10u %5u %6u %5u %5s %4s %7s  %s",
           stake, quorum, bounds->views, bounds->proposals, bounds->last,
           steps_text[bounds->steps], search->table.count, search->depth,
           seen->finals, seen->chain, yes(seen->final_again), yes(seen->both),
           yes(seen->last_settled),
           search->broken != BROKEN_NOTHING ? broken_text(search->broken)
           : search->exhausted              ? "nothing, exhausted"
                                            : "nothing yet, not exhausted");
    if (!options->plain)
        printf("  (%.1f s, %zu MB)", answer->seconds, answer->bytes >> 20);
    printf("\n");
    fflush(stdout);
}

/* Notarize after nullify adds no set of votes (mutant notarize-after-nullify),
 * but lets a vote wait for its certificate, as STEPS_CERTIFICATES needs. */
static bool init(struct bounds *bounds, struct choice choice)
{
    if (choice.steps == STEPS_CERTIFICATES)
        choice.removed |= RULE_BIT(RULE_NOTARIZE_UNNULLIFIED);
    return model_init(bounds, &choice);
}

/* --- the bounds that are explored --- */

enum kind {
    HOLDS,
    HALTS,       /* safe, too, but the honest alone are no quorum */
    HOLDS_TWICE, /* and by steps of certificates come the same certificates */
    BREAKS       /* more Byzantine weight than quorums can bear */
};

struct task {
    struct choice choice;
    enum kind kind;
    bool quick;
};

#define V STEPS_VOTES
#define C STEPS_CERTIFICATES
static const struct task tasks[] = {
    {{"1", 5, 2, 2, V, 0}, HOLDS_TWICE, true},
    {{"1,1", 3, 2, 0, V, 0}, HOLDS_TWICE, true},
    {{"1,1", 4, 2, 2, V, 0}, HOLDS_TWICE, false},
    {{"1,1,1", 3, 2, 0, V, 0}, HOLDS_TWICE, true},
    {{"1,1,1", 3, 2, 1, V, 0}, HOLDS_TWICE, false},
    {{"1,1+1", 3, 2, 0, V, 0}, HALTS, true},
    {{"1,1,1+1", 2, 2, 1, V, 0}, HOLDS_TWICE, true},
    {{"1,1,1+1", 2, 3, 0, V, 0}, HOLDS_TWICE, true},
    {{"1,1,1+1", 3, 2, 0, C, 0}, HOLDS, true},
    {{"1,1,1+1", 3, 2, 1, V, 0}, HOLDS_TWICE, false},
    {{"1,1,1+1", 3, 2, 0, V, 0}, HOLDS_TWICE, false},
    {{"1,1,1+1", 4, 2, 2, C, 0}, HOLDS, false},
    {{"1,1,1+1", 4, 2, 0, C, 0}, HOLDS, false},
    {{"3,3,1+2", 2, 2, 0, V, 0}, HOLDS_TWICE, true},
    {{"3,3,2+1", 3, 2, 0, C, 0}, HOLDS, true},
    {{"3,3,2+1", 3, 2, 0, V, 0}, HOLDS_TWICE, false},
    {{"4,2,1+3", 2, 2, 0, V, 0}, HOLDS_TWICE, true},
    {{"4,2,1+3", 4, 2, 0, C, 0}, HOLDS, false},
    {{"5,3,2,2+3,2", 3, 2, 0, C, 0}, HOLDS, true},
    {{"1,1,1,1+1", 3, 2, 0, C, 0}, HOLDS, true},
    {{"1,1,1,1,1+1,1", 2, 2, 0, C, 0}, HOLDS, true},
    {{"1,1,1,1,1+1,1", 2, 2, 0, V, 0}, HOLDS_TWICE, false},
    {{"1,1,1,1,1+1,1", 3, 2, 2, C, 0}, HOLDS, false},
    {{"1,1,1,1,1+1,1", 3, 2, 0, C, 0}, HOLDS, false},
    {{"1,1+1,1", 2, 2, 0, V, 0}, BREAKS, true},
    {{"3,3+4", 2, 2, 0, V, 0}, BREAKS, true},
    {{"1,1,1,1+1,1,1", 2, 2, 0, V, 0}, BREAKS, true},
};
#undef V
#undef C

static bool as_expected(const struct task *task, const struct search *search)
{
    const struct seen *seen = &search->seen;
    if (task->kind == BREAKS)
        return search->broken != BROKEN_NOTHING;
    return search->broken == BROKEN_NOTHING && search->exhausted &&
           seen->finals == task->choice.views && seen->chain > 0 &&
           seen->final_again && seen->both &&
           seen->last_settled == (task->choice.last != 0);
}

/* Steps of certificates reach the same certificates as steps of votes. */
static bool same_twice(const struct options *options, const struct task *task,
                       const struct search *by_votes)
{
    struct bounds bounds;
    struct answer again;
    struct choice choice = task->choice;
    bool same;
    choice.steps = STEPS_CERTIFICATES;
    if (!init(&bounds, choice))
        return false;
    explore(&bounds, JUDGE_ALL, options, true, &again);
    print_answer(options, choice.stake, &again);
    same = search_same_pictures(by_votes, &again.search);
    printf("  either way %s %u sets of certificates\n",
           same ? "the same" : "NOT THE SAME", again.search.pictures.count);
    search_done(&again.search);
    return same;
}

/* With the liars silent, nothing is ever final. */
static bool halts(const struct options *options, const struct bounds *bounds)
{
    struct answer answer;
    bool stuck;
    explore(bounds, JUDGE_ALL, options, false, &answer);
    stuck = answer.search.broken == BROKEN_STUCK && answer.search.depth == 0;
    printf("  %s\n", stuck ? "the honest alone are no quorum: safe, but a "
                             "silent liar stops it"
                           : "the honest alone go on");
    search_done(&answer.search);
    return stuck;
}

static bool run_task(const struct options *options, const struct task *task)
{
    static const uint32_t asked[] = {[HOLDS] = JUDGE_ALL,
                                     [HOLDS_TWICE] = JUDGE_ALL,
                                     [HALTS] = JUDGE_SAFETY,
                                     [BREAKS] = JUDGE_FORK};
    struct bounds bounds;
    struct answer answer;
    bool good;
    if (!init(&bounds, task->choice))
        return false;
    explore(&bounds, asked[task->kind], options, task->kind == HOLDS_TWICE,
            &answer);
    print_answer(options, task->choice.stake, &answer);
    good = as_expected(task, &answer.search) &&
           (task->kind != HALTS || halts(options, &bounds));
    if (good && task->kind == HOLDS_TWICE)
        good = same_twice(options, task, &answer.search);
    if (answer.search.broken != BROKEN_NOTHING)
        tell_trace(&answer.search);
    if (!good)
        printf("  NOT AS EXPECTED\n");
    search_done(&answer.search);
    return good;
}

/* Symmetry loses nothing: the same bounds with names and without. */
static bool check_symmetry(const struct options *options)
{
    struct bounds bounds[2];
    struct answer answer[2];
    struct choice choice = {.stake = "1,1,1+1", .views = 2, .proposals = 2};
    bool same;
    for (int i = 0; i < 2; i++) {
        if (!init(&bounds[i], choice))
            return false;
        bounds[i].named = i == 1;
        explore(&bounds[i], JUDGE_ALL, options, false, &answer[i]);
    }
    print_answer(options, choice.stake, &answer[1]);
    same = answer[1].search.exhausted &&
           search_same_shapes(&answer[1].search, &answer[0].search);
    printf("  without symmetry; %s %u shapes\n",
           same ? "of the same" : "NOT OF THE SAME",
           answer[0].search.table.count);
    search_done(&answer[0].search);
    search_done(&answer[1].search);
    return same;
}

static int run_tasks(const struct options *options)
{
    uint32_t wrong = 0;
    uint32_t count = 0;
    print_head();
    for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        if (options->quick && !tasks[i].quick)
            continue;
        count++;
        wrong += run_task(options, &tasks[i]) ? 0 : 1;
    }
    count++;
    wrong += check_symmetry(options) ? 0 : 1;
    printf("%u bounds, %u not as expected\n", count, wrong);
    return wrong == 0 ? 0 : 1;
}

/* --- mutants --- */

static void print_catch(const struct search *search)
{
    printf(" %9u %5u  %-9s", search->table.count, search->depth,
           search->broken != BROKEN_NOTHING ? broken_text(search->broken)
           : search->exhausted              ? "-"
                                            : "?");
}

struct trial {
    enum steps steps;
    uint32_t views;
    uint32_t asked;
    bool breaks; /* else nothing may break, to the end */
};

/* One search within the mutant's bounds: does it end as it should? */
static bool try_once(const struct options *options, const struct mutant *mutant,
                     const struct trial *trial)
{
    struct bounds bounds;
    struct answer answer;
    struct choice choice = {mutant->stake, trial->views, options->proposals,
                            mutant->last,  trial->steps, mutant->removed};
    enum broken broken;
    bool exhausted;
    if (!init(&bounds, choice))
        return false;
    explore(&bounds, trial->asked, options, false, &answer);
    broken = answer.search.broken;
    exhausted = answer.search.exhausted;
    if (options->mutant == NULL)
        print_catch(&answer.search);
    else
        print_answer(options, mutant->stake, &answer);
    if (options->mutant != NULL && broken != BROKEN_NOTHING)
        tell_trace(&answer.search);
    search_done(&answer.search);
    return trial->breaks ? broken != BROKEN_NOTHING
                         : broken == BROKEN_NOTHING && exhausted;
}

/* First judged by everything, one vote a step; then by what a user would
 * notice. What should not be found is looked for to the end, by votes in a view
 * less. */
static bool try_twice(const struct options *options,
                      const struct mutant *mutant)
{
    const uint32_t halt = BROKEN_BIT(BROKEN_STUCK);
    uint32_t views = mutant->views;
    struct trial first = {STEPS_VOTES, views, JUDGE_ALL, true};
    struct trial second = {STEPS_BOTH, views, JUDGE_FORK, true};
    bool good;
    switch (mutant->harm) {
    case FORKS:
        break;
    case STOPS:
        second.asked = JUDGE_FORK | halt;
        break;
    case BREAKS_NO_FORK:
        second =
            (struct trial){STEPS_VOTES, views - 1, JUDGE_FORK | halt, false};
        break;
    case BREAKS_NOTHING:
        first = (struct trial){STEPS_VOTES, views - 1, JUDGE_ALL, false};
        second = (struct trial){STEPS_CERTIFICATES, views, JUDGE_ALL, false};
        break;
    }
    good = try_once(options, mutant, &first);
    return try_once(options, mutant, &second) && good;
}

/* Bounds that need not show a fork: why not. */
static void print_because(const struct mutant *mutant)
{
    static const char *const words[] = {[FORKS] = "",
                                        [STOPS] = "no fork",
                                        [BREAKS_NO_FORK] = "no fork",
                                        [BREAKS_NOTHING] = "harmless"};
    if (mutant->because != NULL)
        printf("%-23s %s: %s\n", "", words[mutant->harm], mutant->because);
}

static bool try_mutant(const struct options *options,
                       const struct mutant *mutant)
{
    double began = now_s();
    bool good;
    printf("%-23s %-43s %-15s", mutant->name, mutant_words(mutant),
           mutant->stake);
    good = try_twice(options, mutant);
    if (!options->plain)
        printf("  (%.1f s)", now_s() - began);
    printf("%s\n", good ? "" : "  NOT AS EXPECTED");
    print_because(mutant);
    fflush(stdout);
    return good;
}

static int tell_mutant(const struct options *options)
{
    const struct mutant *mutant = mutant_find(options->mutant);
    bool good;
    if (mutant == NULL) {
        fprintf(stderr, "error: there is no mutant %s; --mutants lists them\n",
                options->mutant);
        return 2;
    }
    printf("without %s\n", mutant_words(mutant));
    print_head();
    good = try_twice(options, mutant);
    print_because(mutant);
    return good ? 0 : 1;
}

static int try_mutants(const struct options *options)
{
    uint32_t caught = 0;
    uint32_t harmless = 0;
    uint32_t kept = 0;
    printf("%-23s %-43s %-15s %9s %5s  %-9s %9s %5s  %s\n", "mutant",
           "the rule taken away", "stake", "states", "depth", "caught by",
           "states", "depth", "in the end");
    for (uint32_t i = 0; i < mutant_count; i++) {
        bool good = try_mutant(options, &mutants[i]);
        bool mild = mutants[i].harm == BREAKS_NOTHING;
        harmless += mild;
        caught += good && !mild;
        kept += good && mild;
    }
    printf("%u of %u mutants caught; of %u that are harmless, %u kept all\n",
           caught, mutant_count - harmless, harmless, kept);
    return caught + kept == mutant_count ? 0 : 1;
}

/* --- the command line --- */

static int usage(FILE *to)
{
    fprintf(
        to,
        "usage: model_explore [--quick | --mutants | --mutant NAME |\n"
        "                      --stake 1,1,1+1 [--views N] [--last H]\n"
        "                      [--steps votes|certificates|both]]\n"
        "                     [--proposals N] [--max-states N] [--plain]\n"
        "\n"
        "Explores every way in which validators can vote, and judges each\n"
        "state. Exit 0 when all is as expected, 1 when not.\n"
        "\n"
        "  (nothing)         the list of bounds; some take minutes\n"
        "  --quick           those that take seconds\n"
        "  --mutants         each rule taken away once: is it missed?\n"
        "  --mutant NAME     one of them, with the votes that break it\n"
        "  --stake H+B       weights of honest and of Byzantine validators;\n"
        "                    what breaks is told vote by vote\n"
        "  --views N         1 to %u (3)\n"
        "  --steps WORD      certificates reach the same in fewer states\n"
        "  --proposals N     in one view, at most; 1 to %u (2)\n"
        "  --last H          height of the epoch's last block (none)\n"
        "  --max-states N    give up there (150000000)\n"
        "  --plain           leave out seconds and megabytes\n",
        MODEL_VIEWS, MODEL_PROPOSALS);
    return to == stdout ? 0 : 2;
}

static bool read_number(const char *text, uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool read_options(int argc, char **argv, struct options *out)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool *flag = strcmp(word, "--quick") == 0     ? &out->quick
                     : strcmp(word, "--mutants") == 0 ? &out->mutants
                     : strcmp(word, "--plain") == 0   ? &out->plain
                                                      : NULL;
        const char **text = strcmp(word, "--mutant") == 0  ? &out->mutant
                            : strcmp(word, "--stake") == 0 ? &out->stake
                            : strcmp(word, "--steps") == 0 ? &out->steps
                                                           : NULL;
        uint32_t *number = strcmp(word, "--views") == 0       ? &out->views
                           : strcmp(word, "--proposals") == 0 ? &out->proposals
                           : strcmp(word, "--last") == 0      ? &out->last
                           : strcmp(word, "--max-states") == 0
                               ? &out->max_states
                               : NULL;
        if (flag != NULL)
            *flag = true;
        else if (text != NULL && i + 1 < argc)
            *text = argv[++i];
        else if (number == NULL || i + 1 == argc ||
                 !read_number(argv[++i], number))
            return false;
    }
    return true;
}

static bool read_steps(const char *word, enum steps *out)
{
    for (unsigned i = 0; i <= STEPS_BOTH; i++)
        if (strcmp(word, steps_text[i]) == 0) {
            *out = (enum steps)i;
            return true;
        }
    return false;
}

static int explore_stake(const struct options *options)
{
    struct bounds bounds;
    struct answer answer;
    struct choice choice = {.stake = options->stake,
                            .views = options->views,
                            .proposals = options->proposals,
                            .last = options->last};
    bool good;
    if (!read_steps(options->steps, &choice.steps))
        return usage(stderr);
    if (!init(&bounds, choice)) {
        fprintf(stderr,
                "error: these bounds do not fit: up to %u honest validators, "
                "%u views, %u proposals; weights as in 3,3,1+2\n",
                MODEL_HONEST, MODEL_VIEWS, MODEL_PROPOSALS);
        return 2;
    }
    print_head();
    explore(&bounds, JUDGE_ALL, options, false, &answer);
    print_answer(options, options->stake, &answer);
    if (answer.search.broken != BROKEN_NOTHING)
        tell_trace(&answer.search);
    good = answer.search.broken == BROKEN_NOTHING && answer.search.exhausted;
    search_done(&answer.search);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct options options = {
        .steps = "votes", .views = 3, .proposals = 2, .max_states = 150000000};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (!read_options(argc, argv, &options))
        return usage(stderr);
    if (options.stake != NULL)
        return explore_stake(&options);
    if (options.mutants)
        return try_mutants(&options);
    if (options.mutant != NULL)
        return tell_mutant(&options);
    return run_tasks(&options);
}
