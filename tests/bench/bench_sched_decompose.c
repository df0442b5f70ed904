/* links: sched_lab */
/* How well component graphs are cut, beside all ways there are and METIS.
 *
 *   bench_sched_decompose [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. "gap" is
 * what the multilevel method alone cuts above the least there is, over drawn
 * graphs of up to 12 components; "vs METIS" is our cut over that of METIS 5.1,
 * which is told the same limit: the best of its recursive and k-way bisection
 * over ten seeds and the parts it needs until none is too large. METIS keeps no
 * order of parts; we do, of DAGs. The rows are left out where METIS or the
 * recorded workflows ($SUAN_DATA/workflows, else ../shared/data) are absent.
 * Every decomposition is checked. Times are processor time. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef SUAN_METIS
#include <metis.h>
#endif

#include "base/check.h"
#include "sched/cut/decompose_check.h"
#include "sched/lab/lab_file.h"
#include "sched/lab/wfformat.h"
#include "tests/unit/sched/cut_sample.h"

static FILE *tsv;

static void row(const char *name, double value, const char *unit,
                const char *goal, const char *anchor)
{
    printf("%-32s %12.4f %-6s %-8s %s\n", name, value, unit, goal, anchor);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.4f\t%s\t%s\t%s\n", name, value, unit, goal, anchor);
}

static double cpu_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec * 1e-6;
}

/* One level, one kind of offer; the cut. */
static uint64_t cut_of(const struct cutgraph *graph,
                       const struct cut_places *places, uint32_t exact,
                       uint32_t *out_count, bool *out_proven)
{
    struct decompose_options options = {0, 0, exact};
    struct cut_case cut = {graph, places, cut_level_bit(CUT_OFFER)};
    struct decomposition d = {0};
    struct cut_fault fault;
    uint64_t weight;
    CHECK(decompose(&cut, &options, &d, &fault) == OK);
    CHECK(decompose_check(&cut, &d) == OK);
    weight = d.levels[CUT_OFFER].cut;
    *out_count = d.levels[CUT_OFFER].count;
    *out_proven = d.levels[CUT_OFFER].proven;
    decomposition_done(&d);
    return weight;
}

/* ---- the least there is ---- */

static void gap(const char *name, bool dag)
{
    uint64_t found = 0;
    uint64_t least = 0;
    double gaps = 0;
    double worst = 0;
    uint32_t exact = 0;
    uint32_t cases = 0;
    char label[64];
    for (uint64_t seed = 1000; seed < 1200; seed++) {
        struct sample_form form = {12, 24, dag, 1, 0, 0, 4};
        struct cutgraph graph;
        struct cut_places places;
        struct dice dice;
        uint32_t count = 0;
        bool proven = false;
        uint64_t ours;
        uint64_t best;
        double share;
        dice_init(&dice, seed);
        form.components = (uint32_t)dice_between(&dice, 6, 12);
        form.links = 2 * form.components;
        sample_places(1, 10, &places);
        sample_graph(&form, &dice, &graph);
        ours = cut_of(&graph, &places, 0, &count, &proven);
        best = cut_of(&graph, &places, 12, &count, &proven);
        CHECK(proven && ours >= best);
        share = best == 0 ? 0 : ((double)ours / (double)best - 1) * 100;
        gaps += share;
        worst = share > worst ? share : worst;
        found += ours;
        least += best;
        exact += ours == best;
        cases++;
        cutgraph_done(&graph);
    }
    (void)snprintf(label, sizeof(label), "%s, gap", name);
    row(label, gaps / cases, "%", "<=2", "all ways there are");
    (void)snprintf(label, sizeof(label), "%s, worst gap", name);
    row(label, worst, "%", "-", "");
    (void)snprintf(label, sizeof(label), "%s, least found", name);
    row(label, (double)exact * 100 / cases, "%", ">=85", "");
    CHECK(found >= least);
}

/* ---- METIS ---- */

