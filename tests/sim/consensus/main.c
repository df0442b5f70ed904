/* sim_consensus: whole nodes on one virtual clock and network.
 *
 *   sim_consensus --seed N [-v]         one world, told as it goes with -v
 *   sim_consensus --many K [--from N] [--step S] [--workers W]
 *                                       K seeds N, N + S, ..., each in a
 * process of its own sim_consensus --twice N             one seed twice: the
 * same trace sim_consensus --regressions         the seeds that failed once
 *   sim_mutants --mutants [--mutant N | --quick]  a bug at a time, until it is
 * caught
 *
 * --nodes n, --views v: so many validators, so many views of trouble. --real:
 * ed25519 signatures; else keyed hashes, which are many times faster and change
 * nothing but time. Exit 0 when everything held. */

#include "tests/sim/consensus/runs.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    fprintf(stderr,
            "usage: sim_consensus --seed N [-v] | --many K [--from N] [--step "
            "S] [--workers W] | "
            "--twice N | --regressions | --mutants [--mutant N | --quick] "
            "[--tries T]\n"
            "       [--nodes n] [--views v] [--real] [--pages]\n");
    return 2;
}

static bool number(const char *text, uint64_t *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return *text != '\0' && *end == '\0';
}

struct asked {
    uint64_t seed;
    uint64_t many;
    uint64_t from;
    uint64_t twice;
    uint64_t tries;
    bool verbose;
    bool again;
    bool mutants;
};

static uint64_t *number_of(struct asked *asked, struct run_options *options,
                           const char *word)
{
    const struct {
        const char *word;
        uint64_t *to;
    } words[] = {{"--seed", &asked->seed},     {"--many", &asked->many},
                 {"--from", &asked->from},     {"--twice", &asked->twice},
                 {"--tries", &asked->tries},   {"--nodes", &options->nodes},
                 {"--views", &options->views}, {"--mutant", &options->mutant},
                 {"--act", &options->act},     {"--workers", &options->workers},
                 {"--step", &options->step}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i].word) == 0)
            return words[i].to;
    return NULL;
}

static bool flag(struct asked *asked, struct run_options *options,
                 const char *word)
{
    if (strcmp(word, "-v") == 0)
        asked->verbose = true;
    else if (strcmp(word, "--real") == 0)
        options->real = true;
    else if (strcmp(word, "--pages") == 0)
        options->pages = true;
    else if (strcmp(word, "--regressions") == 0)
        asked->again = true;
    else if (strcmp(word, "--quick") == 0)
        options->quick = true;
    else if (strcmp(word, "--mutants") == 0)
        asked->mutants = true;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct asked asked = {.from = 1, .tries = 400};
    struct run_options options = {0};
    for (int i = 1; i < argc; i++) {
        uint64_t *to = number_of(&asked, &options, argv[i]);
        if (to != NULL ? i + 1 == argc || !number(argv[++i], to)
                       : !flag(&asked, &options, argv[i]))
            return usage();
    }
    if (options.nodes > PLAN_KEYS_MAX)
        return usage();
    runs_init();
    if (asked.mutants) {
        struct hunt_bounds bounds = {asked.from, asked.tries};
        return hunt(&options, &bounds);
    }
    if (asked.again)
        return runs_regressions(&options);
    if (asked.twice > 0)
        return runs_twice(&options, asked.twice);
    if (asked.many > 0)
        return campaign(&options, asked.from, asked.many);
    if (asked.seed == 0)
        return usage();
    return runs_one(&options, asked.seed, asked.verbose);
}
