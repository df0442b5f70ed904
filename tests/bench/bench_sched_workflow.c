/* links: sched_lab */
/* Task graphs with time on priced offers.
 *
 *   bench_sched_workflow [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. Reads the
 * recorded workflows below $SUAN_DATA/workflows, else below ../shared/data;
 * says so where they are absent. They are planned on four offers at four sites,
 * inputs at the first one; the anchor of each is HEFT as published, in the same
 * run. A bound is not an optimum: a ratio above 1 may still be the best there
 * is. "(proven)" says that it is, from the bound or the search of all plans.
 * Every plan is checked. Times are processor time. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/dice.h"
#include "sched/graph/flow_plan.h"
#include "sched/lab/wfformat.h"

#define LARGE_TASKS  2122u
#define LARGE_OFFERS 1000u
#define LARGE_SITES  25u

static FILE *tsv;

static const char *const names[] = {"1000genome-chameleon-2ch-100k-001",
                                    "bacass-dirt02-001",
                                    "blast-chameleon-small-005",
                                    "epigenomics-chameleon-hep-1seq-100k-001",
                                    "helloworld-chain-5-chameleon",
                                    "helloworld-forkjoin-10-chameleon",
                                    "methylseq-dirt02-001",
                                    "sarek-dirt02-001",
                                    "scrnaseq-dirt02-001",
                                    "srasearch-chameleon-10a-001"};

#define NAMES (sizeof(names) / sizeof(names[0]))

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

/* Speeds, cores and prices as of a small machine, a fast one, a large one and
 * one abroad. */
static void four_offers(struct offerset *set)
{
    static const struct offerset_offer offers[] = {
        {40000, 1000, 8, 262144, 0, 0},
        {90000, 1600, 4, 262144, 1, 1},
        {20000, 800, 16, 262144, 2, 2},
        {70000, 2200, 8, 262144, 3, 3}};
    CHECK(offerset_init(set, 4) == OK);
    for (uint32_t o = 0; o < 4; o++)
        CHECK(offerset_add(set, &offers[o]) == OK);
    for (uint32_t a = 0; a < 4; a++) {
        for (uint32_t b = 0; b < 4; b++) {
            uint32_t far = a == 3 || b == 3;
            struct offerset_link link = {far ? 30000 : 10000,
                                         far ? 40000 : 8000,
                                         far ? 400000 : 1000000};
            if (a == b)
                link = (struct offerset_link){0, 300, 10000000};
            CHECK(offerset_link(set, a, b, &link) == OK);
        }
    }
}

static double plan(const struct flowcase *fc, const struct flow_plan_ask *ask,
                   struct flow_plan *out)
{
    struct timetable_limits limits = {ask->deadline_us, TIMETABLE_UNBOUND};
    struct timetable_slot *slots = calloc(fc->w->task_count, sizeof(*slots));
    struct timetable_sums sums;
    struct timetable_fault fault;
    double start = cpu_ms();
    double took;
    CHECK(slots != NULL);
    CHECK(flow_plan(fc, ask, slots, out) == OK);
    took = cpu_ms() - start;
    CHECK(timetable_check(fc->w, fc->set, slots, &limits, &sums, &fault) == OK);
    CHECK(sums.makespan_us == out->makespan_us);
    CHECK(sums.cost_micro == out->cost_micro);
    free(slots);
    return took;
}