#ifdef SUAN_METIS
struct compressed {
    idx_t *first;
    idx_t *to;
    idx_t *weight;
    idx_t *size;
    idx_t *part;
};

/* Links between the same two are added up. */
static void compress(const struct cutgraph *g, const uint32_t *scale,
                     struct compressed *out)
{
    size_t n = g->component_count;
    CHECK(n > 0);
    out->first = calloc(n + 2, sizeof(idx_t));
    out->to = calloc(2 * (size_t)g->link_count + 1, sizeof(idx_t));
    out->weight = calloc(2 * (size_t)g->link_count + 1, sizeof(idx_t));
    out->size = calloc(n, sizeof(idx_t));
    out->part = calloc(n, sizeof(idx_t));
    CHECK(out->first != NULL && out->to != NULL && out->weight != NULL &&
          out->size != NULL && out->part != NULL);
    for (uint32_t c = 0; c < n; c++)
        out->size[c] = (idx_t)g->components[c].want.of[RES_CPU];
    for (uint32_t i = 0; i < g->link_count; i++) {
        out->first[g->links[i].from + 2]++;
        out->first[g->links[i].to + 2]++;
    }
    for (uint32_t c = 0; c < n; c++)
        out->first[c + 2] += out->first[c + 1];
    for (uint32_t i = 0; i < g->link_count; i++) {
        const struct cut_link *link = &g->links[i];
        idx_t w = (idx_t)(link->weight / *scale) + 1;
        idx_t a = out->first[link->from + 1]++;
        idx_t b = out->first[link->to + 1]++;
        out->to[a] = (idx_t)link->to;
        out->to[b] = (idx_t)link->from;
        out->weight[a] = out->weight[b] = w;
    }
}

static void compressed_done(struct compressed *c)
{
    free(c->first);
    free(c->to);
    free(c->weight);
    free(c->size);
    free(c->part);
}

static bool parts_fit(const struct compressed *c, uint32_t n, idx_t k,
                      uint64_t room)
{
    uint64_t *sums = calloc((size_t)k, sizeof(*sums));
    bool fit = true;
    CHECK(sums != NULL);
    for (uint32_t u = 0; u < n; u++)
        sums[c->part[u]] += (uint64_t)c->size[u];
    for (idx_t p = 0; p < k; p++)
        fit = fit && sums[p] <= room;
    free(sums);
    return fit;
}

static uint64_t weight_between(const struct cutgraph *g, const idx_t *part)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < g->link_count; i++)
        sum += part[g->links[i].from] == part[g->links[i].to]
                   ? 0
                   : g->links[i].weight;
    return sum;
}

static uint64_t metis_parts(const struct cutgraph *g, struct compressed *c,
                            idx_t k, idx_t slack, uint64_t room, uint64_t best)
{
    idx_t n = (idx_t)g->component_count;
    idx_t one = 1;
    for (idx_t seed = 0; seed < 20; seed++) {
        idx_t options[METIS_NOPTIONS];
        idx_t cut = 0;
        int done;
        METIS_SetDefaultOptions(options);
        options[METIS_OPTION_SEED] = seed / 2;
        options[METIS_OPTION_UFACTOR] = slack;
        done = seed % 2 == 0
                   ? METIS_PartGraphRecursive(
                         &n, &one, c->first, c->to, c->size, NULL, c->weight,
                         &k, NULL, NULL, options, &cut, c->part)
                   : METIS_PartGraphKway(&n, &one, c->first, c->to, c->size,
                                         NULL, c->weight, &k, NULL, NULL,
                                         options, &cut, c->part);
        if (done == METIS_OK && parts_fit(c, g->component_count, k, room) &&
            weight_between(g, c->part) < best)
            best = weight_between(g, c->part);
    }
    return best;
}

