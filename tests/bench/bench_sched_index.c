/* links: sched_lab */
/* The index of offers: how long it takes to find the cheapest that can take a
 * task, to explain why there is none, and to change an offer. Library calls
 * alone: decisions only.
 *
 *   bench_sched_index [TSV [SET]]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV; of one set
 * only, if it is named. openb.*:
 * machines and tasks of that trace, in $SUAN_DATA/openb or beside the checkout;
 * drawn.*: shapes drawn from a seed, no want twice, a third with a price cap, a
 * third with a label. Nine machines in ten are nearly full. The anchor of a
 * decision is the plain way, in the same run: look at every offer. */

#include "sched/index/survey.h"
#include "sched/lab/openb.h"
#include "tests/bench/index_bench.h"

#define OFFERS_MAX 1000000u
#define RUNS       40000u
#define BATCH      1000u
#define SCANS      200u
#define HELD       2000u /* tasks that run at a time */
#define TAG_ARM    1u
#define ZONES      20u

struct held {
    uint32_t slot;
    struct shape shape;
};

static bool drawn;       /* nothing of the trace */
static const char *only; /* that set; NULL: all */
static struct openb openb;
static struct held held_tasks[HELD];
static uint32_t held_count;
static double us[RUNS];

/* ---- rows ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void percentiles(struct bench *b, const char *set, const char *name,
                        uint32_t count, const char *goals[3],
                        const char *anchor)
{
    static const char *const suffixes[3] = {"p50", "p99", "max"};
    char label[64];
    qsort(us, count, sizeof(us[0]), compare);
    const double values[3] = {us[count / 2], us[count - 1 - count / 100],
                              us[count - 1]};
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(label, sizeof(label), "%s.%s", name, suffixes[i]);
        row(b, set, label, values[i], "us", goals[i], i == 0 ? anchor : "-");
    }
}

/* ---- offers and tasks ---- */

static struct shape node_shape(struct bench *b, uint32_t i)
{
    if (!drawn) {
        const struct machine *m = &openb.machines[i % openb.machine_count];
        return (struct shape){m->total.cpu_milli, m->total.mem_mib,
                              machine_total_milli(m)};
    }
    uint32_t cores = 1u << draw(b, 8);
    return (struct shape){cores * 1000, cores * (1024u + 1024 * draw(b, 8)), 0};
}

static struct shape task_shape(struct bench *b)
{
    if (!drawn) {
        const struct ask *ask = &openb.asks[draw(b, openb.ask_count)];
        return (struct shape){ask->want.cpu_milli, ask->want.mem_mib,
                              ask_milli(ask)};
    }
    uint32_t milli = (uint32_t)(100 + draw(b, 1u << (9 + draw(b, 7))));
    return (struct shape){milli, (uint64_t)milli * (1 + draw(b, 8192)) / 1000,
                          0};
}

static void offer_draw(struct bench *b, uint32_t i)
{
    struct catalog_row *r = &b->rows[i];
    struct shape shape = node_shape(b, i);
    uint64_t left = draw(b, 10) == 0 ? draw(b, 101) : draw(b, 20);
    *r = (struct catalog_row){.tags = b->tags[i], .name = draw(b, UINT64_MAX)};
    r->have[DIM_CPU_TOTAL] = shape.cpu_milli;
    r->have[DIM_MEM_TOTAL] = shape.mem_mib;
    r->have[DIM_DISK_TOTAL] = 1 << 20;
    r->have[DIM_CPU_FREE] = shape.cpu_milli * left / 100;
    r->have[DIM_MEM_FREE] = shape.mem_mib * left / 100;
    r->have[DIM_DISK_FREE] = 1 << 19;
    r->have[DIM_DEVICE_FREE] = shape.device_milli * draw(b, left + 1) / 100;
    r->have[DIM_SLOTS] = 8;
    r->have[DIM_TIME] = 3600000;
    price_draw(b, &r->tariff);
    b->tags[i][r->tag_count++] = TAG_ZONE + draw(b, ZONES);
    if (draw(b, 4) == 0)
        b->tags[i][r->tag_count++] = TAG_ARM;
}

