/* links: sched_lab */
/* What keeping running job graphs alive moves.
 *
 *   bench_sched_adjust [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. Small drawn
 * cases are compared with a judge that tries everything; the others are the
 * workload of `suan sched adjust` on two published graphs, and the anchor is to
 * lay each job anew. Where the graphs are absent their rows are left out. Times
 * are of the processor. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sched/graph/adjust.h"
#include "sched/graph/adjust_find.h"
#include "sched/lab/adjust_replay.h"
#include "sched/lab/lab_file.h"
#include "tests/oracle/judge.h"

#define CASES 250u
#define SEEDS 3u

static FILE *tsv;

static void row(const char *name, double value, const char *unit,
                const char *goal, const char *anchor)
{
    printf("%-32s %12.4f %-7s %-8s %s\n", name, value, unit, goal, anchor);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.4f\t%s\t%s\t%s\n", name, value, unit, goal, anchor);
}

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- an offer is withdrawn ---- */

struct failures {
    uint32_t all;
    uint32_t local; /* a plan exists that moves nothing else */
    uint32_t found;
    uint64_t ns;
};

static uint32_t on_node(const struct job_graph *job, const struct plan *plan,
                        uint32_t node)
{
    static const struct stock nothing;
    uint32_t mask = 0;
    for (uint32_t c = 0; c < job->component_count; c++)
        if (plan->node[c] == node &&
            !stock_fits(&job->components[c].want, &nothing))
            mask |= adjust_group(job, c);
    return mask;
}

static void withdraw(struct topology *t, const struct job_graph *job,
                     const struct plan *plan, uint32_t node,
                     struct adjust *adjust, struct failures *out)
{
    static const struct adjust_history history;
    static struct adjust_result result;
    struct adjust_case what = {.topology = t,
                               .job = job,
                               .plan = plan,
                               .terms = &adjust_terms_default,
                               .history = &history};
    struct stock cap = t->nodes[node].cap;
    uint32_t must = on_node(job, plan, node);
    uint64_t began;
    if (must == 0)
        return;
    t->nodes[node].cap = (struct stock){{0}};
    began = cpu_ns();
    CHECK(adjust_repair(adjust, &what, &result) == OK);
    out->ns += cpu_ns() - began;
    out->all++;
    if (judge_exists(t, job, plan, must) == 1) {
        out->local++;
        out->found +=
            result.level == ADJUST_MOVE && (result.moved & ~must) == 0;
    }
    t->nodes[node].cap = cap;
}

static void small_cases(void)
{
    struct failures f = {0};
    for (uint64_t seed = 1001; seed <= 1000 + CASES; seed++) {
        struct topology t = {0};
        struct job_graph job;
        struct plan plan = {0};
        struct embed *embed = NULL;
        struct adjust *adjust = NULL;
        sample_instance(seed, &t, &job);
        CHECK(embed_new(&t, &embed) == OK && adjust_new(&t, &adjust) == OK);
        if (embed_solve(embed, &job, &embed_options_default, &plan, NULL) == OK)
            for (uint32_t v = 0; v < t.node_count; v++)
                withdraw(&t, &job, &plan, v, adjust, &f);
        adjust_free(adjust);
        embed_free(embed);
        topology_done(&t);
    }
    CHECK(f.local > 0);
    row("adjust.local", 100.0 * f.found / f.local, "%", ">= 100",
        "only the violated move, where that is possible");
    row("adjust.local.cases", f.local, "", "-", "offers withdrawn");
    row("adjust.repair", (double)f.ns / 1e3 / f.all, "us", "-", "likewise");
}

/* ---- load that goes back and forth ---- */

static uint32_t back_and_forth(uint64_t period_ms)
{
    uint64_t price[2] = {0};
    struct adjust_terms terms = adjust_terms_default;
    struct adjust_history history = {0};
    static struct adjust_result result;
    struct topology t = {0};
    struct job_graph job;
    struct plan plan = {.component_count = 1};
    struct adjust *adjust = NULL;
    uint32_t moves = 0;
    sample_line(&t, 2);
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 2000;
    CHECK(adjust_new(&t, &adjust) == OK);
    terms.price_micro = price;
    for (uint64_t now = 1; now < 80000000; now += 60000) {
        bool first = now / period_ms % 2 == 0;
        struct adjust_case what = {.topology = &t,
                                   .job = &job,
                                   .plan = &plan,
                                   .terms = &terms,
                                   .history = &history,
                                   .now_ms = now};
        price[0] = first ? 2000000 : 1000000;
        price[1] = first ? 1000000 : 2000000;
        CHECK(adjust_improve(adjust, &what, &result) == OK);
        moves += result.moves;
        adjust_note(&what, &result, true, &history);
        plan = result.plan;
    }
    adjust_free(adjust);
    topology_done(&t);
    return moves;
}