static bool read_recorded(const char *name, struct wfformat *out)
{
    static uint8_t bytes[1u << 20];
    const char *home = getenv("SUAN_DATA");
    char error[WFFORMAT_ERROR_MAX];
    char path[4096];
    uint32_t task = 0;
    FILE *file;
    size_t len;
    (void)snprintf(path, sizeof(path), "%s/workflows/%s.json",
                   home == NULL ? "../shared/data" : home, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return false;
    len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    if (wfformat_parse(bytes_make(bytes, len), name, out, error) != OK) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    for (uint32_t f = 0; f < out->workflow.file_count; f++) {
        if (out->workflow.files[f].producer == WORKFLOW_NONE)
            out->workflow.files[f].site = 0;
    }
    CHECK(workflow_close(&out->workflow, &task) == OK);
    return true;
}

struct sums {
    double ratio, heft, ms, saved;
    uint32_t count, proven;
};

static void recorded(const char *name, const struct offerset *set,
                     struct sums *sums)
{
    struct flow_plan_ask ask = {FLOW_PLAN_FASTEST, TIMETABLE_UNBOUND,
                                FLOW_PLAN_STEPS, FLOW_PLAN_EXACT_STEPS, 1};
    struct flow_plan fast;
    struct flow_plan cheap;
    struct wfformat wf;
    struct flowcase fc;
    uint32_t task = 0;
    char label[64];
    char anchor[96];
    double ratio;
    double heft;
    double ms;
    if (!read_recorded(name, &wf)) {
        printf("workflows/%s.json is absent: set SUAN_DATA\n", name);
        return;
    }
    CHECK(flowcase_init(&fc, &wf.workflow, set, &task) == OK);
    ms = plan(&fc, &ask, &fast);
    ratio = (double)fast.makespan_us / (double)fast.least_us;
    heft = (double)fast.heft_us / (double)fast.least_us;
    (void)snprintf(label, sizeof(label), "workflow.%.*s",
                   (int)strcspn(name, "-") +
                       (strncmp(name, "hello", 5) == 0 ? 6 : 0),
                   name);
    (void)snprintf(anchor, sizeof(anchor), "HEFT %.4f; %u tasks, %.0f s%s",
                   heft, wf.workflow.task_count, (double)fast.makespan_us / 1e6,
                   fast.proven ? " (proven)" : "");
    row(label, ratio, "x", "1", anchor);
    ask.goal = FLOW_PLAN_CHEAPEST;
    ask.deadline_us = fast.makespan_us * 3 / 2;
    ms += plan(&fc, &ask, &cheap);
    sums->ratio += ratio;
    sums->heft += heft;
    sums->ms += ms;
    sums->saved += 1 - (double)cheap.cost_micro / (double)fast.cost_micro;
    sums->proven += fast.proven;
    sums->count++;
    wfformat_done(&wf);
}

static void all_recorded(void)
{
    struct offerset set;
    struct sums sums = {0};
    char anchor[96];
    four_offers(&set);
    for (size_t i = 0; i < NAMES; i++)
        recorded(names[i], &set, &sums);
    offerset_done(&set);
    if (sums.count == 0)
        return;
    (void)snprintf(anchor, sizeof(anchor),
                   "HEFT %.4f; makespan / lower bound; %u of %u proven best",
                   sums.heft / sums.count, sums.proven, sums.count);
    row("workflow.mean_ratio", sums.ratio / sums.count, "x", "<=1.03", anchor);
    row("workflow.saved_at_1.5x", 100 * sums.saved / sums.count, "%", "-",
        "cost below the fastest, by 1.5 times its end");
    row("workflow.two_plans", sums.ms / sums.count, "ms", "-",
        "mean of fastest + cheapest, with local search");
}

/* ---- large ---- */

static void large_workflow(struct workflow *w, struct dice *dice)
{
    uint32_t index = 0;
    workflow_init(w);
    for (uint32_t t = 0; t < LARGE_TASKS; t++) {
        struct workflow_task task = {dice_between(dice, 1, 600) * 1000000,
                                     WORKFLOW_ZONES_ALL,
                                     (uint32_t)dice_between(dice, 1, 4), 2048};
        CHECK(workflow_add_task(w, &task, &index) == OK);
    }
    for (uint32_t t = 20; t < LARGE_TASKS; t++) {
        uint32_t reach = t < 200 ? t : 200;
        for (uint32_t i = 0; i < 3; i++) {
            struct workflow_file file = {
                dice_below(dice, UINT64_C(1) << 30), WORKFLOW_ZONES_ALL,
                t - 1 - (uint32_t)dice_below(dice, reach), WORKFLOW_NONE};
            CHECK(workflow_add_file(w, &file, &index) == OK);
            CHECK(workflow_add_use(w, t, index) == OK);
        }
    }
    CHECK(workflow_close(w, &index) == OK);
}

static void large_offers(struct offerset *set, struct dice *dice)
{
    CHECK(offerset_init(set, LARGE_SITES) == OK);
    for (uint32_t o = 0; o < LARGE_OFFERS; o++) {
        struct offerset_offer offer = {dice_between(dice, 10, 90) * 1000,
                                       (uint32_t)dice_between(dice, 500, 2500),
                                       (uint32_t)dice_between(dice, 4, 64),
                                       65536,
                                       (uint32_t)dice_below(dice, LARGE_SITES),
                                       0};
        CHECK(offerset_add(set, &offer) == OK);
    }
    for (uint32_t i = 0; i < LARGE_SITES * LARGE_SITES; i++) {
        struct offerset_link link = {
            dice_below(dice, 50) * 1000, (uint32_t)dice_below(dice, 200000),
            (uint32_t)dice_between(dice, 100000, 10000000)};
        CHECK(offerset_link(set, i / LARGE_SITES, i % LARGE_SITES, &link) ==
              OK);
    }
}

static void large(void)
{
    struct flow_plan_ask ask = {FLOW_PLAN_FASTEST, TIMETABLE_UNBOUND, 0, 0, 1};
    struct workflow w;
    struct offerset set;
    struct flowcase fc;
    struct flow_plan made;
    struct dice dice;
    uint32_t task = 0;
    char anchor[96];
    double ms;
    dice_init(&dice, 42);
    large_workflow(&w, &dice);
    large_offers(&set, &dice);
    CHECK(flowcase_init(&fc, &w, &set, &task) == OK);
    ms = plan(&fc, &ask, &made);
    (void)snprintf(anchor, sizeof(anchor),
                   "%u tasks, %u offers; %.3f of the bound, HEFT %.3f",
                   LARGE_TASKS, LARGE_OFFERS,
                   (double)made.makespan_us / (double)made.least_us,
                   (double)made.heft_us / (double)made.least_us);
    row("workflow.large", ms / 1000, "s", "<1", anchor);
    ask.steps = FLOW_PLAN_STEPS;
    ms = plan(&fc, &ask, &made);
    (void)snprintf(anchor, sizeof(anchor),
                   "the same with local search: %.3f of the bound",
                   (double)made.makespan_us / (double)made.least_us);
    row("workflow.large.searched", ms / 1000, "s", "-", anchor);
    ask.goal = FLOW_PLAN_CHEAPEST;
    ask.deadline_us = made.makespan_us * 2;
    ms = plan(&fc, &ask, &made);
    (void)snprintf(anchor, sizeof(anchor),
                   "by twice the end: cost %.3f of what no plan beats",
                   (double)made.cost_micro / (double)made.least_micro);
    row("workflow.large.cheapest", ms / 1000, "s", "-", anchor);
    workflow_done(&w);
    offerset_done(&set);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        tsv = fopen(argv[1], "w");
        CHECK(tsv != NULL);
    }
    all_recorded();
    large();
    if (tsv != NULL && fclose(tsv) != 0)
        return 1;
    return 0;
}