static void fill(struct bench *b, uint32_t offers)
{
    b->offers = offers;
    held_count = 0;
    must(catalog_new(&b->catalog), "catalog");
    for (uint32_t i = 0; i < offers; i++) {
        offer_draw(b, i);
        must(catalog_reserve(b->catalog, i), "reserve");
        catalog_put(b->catalog, i, &b->rows[i]);
    }
}

static void query_draw(struct bench *b, struct shape *shape, struct query *q)
{
    *shape = task_shape(b);
    *q = (struct query){.cost_max = UINT64_MAX};
    q->want[DIM_CPU_FREE] = shape->cpu_milli;
    q->want[DIM_MEM_FREE] = shape->mem_mib;
    q->want[DIM_DISK_FREE] = 1024;
    q->want[DIM_DEVICE_FREE] = shape->device_milli;
    q->want[DIM_SLOTS] = 1;
    q->want[DIM_TIME] = 60000;
    q->mix[TARIFF_CPU] = shape->cpu_milli;
    q->mix[TARIFF_MEM] = shape->mem_mib;
    q->mix[TARIFF_DISK] = 1024;
    q->mix[TARIFF_DEVICE] = shape->device_milli;
    q->flags_off = flag_bit(FLAG_STALE) | flag_bit(FLAG_UNREACHABLE);
    q->tags[q->tag_count].tag = TAG_ARM;
    q->tags[q->tag_count++].absent = true;
    if (drawn && draw(b, 3) == 0)
        q->tags[q->tag_count++].tag = TAG_ZONE + draw(b, ZONES);
    if (drawn && draw(b, 3) == 0)
        q->cost_max = (uint64_t)shape->cpu_milli * (50 + draw(b, 1000));
}

/* ---- decisions ---- */

/* The task takes the place of one that ran. */
static void hold(struct bench *b, uint32_t slot, struct shape shape)
{
    struct held *held = &held_tasks[held_count];
    if (held_count < HELD) {
        held_count++;
    } else {
        held = &held_tasks[draw(b, HELD)];
        take(b, held->slot, held->shape, true);
    }
    *held = (struct held){slot, shape};
    take(b, slot, shape, false);
}

/* The plain way, and that it says the same. */
static double scan(struct bench *b, const struct query *q, bool found,
                   const struct search_hit *best)
{
    double start = now_us();
    struct tariff_mix mix;
    uint64_t least = UINT64_MAX;
    tariff_mix_init(&mix, q->mix);
    for (uint32_t i = 0; i < b->offers; i++) {
        const struct catalog_row *r = &b->rows[i];
        uint64_t cost;
        bool fits = true;
        for (unsigned k = 0; k < DIM_SEARCHED; k++)
            fits = fits && r->have[k] >= q->want[k];
        for (uint32_t k = 0; fits && k < q->tag_count; k++) {
            bool bears = false;
            for (uint32_t t = 0; t < r->tag_count; t++)
                bears = bears || r->tags[t] == q->tags[k].tag;
            fits = bears != q->tags[k].absent;
        }
        if (fits && tariff_cost(&mix, &r->tariff, &cost) &&
            cost <= q->cost_max && cost < least)
            least = cost;
    }
    double spent = now_us() - start;
    CHECK(found == (least != UINT64_MAX));
    CHECK(!found || best->cost == least);
    return spent;
}

/* Decisions one after the other, each followed by what it changes; processor
 * time, without that of drawing the requests. */
static void throughput(struct bench *b, const char *set, bool goals)
{
    static struct query queries[BATCH];
    static struct shape shapes[BATCH];
    double spent = 0;
    for (uint32_t done = 0; done < RUNS; done += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++)
            query_draw(b, &shapes[i], &queries[i]);
        double start = cpu_us();
        for (uint32_t i = 0; i < BATCH; i++) {
            struct search_hit best;
            if (decide(b, &queries[i], &best))
                hold(b, best.slot, shapes[i]);
        }
        spent += cpu_us() - start;
    }
    row(b, set, "decide_and_update", RUNS / spent * 1e6, "1/s",
        goals ? ">=100000" : "-", "-");
}

