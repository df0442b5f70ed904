/* links: sched_lab */
/* Start nodes for job graphs, ranked by a network, by the incumbent
 * (embed_starts) and by chance: how many requests are accepted with few starts,
 * and how long a ranking takes.
 *
 *   bench_sched_learn [TSV [SEEDS [MODEL]]]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. MODEL is a
 * file of suan sched train (default: docs/examples/sched/waxman100.model, which
 * learned on drawn graphs alone); "-" trains a small one here, in about a
 * minute. Reads vne/Waxman100.gml and vne/Geant.gml below $SUAN_DATA, else
 * below
 * ../shared/data; where they are absent, a drawn graph stands in for them. All
 * seeds and graphs here are unseen by the model. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "sched/lab/train.h"
#include "sched/lab/waxman.h"
#include "sched/learn/ranker.h"

#define SHIPPED SUAN_SOURCE_DIR "/docs/examples/sched/waxman100.model"

static FILE *tsv;
static struct rankmodel model;

static void row(const char *name, double value, const char *unit,
                const char *goal, const char *anchor)
{
    printf("%-32s %12.3f %-6s %-8s %s\n", name, value, unit, goal, anchor);
    fflush(stdout);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.3f\t%s\t%s\t%s\n", name, value, unit, goal, anchor);
}

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* ---- files ---- */

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    uint8_t block[8192];
    size_t got;
    if (file == NULL)
        return false;
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        buf_add(out, bytes_make(block, got));
    fclose(file);
    return out->err == OK;
}

static void parse(struct buf *text, const char *name, struct gml *out)
{
    char error[GML_ERROR_MAX];
    if (gml_parse(buf_bytes(text), name, out, error) != OK) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    buf_done(text);
}

static void draw_graph(uint32_t nodes, uint64_t seed, struct gml *out)
{
    struct buf text;
    struct dice dice;
    dice_init(&dice, seed);
    buf_init(&text, GML_BYTES_MAX);
    waxman_write(nodes, 0.5, 0.2, &dice, &text);
    parse(&text, "drawn graph", out);
}

static bool read_graph(const char *name, struct gml *out)
{
    char path[4096];
    const char *home = getenv("SUAN_DATA");
    struct buf text;
    snprintf(path, sizeof(path), "%s/%s",
             home != NULL ? home : SUAN_SOURCE_DIR "/../shared/data", name);
    buf_init(&text, GML_BYTES_MAX);
    if (!read_file(path, &text)) {
        fprintf(stderr, "there is no %s. Try: SUAN_DATA=DIR\n", path);
        return false;
    }
    parse(&text, path, out);
    return true;
}

static void train_here(void)
{
    static struct gml graphs[20];
    const struct gml *lent[20];
    struct train_options options = train_options_default;
    uint64_t began = cpu_ns();
    for (uint32_t i = 0; i < 20; i++) {
        draw_graph(100, 1000 + i, &graphs[i]);
        lent[i] = &graphs[i];
    }
    options.graphs = lent;
    options.graph_count = 20;
    options.workload = embed_workload_virne;
    options.worlds = 8;
    options.moments = 192;
    options.epochs = 5;
    options.chapters = 0;
    options.unseen = 4;
    CHECK(train(&options, &model) == OK);
    row("a small training", (double)(cpu_ns() - began) / 1e9, "s", "<= 900",
        "processor time");
    for (uint32_t i = 0; i < 20; i++)
        gml_done(&graphs[i]);
}

static void get_model(const char *path)
{
    struct buf bytes;
    enum err err;
    if (strcmp(path, "-") == 0) {
        train_here();
        return;
    }
    buf_init(&bytes, RANKMODEL_BYTES_MAX);
    if (!read_file(path, &bytes)) {
        fprintf(stderr, "%s cannot be read. Try: - to train one\n", path);
        exit(1);
    }
    err = rankmodel_decode(buf_bytes(&bytes), &model);
    if (err != OK) {
        fprintf(stderr, "%s: %s\n", path, err_text(err));
        exit(1);
    }
    row("model, its bytes", (double)bytes.len, "", "-", "");
    buf_done(&bytes);
}