/* The least weight it cuts with parts that fit; UINT64_MAX: it finds none. */
static uint64_t metis_cut(const struct cutgraph *g, uint64_t room)
{
    struct compressed c;
    uint64_t best = UINT64_MAX;
    uint64_t sum = 0;
    uint64_t heaviest = 1;
    uint32_t scale;
    uint64_t least;
    for (uint32_t i = 0; i < g->component_count; i++)
        sum += g->components[i].want.of[RES_CPU];
    for (uint32_t i = 0; i < g->link_count; i++)
        heaviest =
            g->links[i].weight > heaviest ? g->links[i].weight : heaviest;
    scale = (uint32_t)(heaviest / 100000 + 1);
    compress(g, &scale, &c);
    CHECK(room > 0);
    least = (sum + room - 1) / room;
    for (uint64_t k = least; k <= least * 2 + 2; k++) {
        uint64_t slack = room * k * 1000 / sum;
        if (k < 2)
            continue;
        slack = slack > 1001 ? slack - 1000 : 1;
        best = metis_parts(g, &c, (idx_t)k, (idx_t)slack, room, best);
        if (best != UINT64_MAX && k > least + least / 10 + 1)
            break;
    }
    compressed_done(&c);
    return best;
}
#endif

static void one_kind(struct cut_places *places, uint64_t room)
{
    struct cut_offer offer = {.site = 0};
    cut_places_init(places);
    for (uint32_t r = 0; r < RES_COUNT; r++)
        offer.room[r] = UINT64_C(1) << 40;
    offer.room[RES_CPU] = room;
    CHECK(cut_places_add(places, &offer, 1) == OK);
}

static void label_row(const char *name, const char *what, double value,
                      const char *unit, const char *goal, const char *anchor)
{
    char label[80];
    (void)snprintf(label, sizeof(label), "%.20s, %s", name, what);
    row(label, value, unit, goal, anchor);
}

/* Like with like: without the order, which METIS does not keep. What the order
 * costs is a row of its own. */
static void against_metis(const char *name, struct cutgraph *graph,
                          uint64_t room)
{
    struct cut_places places;
    bool ordered = graph->links[0].flow;
    bool proven = false;
    uint32_t count = 0;
    double began = cpu_ms();
    uint64_t ours;
    uint64_t loose;
    one_kind(&places, room);
    ours = cut_of(graph, &places, 12, &count, &proven);
    label_row(name, "ms", cpu_ms() - began, "ms", "-", "");
    label_row(name, "clusters", count, "", "-", "");
    for (uint32_t i = 0; i < graph->link_count; i++)
        graph->links[i].flow = false;
    loose = ordered ? cut_of(graph, &places, 12, &count, &proven) : ours;
    if (ordered)
        label_row(name, "in order",
                  loose == 0 ? 1 : (double)ours / (double)loose, "ratio", "-",
                  "without the order");
#ifdef SUAN_METIS
    {
        uint64_t theirs = metis_cut(graph, room);
        if (theirs == UINT64_MAX)
            printf("%.20s: METIS found no parts that fit\n", name);
        else
            label_row(name, "vs METIS",
                      theirs == 0 ? (double)(ours == 0)
                                  : (double)loose / (double)theirs,
                      "ratio", "<=1.02", "METIS 5.1");
    }
#endif
}

/* ---- drawn graphs ---- */

static void drawn(const char *name, uint32_t n, uint32_t degree, bool dag,
                  uint32_t parts)
{
    struct sample_form form = {n, n * degree / 2, dag, 1, 0, 0, 4};
    struct cutgraph graph;
    struct dice dice;
    uint64_t sum = 0;
    dice_init(&dice, n + degree);
    sample_graph(&form, &dice, &graph);
    for (uint32_t c = 0; c < n; c++)
        sum += graph.components[c].want.of[RES_CPU];
    against_metis(name, &graph, sum / parts + sum / parts / 16);
    cutgraph_done(&graph);
}