static void oscillation(void)
{
    static const uint64_t periods[] = {60000, 600000, 1800000, 14400000};
    uint32_t most = 0;
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        uint32_t moves = back_and_forth(periods[i]);
        most = moves > most ? moves : most;
    }
    row("adjust.oscillation", most, "moves", "<= 1",
        "most over periods of 1 min to 4 h");
}

/* ---- against laying anew ---- */

static bool replay(const char *file, double rate, double events,
                   enum adjust_policy policy, struct adjust_report *sum)
{
    const char *home = getenv("SUAN_DATA");
    char path[4096];
    char error[LAB_ERROR_MAX];
    struct gml gml;
    struct buf text;
    snprintf(path, sizeof(path), "%s/vne/%s",
             home != NULL ? home : SUAN_SOURCE_DIR "/../shared/data", file);
    if (lab_file_read(path, GML_BYTES_MAX, &text, error) != OK) {
        fprintf(stderr, "%s. Try: SUAN_DATA=DIR with vne/ in it\n", error);
        return false;
    }
    CHECK(gml_parse(buf_bytes(&text), file, &gml, error) == OK);
    memset(sum, 0, sizeof(*sum));
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct adjust_workload load = {.jobs = embed_workload_virne,
                                       .event_rate = events,
                                       .down_mean = 200};
        struct adjust_way way = {.policy = policy,
                                 .terms = adjust_terms_default,
                                 .options = embed_options_default,
                                 .cpu_ns = cpu_ns};
        struct adjust_report r;
        struct topology t = {0};
        struct dice dice;
        load.jobs.rate = rate;
        load.jobs.requests = 400;
        load.jobs.seed = seed;
        embed_topology_dice(seed, &dice);
        CHECK(embed_topology(&gml, 50, 100, &dice, &t) == OK);
        CHECK(adjust_replay(&t, &load, &way, &r) == OK);
        topology_done(&t);
        sum->hits += r.hits;
        sum->moves += r.moves;
        sum->moves_unhurt += r.moves_unhurt;
        sum->moved_mib += r.moved_mib;
        sum->cpu_ns += r.cpu_ns;
        sum->served += r.served / SEEDS;
    }
    gml_done(&gml);
    buf_done(&text);
    return true;
}

static void against_anew(const char *name, const char *file, double rate,
                         double events)
{
    struct adjust_report repair;
    struct adjust_report anew;
    char what[64];
    char anchor[96];
    if (!replay(file, rate, events, ADJUST_BY_REPAIR, &repair) ||
        !replay(file, rate, events, ADJUST_BY_RESOLVE, &anew))
        return;
    snprintf(what, sizeof(what), "adjust.%s.served", name);
    snprintf(anchor, sizeof(anchor), "%.2f laid anew", 100 * anew.served);
    row(what, 100 * repair.served, "%", "-", anchor);
    snprintf(what, sizeof(what), "adjust.%s.moves", name);
    snprintf(anchor, sizeof(anchor), "%.3f laid anew",
             (double)anew.moves / anew.hits);
    row(what, (double)repair.moves / repair.hits, "a hit", "-", anchor);
    snprintf(what, sizeof(what), "adjust.%s.unhurt", name);
    snprintf(anchor, sizeof(anchor), "%.3f laid anew",
             (double)anew.moves_unhurt / anew.hits);
    row(what, (double)repair.moves_unhurt / repair.hits, "a hit", "-", anchor);
    snprintf(what, sizeof(what), "adjust.%s.moved", name);
    snprintf(anchor, sizeof(anchor), "%.1f laid anew",
             (double)anew.moved_mib / anew.hits);
    row(what, (double)repair.moved_mib / repair.hits, "MiB/hit", "-", anchor);
    snprintf(what, sizeof(what), "adjust.%s.time", name);
    snprintf(anchor, sizeof(anchor), "%.3f laid anew",
             (double)anew.cpu_ns / 1e6 / anew.hits);
    row(what, (double)repair.cpu_ns / 1e6 / repair.hits, "ms/hit", "-", anchor);
}

int main(int argc, char **argv)
{
    tsv = argc > 1 ? fopen(argv[1], "w") : NULL;
    small_cases();
    oscillation();
    against_anew("wx100", "Waxman100.gml", 0.16, 0.05);
    against_anew("geant", "Geant.gml", 0.016, 0.005);
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