static void decisions(struct bench *b, const char *set, bool goals)
{
    const char *none[3] = {"-", "-", "-"};
    const char *asked[3] = {"<=1", "<=20", "-"};
    double plain[SCANS];
    uint32_t placed = 0;
    char anchor[64];
    for (uint32_t i = 0; i < RUNS + RUNS / 4; i++) {
        struct shape shape;
        struct query q;
        struct search_hit best = {0};
        query_draw(b, &shape, &q);
        double start = now_us();
        bool found = decide(b, &q, &best);
        double decided = now_us();
        if (i % (RUNS / SCANS) == 0 && i / (RUNS / SCANS) < SCANS)
            plain[i / (RUNS / SCANS)] = scan(b, &q, found, &best);
        if (found)
            hold(b, best.slot, shape);
        if (i < RUNS / 4) /* rungs find their places */
            continue;
        us[i - RUNS / 4] = decided - start;
        placed += found;
    }
    qsort(plain, SCANS, sizeof(plain[0]), compare);
    (void)snprintf(anchor, sizeof(anchor), "plain scan %.0f us",
                   plain[SCANS / 2]);
    percentiles(b, set, "decide", RUNS, goals ? asked : none, anchor);
    throughput(b, set, goals);
    row(b, set, "placed", 100.0 * placed / RUNS, "%", "-", "-");
}

/* ---- explanations ---- */

static void short_of(struct survey *v, enum reason reason,
                     enum dimension dimension, enum dimension unless,
                     uint64_t want)
{
    struct survey_rule *rule = survey_add(v, reason, SURVEY_SHORT);
    rule->dimension = dimension;
    rule->unless = unless;
    rule->want = want;
}

static void survey_of(const struct query *q, struct survey *v)
{
    survey_init(v);
    memcpy(v->mix, q->mix, sizeof(v->mix));
    v->bill = (struct tariff_bill){
        60000, 3600000, q->cost_max == UINT64_MAX ? 0 : q->cost_max / 60 + 1};
    survey_add(v, REASON_STALE, SURVEY_FLAG)->flag = FLAG_STALE;
    survey_add(v, REASON_UNREACHABLE, SURVEY_FLAG)->flag = FLAG_UNREACHABLE;
    for (uint32_t i = 0; i < q->tag_count; i++)
        survey_add(v, i == 0 ? REASON_ARCH : REASON_LABEL,
                   q->tags[i].absent ? SURVEY_TAG : SURVEY_NO_TAG)
            ->tag = q->tags[i].tag;
    uint64_t cpu = q->want[DIM_CPU_FREE];
    uint64_t mem = q->want[DIM_MEM_FREE];
    uint64_t disk = q->want[DIM_DISK_FREE];
    short_of(v, REASON_CPU_TOTAL, DIM_CPU_TOTAL, DIM_COUNT, cpu);
    short_of(v, REASON_MEM_TOTAL, DIM_MEM_TOTAL, DIM_COUNT, mem);
    short_of(v, REASON_DISK_TOTAL, DIM_DISK_TOTAL, DIM_COUNT, disk);
    short_of(v, REASON_TIME, DIM_TIME, DIM_COUNT, q->want[DIM_TIME]);
    (void)survey_add(v, REASON_PRICE, SURVEY_COST);
    short_of(v, REASON_SLOTS, DIM_SLOTS, DIM_COUNT, 1);
    short_of(v, REASON_CPU_FREE, DIM_CPU_FREE, DIM_CPU_TOTAL, cpu);
    short_of(v, REASON_MEM_FREE, DIM_MEM_FREE, DIM_MEM_TOTAL, mem);
    short_of(v, REASON_DISK_FREE, DIM_DISK_FREE, DIM_DISK_TOTAL, disk);
}

static void explanations(struct bench *b, const char *set, bool goals)
{
    const char *none[3] = {"-", "-", "-"};
    const char *asked[3] = {"<=100", "<=100", "-"};
    for (uint32_t i = 0; i < RUNS / 10; i++) {
        struct shape shape;
        struct query q;
        struct survey v;
        struct explain explain;
        uint32_t nearest;
        query_draw(b, &shape, &q);
        survey_of(&q, &v);
        double start = cpu_us();
        must(survey_run(&v, b->catalog, &explain, &nearest), "survey");
        us[i] = cpu_us() - start;
        CHECK(explain.offers == b->offers);
    }
    percentiles(b, set, "explain", RUNS / 10, goals ? asked : none, "-");
    for (uint32_t i = 0; i < RUNS / 10; i++) {
        struct shape shape;
        struct query q;
        query_draw(b, &shape, &q);
        double start = cpu_us();
        (void)search_count(b->catalog, &q);
        us[i] = cpu_us() - start;
    }
    percentiles(b, set, "count", RUNS / 10, none, "-");
}