/* Points of a square, joined with those near by: what METIS is made for. */
static void mesh(const char *name, uint32_t side, uint32_t parts)
{
    struct cutgraph graph;
    uint32_t id = 0;
    cutgraph_init(&graph);
    for (uint32_t c = 0; c < side * side; c++) {
        struct cut_component one = {.sites = 1};
        one.want.of[RES_CPU] = 1000;
        CHECK(cutgraph_add(&graph, &one, &id) == OK);
    }
    for (uint32_t c = 0; c < side * side; c++) {
        struct cut_link right = {.weight = 1, .from = c, .to = c + 1};
        struct cut_link down = {.weight = 1, .from = c, .to = c + side};
        if (c % side + 1 < side)
            CHECK(cutgraph_join(&graph, &right) == OK);
        if (c / side + 1 < side)
            CHECK(cutgraph_join(&graph, &down) == OK);
    }
    against_metis(name, &graph, (uint64_t)side * side * 1000 / parts * 17 / 16);
    cutgraph_done(&graph);
}

/* ---- recorded workflows ---- */

static const char *const names[] = {"1000genome-chameleon-2ch-100k-001",
                                    "bacass-dirt02-001",
                                    "blast-chameleon-small-005",
                                    "epigenomics-chameleon-hep-1seq-100k-001",
                                    "helloworld-forkjoin-10-chameleon",
                                    "methylseq-dirt02-001",
                                    "sarek-dirt02-001",
                                    "scrnaseq-dirt02-001",
                                    "srasearch-chameleon-10a-001"};

static void load_workflow(const struct workflow *w, struct cutgraph *out)
{
    uint32_t id = 0;
    cutgraph_init(out);
    for (uint32_t t = 0; t < w->task_count; t++) {
        struct cut_component c = {.sites = 1};
        c.want.of[RES_CPU] = 1000;
        CHECK(cutgraph_add(out, &c, &id) == OK);
    }
    for (uint32_t e = 0; e < w->edge_count; e++) {
        struct cut_link link = {.weight = w->edges[e].bytes,
                                .from = w->edges[e].from,
                                .to = w->edges[e].to,
                                .flow = true};
        CHECK(cutgraph_join(out, &link) == OK);
    }
}

/* Tasks of one core each, a quarter of them to an offer. */
static bool recorded(const char *folder, const char *name)
{
    struct wfformat wf;
    struct cutgraph graph;
    struct buf text;
    char error[WFFORMAT_ERROR_MAX > LAB_ERROR_MAX ? WFFORMAT_ERROR_MAX
                                                  : LAB_ERROR_MAX];
    char path[512];
    uint32_t task = 0;
    (void)snprintf(path, sizeof(path), "%s/%s.json", folder, name);
    if (lab_file_read(path, WFFORMAT_BYTES_MAX, &text, error) != OK)
        return false;
    CHECK(wfformat_parse(buf_bytes(&text), name, &wf, error) == OK);
    CHECK(workflow_close(&wf.workflow, &task) == OK);
    load_workflow(&wf.workflow, &graph);
    against_metis(name, &graph,
                  (uint64_t)(wf.workflow.task_count + 3) / 4 * 1000);
    cutgraph_done(&graph);
    wfformat_done(&wf);
    buf_done(&text);
    return true;
}

int main(int argc, char **argv)
{
    const char *data = getenv("SUAN_DATA");
    char folder[400];
    uint32_t found = 0;
    if (argc > 1 && strcmp(argv[1], "-") != 0)
        tsv = fopen(argv[1], "w");
    (void)snprintf(folder, sizeof(folder), "%s/workflows",
                   data == NULL ? SUAN_SOURCE_DIR "/../shared/data" : data);
    gap("cut, DAG <= 12", true);
    gap("cut, links <= 12", false);
#ifndef SUAN_METIS
    printf("METIS is not here: its rows are left out\n");
#endif
    drawn("drawn 100", 100, 6, false, 8);
    drawn("drawn 100 DAG", 100, 6, true, 8);
    drawn("drawn 1000", 1000, 6, false, 16);
    drawn("drawn 1000 DAG", 1000, 6, true, 16);
    mesh("mesh 32x32", 32, 12);
    drawn("drawn 16384", 16384, 4, false, 64);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        found += recorded(folder, names[i]);
    if (found == 0)
        printf("no workflows below %s: left out\n", folder);
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
