/* exhaust: the real core, driven through every order of events within bounds.
 * docs/exhaust.md. */

#include "tests/exhaust/judge.h"
#include "tests/exhaust/region.h"
#include "tests/exhaust/replay.h"
#include "tests/exhaust/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ./run exhaust [--quick | --all] [--audit]\n"
    "       ./run exhaust -n N [BOUNDS] [--replay FILE]\n"
    "       ./run exhaust --mutants [--mutant NAME]\n"
    "\n"
    "Real cores in one process, and every order in which messages, timers,\n"
    "syncs and crashes can meet them within bounds: nobody may fork, vote "
    "twice,\n"
    "say what is not on its disk. docs/exhaust.md tells what is covered.\n"
    "\n"
    "  (nothing)       the bounds that take a minute together\n"
    "  --quick         those that take seconds; --all: also those of minutes\n"
    "  --audit         also try whether machines of one shape do the same\n"
    "  --plain-text    no seconds and megabytes: the same bytes every time\n"
    "  --seconds S     give up a search after this long\n"
    "  --megabytes M   ... or with so much memory (default 6000)\n"
    "\n"
    "  -n N            so many validators, 1 to 4\n"
    "  --liar P        party P is Byzantine; it leads view P + 1\n"
    "  --views V       of the epoch (default 1)\n"
    "  --txs K         transfers that everybody knows, one a block (1)\n"
    "  --crashes C     of honest machines together (0)\n"
    "  --epoch E       blocks of an epoch\n"
    "  --votes         single votes arrive, too, not only certificates\n"
    "  --fused         log and store are synced right after each event\n"
    "  --more          the liar proposes more\n"
    "  --forged        ... and says what does not hold\n"
    "  --plain         no reduction: each single event is a state\n"
    "  --replay FILE   tell a way again to fresh cores: lines of PARTY ACT\n"
    "\n"
    "  --mutants       rules left out on purpose, one each: which are seen?\n"
    "  --mutant NAME   one of them, and the way to it\n";

struct asked {
    struct bounds bounds;
    struct orders orders;
    const char *replay;
    const char *mutant;
    bool mutants;
};

static bool take_flag(const char *word, struct asked *out)
{
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {
        {"--quick", &out->orders.quick}, {"--all", &out->orders.all},
        {"--audit", &out->orders.audit}, {"--plain-text", &out->orders.plain},
        {"--mutants", &out->mutants},
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(word, flags[i].word) != 0)
            continue;
        *flags[i].flag = true;
        return true;
    }
    return false;
}

static bool take_limit(const char *word, const char *next, struct asked *out)
{
    uint32_t number;
    if (!read_number(next, 1000000, &number))
        return false;
    if (strcmp(word, "--seconds") == 0)
        out->orders.limits.seconds = number;
    else if (strcmp(word, "--megabytes") == 0)
        out->orders.limits.megabytes = number;
    else
        return false;
    return true;
}

/* How many words were taken. */
static int take_word(const char *word, const char *next, struct asked *out)
{
    int taken = bounds_take(&out->bounds, word, next);
    if (taken > 0)
        return taken;
    if (take_flag(word, out))
        return 1;
    if (next == NULL)
        return 0;
    if (strcmp(word, "--replay") == 0)
        out->replay = next;
    else if (strcmp(word, "--mutant") == 0)
        out->mutant = next;
    else if (!take_limit(word, next, out))
        return 0;
    return 2;
}

static bool take_words(int argc, char **argv, struct asked *out)
{
    for (int i = 1; i < argc;) {
        int taken = take_word(argv[i], i + 1 < argc ? argv[i + 1] : NULL, out);
        if (taken == 0) {
            fprintf(stderr, "exhaust: %s is not understood here\n\n%s", argv[i],
                    usage);
            return false;
        }
        i += taken;
    }
    if (out->bounds.liar != NOBODY && out->bounds.n > 0 &&
        (out->bounds.liar >= out->bounds.n || out->bounds.n < 2)) {
        fprintf(stderr, "exhaust: there is no party %u to be a liar among %u\n",
                out->bounds.liar, out->bounds.n);
        return false;
    }
    return true;
}

static int replay_file(const struct asked *asked)
{
    static char lines[1u << 20];
    FILE *file = fopen(asked->replay, "r");
    if (file == NULL) {
        fprintf(stderr, "exhaust: %s cannot be read\n", asked->replay);
        return 2;
    }
    size_t len = fread(lines, 1, sizeof(lines) - 1, file);
    lines[len] = '\0';
    (void)fclose(file);
    region_init();
    enum replayed replayed = replay_run(&asked->bounds, lines, true);
    printf("%s\n", replayed == REPLAY_BREAKS   ? broken.what
                   : replayed == REPLAY_CANNOT ? "this cannot happen"
                                               : "nothing is broken");
    return replayed == REPLAY_HOLDS ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct asked asked = {.orders = {.limits = {.megabytes = 6000}}};
    bounds_init(&asked.bounds);
    if (argc == 2 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
         strcmp(argv[1], "help") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    if (!take_words(argc, argv, &asked))
        return 2;
    if (asked.mutants || asked.mutant != NULL)
        return runs_mutants(&asked.orders, asked.mutant);
    if (asked.bounds.n == 0)
        return runs_all(&asked.orders);
    if (asked.replay != NULL)
        return replay_file(&asked);
    return runs_one(&asked.bounds, &asked.orders);
}