/* ---- changes ---- */

static void changes(struct bench *b, const char *set)
{
    const char *none[3] = {"-", "-", "-"};
    for (uint32_t i = 0; i < RUNS; i++) {
        uint32_t slot = (uint32_t)draw(b, b->offers);
        struct catalog_row *r = &b->rows[slot];
        uint64_t level = draw(b, r->have[DIM_CPU_TOTAL] + 1);
        double start = now_us();
        catalog_have_set(b->catalog, slot, DIM_CPU_FREE, level);
        us[i] = now_us() - start;
        catalog_have_set(b->catalog, slot, DIM_CPU_FREE, r->have[DIM_CPU_FREE]);
    }
    percentiles(b, set, "change_amount", RUNS, none, "-");
    for (uint32_t i = 0; i < RUNS; i++) {
        uint32_t slot = (uint32_t)draw(b, b->offers);
        price_draw(b, &b->rows[slot].tariff);
        double start = now_us();
        must(catalog_reserve(b->catalog, slot), "reserve");
        catalog_put(b->catalog, slot, &b->rows[slot]);
        us[i] = now_us() - start;
    }
    percentiles(b, set, "change_price", RUNS, none, "-");
}

static void memory(struct bench *b, const char *set)
{
    double per = 100000.0 / b->offers / (1 << 20);
    row(b, set, "order",
        (double)catalog_order_bytes(b->catalog, ORDER_PRICE) * per, "MiB/100k",
        "<=4", "-");
    row(b, set, "columns", (double)catalog_column_bytes(b->catalog) * per,
        "MiB/100k", "-", "-");
}

static void measure(struct bench *b, const char *set, uint32_t offers)
{
    bool goals = offers == 100000;
    char moved[64];
    if (only != NULL && strcmp(only, set) != 0)
        return;
    dice_init(&b->dice, offers);
    double start = now_us();
    fill(b, offers);
    row(b, set, "fill", (now_us() - start) / offers, "us", "-", "an offer");
    memory(b, set);
    decisions(b, set, goals);
    explanations(b, set, goals);
    changes(b, set);
    (void)snprintf(moved, sizeof(moved), "%s_moved", set);
    decisions(b, moved, false); /* where prices have changed */
    catalog_free(b->catalog);
}

int main(int argc, char **argv)
{
    static struct bench b;
    const char *home = getenv("SUAN_DATA");
    char nodes[4096];
    char pods[4096];
    char error[LAB_ERROR_MAX];
    if (home == NULL)
        home = SUAN_SOURCE_DIR "/../shared/data";
    only = argc > 2 ? argv[2] : NULL;
    if (argc > 1 && (b.tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    if (b.tsv != NULL)
        fprintf(b.tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    b.rows = calloc(OFFERS_MAX, sizeof(*b.rows));
    b.tags = calloc(OFFERS_MAX, sizeof(*b.tags));
    CHECK(b.rows != NULL && b.tags != NULL);
    snprintf(nodes, sizeof(nodes), "%s/openb/openb_node_list_gpu_node.csv",
             home);
    snprintf(pods, sizeof(pods), "%s/openb/openb_pod_list_default.csv", home);
    if (openb_read(nodes, pods, &openb, error) == OK) {
        measure(&b, "openb_10k", 10000);
        measure(&b, "openb_100k", 100000);
        measure(&b, "openb_1m", 1000000);
        openb_done(&openb);
    } else {
        fprintf(stderr, "openb is left out: %s\n", error);
    }
    drawn = true;
    measure(&b, "drawn_100k", 100000);
    free(b.rows);
    free(b.tags);
    if (b.tsv != NULL && fclose(b.tsv) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
