/* links: sched_lab */
/* How good guesses of unmeasured round trips are, and what the matrix costs.
 *
 *   bench_sched_link [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The truth
 * is an operator's matrix of 13 regions at five dates: each pair is hidden in
 * turn and guessed from the others. The anchor is the guess without a matrix:
 * the median of all other pairs. Exit status 77 where the data is absent. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/dice.h"
#include "sched/lab/latency.h"
#include "sched/link/linkmap.h"

#define FILE_MAX  (8u * 1024 * 1024)
#define PAIRS_MAX 4096u
#define PLACES    10u /* the smallest matrix that is looked at */
#define ORIGINS   1024u
#define ROWS      64u
#define GETS      200000u
#define GUESSES   200u

static FILE *tsv;

static void row(const char *name, double value, const char *unit,
                const char *goal, const char *anchor)
{
    printf("%-32s %12.4f %-7s %-8s %s\n", name, value, unit, goal, anchor);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.4f\t%s\t%s\t%s\n", name, value, unit, goal, anchor);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct errors {
    uint32_t count;
    uint32_t inside; /* the truth lies between the bounds */
    uint32_t below;  /* guesses that are too good by more than a tenth */
    double guess[PAIRS_MAX]; /* |guess - truth| / truth */
    double median[PAIRS_MAX];
};

/* `landmarks` of the others, drawn anew for each pair. */
static void bounds_of(const struct latency_table *t, uint32_t a, uint32_t b,
                      uint32_t landmarks, struct dice *dice,
                      struct linkmap_bounds *out)
{
    uint32_t others[LATENCY_PLACES_MAX];
    uint32_t count = 0;
    for (uint32_t c = 0; c < t->count; c++)
        if (c != a && c != b)
            others[count++] = c;
    for (uint32_t i = 0; i < landmarks && i < count; i++) {
        uint32_t j = i + (uint32_t)dice_below(dice, count - i);
        uint32_t c = others[j];
        others[j] = others[i];
        linkmap_bounds_add(out, latency_between(t, a, c),
                           latency_between(t, c, b), 0);
    }
}

static double median_without(const struct latency_table *t, uint32_t a,
                             uint32_t b)
{
    double all[LATENCY_PLACES_MAX * LATENCY_PLACES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->count; i++)
        for (uint32_t j = i + 1; j < t->count; j++)
            if (i != a || j != b)
                all[count++] = latency_between(t, i, j);
    qsort(all, count, sizeof(all[0]), by_value);
    return all[count / 2];
}

static double distance(double guess, double truth)
{
    return (guess > truth ? guess - truth : truth - guess) / truth;
}

static void judge(const struct latency_table *t, uint32_t landmarks,
                  struct dice *dice, struct errors *out)
{
    for (uint32_t a = 0; a < t->count; a++) {
        for (uint32_t b = a + 1; b < t->count; b++) {
            struct linkmap_bounds bounds = {0};
            uint32_t truth = latency_between(t, a, b);
            if (truth == 0 || out->count == PAIRS_MAX)
                continue;
            bounds_of(t, a, b, landmarks, dice, &bounds);
            out->inside += truth >= bounds.lower_us && truth <= bounds.upper_us;
            out->below += (uint64_t)bounds.rtt_us * 10 < (uint64_t)truth * 9;
            out->guess[out->count] = distance(bounds.rtt_us, truth);
            out->median[out->count++] =
                distance(median_without(t, a, b), truth);
        }
    }
}

static double percentile(double *values, uint32_t count, uint32_t permille)
{
    qsort(values, count, sizeof(values[0]), by_value);
    return 100 * values[(uint64_t)(count - 1) * permille / 1000];
}

static void guesses(const struct latency *latency, uint32_t landmarks)
{
    static struct errors e;
    struct dice dice;
    char name[64];
    memset(&e, 0, sizeof(e));
    dice_init(&dice, 1);
    for (uint32_t i = 0; i < latency->count; i++)
        if (latency->tables[i].count >= PLACES)
            judge(&latency->tables[i], landmarks, &dice, &e);
    CHECK(e.count > 0);
    snprintf(name, sizeof(name), "link.guess.%u.error", landmarks);
    char anchor[96];
    snprintf(anchor, sizeof(anchor), "%.1f by the median of the other pairs",
             percentile(e.median, e.count, 500));
    row(name, percentile(e.guess, e.count, 500), "% med", "-", anchor);
    snprintf(anchor, sizeof(anchor), "%.1f by the median of the other pairs",
             percentile(e.median, e.count, 950));
    row(name, percentile(e.guess, e.count, 950), "% p95", "-", anchor);
    snprintf(name, sizeof(name), "link.guess.%u.too_near", landmarks);
    row(name, 100.0 * e.below / e.count, "%", "-",
        "guesses below nine tenths of the truth");
    snprintf(name, sizeof(name), "link.guess.%u.inside", landmarks);
    row(name, 100.0 * e.inside / e.count, "%", "-",
        "truths between the bounds");
}