/* ---- replays ---- */

enum who { LEARNED, INCUMBENT, CHANCE };

struct trial {
    enum who who;
    struct ranker *ranker;
    struct dice dice;
    uint64_t ns;
    uint64_t ns_most;
    uint64_t ranked;
};

static uint32_t rank_by_chance(struct trial *t, uint32_t nodes, uint16_t *out)
{
    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t j = (uint32_t)dice_below(&t->dice, i + 1);
        out[i] = out[j];
        out[j] = (uint16_t)i;
    }
    return nodes;
}

static uint32_t rank(void *context, const struct topology *topology,
                     const struct job_graph *job, uint32_t first, uint16_t *out)
{
    struct trial *t = context;
    uint64_t began, took;
    uint32_t count;
    if (t->who == CHANCE)
        return rank_by_chance(t, topology->node_count, out);
    began = cpu_ns();
    count = ranker_rank(t->ranker, job, first, out);
    took = cpu_ns() - began;
    t->ns += took;
    t->ns_most = took > t->ns_most ? took : t->ns_most;
    t->ranked++;
    return count;
}

static uint32_t replay(const struct gml *gml, double rate, uint64_t seed,
                       uint32_t starts, struct trial *t)
{
    struct embed_workload workload = embed_workload_virne;
    struct embed_way way = {.policy = EMBED_JOINT,
                            .options = embed_options_default,
                            .rank = t->who == INCUMBENT ? NULL : rank,
                            .context = t};
    struct topology topology;
    struct embed_report report;
    struct dice dice;
    workload.rate = rate;
    workload.seed = seed;
    way.options.starts_max = starts;
    embed_topology_dice(seed, &dice);
    CHECK(embed_topology(gml, 50, 100, &dice, &topology) == OK);
    CHECK(ranker_new(&model.net, &topology, &t->ranker) == OK);
    CHECK(embed_replay(&topology, &workload, &way, &report) == OK);
    CHECK(report.checked == report.accepted);
    ranker_free(t->ranker);
    topology_done(&topology);
    return report.accepted;
}

static double share(const struct gml *gml, double rate, uint32_t seeds,
                    uint32_t starts, struct trial *t)
{
    double sum = 0;
    for (uint32_t s = 0; s < seeds; s++)
        sum += replay(gml, rate, s, starts, t);
    return 100 * sum / (1000.0 * seeds);
}

static void compare(const char *name, const struct gml *gml, double rate,
                    uint32_t seeds, const char *goal)
{
    const uint32_t starts[] = {1, 2, 3, 5, 10};
    struct trial learned = {.who = LEARNED};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct trial incumbent = {.who = INCUMBENT};
        struct trial chance = {.who = CHANCE};
        char text[96];
        char label[64];
        dice_init(&chance.dice, 1);
        snprintf(text, sizeof(text), "incumbent %.2f, by chance %.2f",
                 share(gml, rate, seeds, starts[i], &incumbent),
                 share(gml, rate, seeds, starts[i], &chance));
        snprintf(label, sizeof(label), "%s, %u starts", name, starts[i]);
        row(label, share(gml, rate, seeds, starts[i], &learned), "%", goal,
            text);
    }
    row("a ranking", (double)learned.ns / 1e6 / (double)learned.ranked, "ms",
        "<= 0.2", "processor time");
    row("the slowest", (double)learned.ns_most / 1e6, "ms", "-", "");
}

int main(int argc, char **argv)
{
    uint32_t seeds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 5;
    struct gml gml;
    tsv = argc > 1 ? fopen(argv[1], "w") : NULL;
    seeds = seeds > 0 ? seeds : 1;
    get_model(argc > 3 ? argv[3] : SHIPPED);
    if (!read_graph("vne/Waxman100.gml", &gml))
        draw_graph(100, 77, &gml);
    compare("WX100 0.16", &gml, 0.16, seeds, ">= 97");
    gml_done(&gml);
    if (read_graph("vne/Geant.gml", &gml)) {
        compare("GEANT 0.016", &gml, 0.016, seeds, "-");
        gml_done(&gml);
    }
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
