/* links: sched_lab */
/* Job graphs laid into topologies: how many are accepted, how fast, how far
 * from the least cost.
 *
 *   bench_sched_embed [TSV [SEEDS]]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. Reads the
 * topologies vne/Waxman100.gml and vne/Geant.gml below $SUAN_DATA, else below
 * ../shared/data; says so where they are absent. The workload is that of the
 * Virne benchmark (suan sched embed --help); anchors are what its paper gives
 * for its best learned policy and for GRC. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "sched/graph/route.h"
#include "sched/lab/embed_replay.h"

#define NODES_MAX 128u /* of the topologies that are searched through */
#define SMALL     4u   /* components of a request that is searched through */

static FILE *tsv;

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

/* ---- all placements of a small request ---- */

/* A bound from below: each virtual link as if it were alone in what is left. */
struct least {
    const struct topology *t;
    const struct job_graph *job;
    uint16_t hops[SMALL * SMALL][NODES_MAX][NODES_MAX]; /* of a link */
    uint16_t node[SMALL];
    uint64_t best;
    /* sums over decisions */
    uint32_t small;
    uint32_t exact;
    uint32_t missed; /* refused, and the bound allows a plan */
    uint32_t gap_count;
    double gaps[65536];
};

static bool is_free(const struct least *l, uint32_t c, uint16_t node)
{
    struct stock left;
    for (uint32_t o = 0; o < c; o++)
        if (l->node[o] == node)
            return false;
    topology_left(l->t, node, &left);
    return stock_fits(&l->job->components[c].want, &left);
}

static void place_all(struct least *l, uint32_t c, uint64_t cost)
{
    if (c == l->job->component_count) {
        l->best = cost;
        return;
    }
    for (uint16_t v = 0; v < l->t->node_count; v++) {
        uint64_t more = cost;
        if (!is_free(l, c, v))
            continue;
        l->node[c] = v;
        for (uint32_t i = 0; i < l->job->link_count && more < l->best; i++) {
            const struct job_link *link = &l->job->links[i];
            uint32_t last = link->from > link->to ? link->from : link->to;
            uint16_t hops;
            if (last != c)
                continue;
            hops = l->hops[i][l->node[link->from]][l->node[link->to]];
            more = hops == ROUTE_FAR ? UINT64_MAX : more + link->kbps * hops;
        }
        if (more < l->best)
            place_all(l, c + 1, more);
    }
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static void seen(void *context, const struct topology *t,
                 const struct job_graph *job, const struct plan *plan)
{
    static struct route_map map;
    static uint64_t left[TOPOLOGY_LINKS_MAX];
    struct least *l = context;
    if (job->component_count > SMALL || t->node_count > NODES_MAX)
        return;
    l->t = t;
    l->job = job;
    l->best = UINT64_MAX;
    for (uint32_t e = 0; e < t->link_count; e++)
        left[e] = topology_left_kbps(t, e);
    for (uint32_t i = 0; i < job->link_count; i++)
        for (uint16_t v = 0; v < t->node_count; v++) {
            route_map(t, left, v, ROUTE_FAR, job->links[i].kbps, ROUTE_HOPS_MAX,
                      &map);
            memcpy(l->hops[i][v], map.hops,
                   t->node_count * sizeof(map.hops[0]));
        }
    place_all(l, 0, 0);
    l->small++;
    if (plan == NULL) {
        l->missed += l->best != UINT64_MAX;
    } else {
        uint64_t cost = plan_kbps(job, plan);
        CHECK(cost >= l->best && l->gap_count < 65536);
        l->exact += cost == l->best;
        l->gaps[l->gap_count++] =
            l->best == 0 ? 0 : 100 * ((double)cost / (double)l->best - 1);
    }
}

static void tell_least(struct least *l)
{
    double sum = 0;
    qsort(l->gaps, l->gap_count, sizeof(l->gaps[0]), compare);
    for (uint32_t i = 0; i < l->gap_count; i++)
        sum += l->gaps[i];
    if (l->gap_count == 0)
        return;
    row("GEANT, <= 4 components, exact", 100.0 * l->exact / l->gap_count, "%",
        "-", "bound over all placements");
    row("GEANT, <= 4 components, gap mean", sum / l->gap_count, "%", "<= 1",
        "bound over all placements");
    row("GEANT, <= 4 components, gap p95",
        l->gaps[(l->gap_count - 1) * 95 / 100], "%", "-", "");
    row("GEANT, <= 4 components, gap max", l->gaps[l->gap_count - 1], "%", "-",
        "");
    row("GEANT, <= 4 components, missed", 100.0 * l->missed / l->small, "%",
        "-", "the bound may not be reachable");
}

/* ---- replays ---- */

struct trial {
    const char *name;
    const char *file;
    double rate;
    enum embed_policy policy;
    uint32_t starts;
    uint32_t backs;
    const char *goal;
    const char *anchor;
    bool times; /* tell them, and revenue/cost */
    bool least; /* search through small requests */
    bool even;  /* gaps as the benchmark's generator draws them */
};

static bool read_graph(const char *name, struct gml *out)
{
    char path[4096];
    char error[GML_ERROR_MAX];
    const char *home = getenv("SUAN_DATA");
    struct buf text;
    uint8_t block[8192];
    size_t got;
    FILE *file;
    snprintf(path, sizeof(path), "%s/%s",
             home != NULL ? home : "../shared/data", name);
    file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "skipped: there is no %s. Try: SUAN_DATA=DIR\n", path);
        return false;
    }
    buf_init(&text, GML_BYTES_MAX);
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        buf_add(&text, bytes_make(block, got));
    fclose(file);
    if (gml_parse(buf_bytes(&text), path, out, error) != OK) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    buf_done(&text);
    return true;
}