/* ---- what it costs ---- */

static double cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

static struct pubkey key_of(uint64_t n)
{
    struct pubkey key = {{0}};
    struct dice dice;
    dice_init(&dice, n);
    dice_fill(&dice, key.b, sizeof(key.b));
    return key;
}

/* A full table: each node states links to the 32 before and behind it. */
static struct linkmap *full_map(struct pubkey *keys)
{
    struct linkmap_config config = {.origins_max = ORIGINS, .rows_max = ROWS};
    struct linkmap *map = NULL;
    CHECK(linkmap_new(&config, &map) == OK);
    for (uint32_t n = 0; n < ORIGINS; n++)
        keys[n] = key_of(n + 1);
    for (uint32_t n = 0; n < ORIGINS; n++) {
        struct linkmap_row rows[ROWS];
        struct linkmap_statement s = {.origin = keys[n],
                                      .version = 1,
                                      .life_ms = 60000,
                                      .rows = rows,
                                      .count = ROWS};
        memset(rows, 0, sizeof(rows));
        for (uint32_t i = 0; i < ROWS; i++) {
            uint32_t step = i < ROWS / 2 ? i + 1 : ORIGINS - (i - ROWS / 2 + 1);
            rows[i].peer = keys[(n + step) % ORIGINS];
            rows[i].link.samples[LINK_TRIPS] = 9;
            link_set(&rows[i].link, LINK_RTT, 1000 + i, METRIC_MEASURED);
            link_set(&rows[i].link, LINK_SPREAD, 10, METRIC_MEASURED);
        }
        CHECK(linkmap_put(map, &s, 0) == OK);
    }
    return map;
}

static void costs(void)
{
    static struct pubkey keys[ORIGINS];
    static struct topo_node nodes[LINKMAP_NODES_MAX];
    struct linkmap *map = full_map(keys);
    struct topology topology;
    struct linkmap_ask ask = {.now_ms = 1};
    struct link link;
    struct linkmap_bounds bounds;
    uint32_t found = 0;
    double start = cpu_us();
    for (uint32_t i = 0; i < GETS; i++)
        found += linkmap_get(map, &keys[i % ORIGINS],
                             &keys[(i * 7 + 3) % ORIGINS], 1, &link);
    row("link.get", (cpu_us() - start) / GETS, "us", "-",
        "1,024 nodes of 64 links");
    CHECK(found > 0);
    start = cpu_us();
    for (uint32_t i = 0; i < GUESSES; i++)
        CHECK(linkmap_estimate(map, &keys[i], &keys[(i + 40) % ORIGINS], 1,
                               &bounds));
    row("link.guess", (cpu_us() - start) / GUESSES, "us", "-", "likewise");
    start = cpu_us();
    CHECK(linkmap_topology(map, keys, nodes, LINKMAP_NODES_MAX, &ask,
                           &topology) == OK);
    row("link.topology", (cpu_us() - start) / 1000, "ms", "-",
        "of 362 nodes, 65,341 pairs");
    topology_done(&topology);
    linkmap_free(map);
}

int main(int argc, char **argv)
{
    const char *home = getenv("SUAN_DATA");
    char path[4096];
    char error[LAB_ERROR_MAX];
    struct buf text;
    struct latency latency;
    snprintf(path, sizeof(path), "%s/rtt/ibm-network-latency.md",
             home != NULL ? home : SUAN_SOURCE_DIR "/../shared/data");
    if (lab_file_read(path, FILE_MAX, &text, error) != OK) {
        fprintf(stderr, "%s. Try: SUAN_DATA=DIR with rtt/ in it\n", error);
        return 77;
    }
    if (latency_parse(buf_bytes(&text), path, &latency, error) != OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    tsv = argc > 1 ? fopen(argv[1], "w") : NULL;
    guesses(&latency, 3);
    guesses(&latency, 5);
    guesses(&latency, 11);
    costs();
    latency_done(&latency);
    buf_done(&text);
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