static void replay(const struct gml *gml, const struct trial *trial,
                   uint64_t seed, struct least *least, struct embed_report *out)
{
    struct embed_workload workload = embed_workload_virne;
    struct embed_way way = {.policy = trial->policy,
                            .options = embed_options_default,
                            .cpu_ns = cpu_ns,
                            .seen = trial->least ? seen : NULL,
                            .context = least};
    struct topology topology;
    struct dice dice;
    workload.rate = trial->rate;
    workload.seed = seed;
    workload.even_gaps = trial->even;
    way.options.starts_max = trial->starts;
    way.options.backs_max = trial->backs;
    embed_topology_dice(seed, &dice);
    CHECK(embed_topology(gml, 50, 100, &dice, &topology) == OK);
    CHECK(embed_replay(&topology, &workload, &way, out) == OK);
    CHECK(out->checked == out->accepted);
    topology_done(&topology);
}

static bool run(const struct trial *trial, uint32_t seeds)
{
    static struct least least;
    struct gml gml;
    char name[64];
    double share = 0;
    double worth = 0;
    double ms = 0;
    double ms_most = 0;
    if (!read_graph(trial->file, &gml))
        return false;
    memset(&least, 0, sizeof(least));
    for (uint32_t s = 0; s < seeds; s++) {
        struct embed_report r;
        replay(&gml, trial, s, &least, &r);
        share += 100.0 * r.accepted / r.requests / seeds;
        worth += embed_report_revenue_cost(&r) / seeds;
        ms += (double)r.cpu_ns / 1e6 / r.requests / seeds;
        if ((double)r.cpu_ns_most / 1e6 > ms_most)
            ms_most = (double)r.cpu_ns_most / 1e6;
    }
    row(trial->name, share, "%", trial->goal, trial->anchor);
    if (trial->times) {
        snprintf(name, sizeof(name), "%s, revenue/cost", trial->name);
        row(name, worth, "", "-", "");
        snprintf(name, sizeof(name), "%s, a decision", trial->name);
        row(name, ms, "ms", "<= 5", "processor time");
        snprintf(name, sizeof(name), "%s, the slowest", trial->name);
        row(name, ms_most, "ms", "-", "");
    }
    if (trial->least)
        tell_least(&least);
    gml_done(&gml);
    return true;
}

int main(int argc, char **argv)
{
    static const char wax[] = "vne/Waxman100.gml";
    static const char geant[] = "vne/Geant.gml";
    const struct trial trials[] = {
        {"WX100 0.16", wax, 0.16, EMBED_JOINT, 100, 200, ">= 97",
         "Virne: best learned 78.1", true, false, false},
        {"WX100 0.16, 10 starts", wax, 0.16, EMBED_JOINT, 10, 200, "-", "",
         false, false, false},
        {"WX100 0.16, 1 start", wax, 0.16, EMBED_JOINT, 1, 200, "-", "", false,
         false, false},
        {"WX100 0.16, no steps back", wax, 0.16, EMBED_JOINT, 100, 0, "-", "",
         false, false, false},
        {"WX100 0.16, GRC", wax, 0.16, EMBED_GRC, 1, 0, "-", "Virne: GRC 58.9",
         false, false, false},
        {"WX100 0.28", wax, 0.28, EMBED_JOINT, 100, 200, "-",
         "Virne: best learned about 66", false, false, false},
        {"GEANT 0.016", geant, 0.016, EMBED_JOINT, 40, 200, ">= 79",
         "Virne: best learned 60.4", true, true, false},
        {"GEANT 0.016, 5 starts", geant, 0.016, EMBED_JOINT, 5, 200, "-", "",
         false, false, false},
        {"GEANT 0.016, 1 start", geant, 0.016, EMBED_JOINT, 1, 200, "-", "",
         false, false, false},
        {"GEANT 0.016, no steps back", geant, 0.016, EMBED_JOINT, 40, 0, "-",
         "", false, false, false},
        {"GEANT 0.016, GRC", geant, 0.016, EMBED_GRC, 1, 0, "-",
         "Virne: GRC 36.7", false, false, false},
        {"WX100 0.16, even gaps", wax, 0.16, EMBED_JOINT, 100, 200, "-",
         "Virne: best learned 78.1", false, false, true},
        {"WX100 0.16, even gaps, GRC", wax, 0.16, EMBED_GRC, 1, 0, "-",
         "Virne: GRC 58.9", false, false, true},
        {"GEANT 0.016, even gaps", geant, 0.016, EMBED_JOINT, 40, 200, "-",
         "Virne: best learned 60.4", false, false, true},
        {"GEANT 0.016, even gaps, GRC", geant, 0.016, EMBED_GRC, 1, 0, "-",
         "Virne: GRC 36.7", false, false, true},
    };
    uint32_t seeds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 5;
    tsv = argc > 1 ? fopen(argv[1], "w") : NULL;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++)
        if (!run(&trials[i], seeds > 0 ? seeds : 1))
            break;
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
