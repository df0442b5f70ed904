/* links: sched */
/* The shapes of kube-scheduler's scheduler_perf, as library calls: decisions
 * only, the cheapest node that can take the pod, and what it takes.
 *
 *   bench_sched_shapes [TSV]
 *
 * 5,000 and 15,000 nodes of 4 cores, 32 GiB and 110 pods in three zones, 10,000
 * pods of 100m and 500 MiB. The anchor is the floor its continuous integration
 * demands of the whole scheduler (test/integration/scheduler_perf), with an API
 * server around it; the goal is ten times that. Processor time. */

#include "tests/bench/index_bench.h"

#define NODES_MAX 15000u

#define PERF_ZONES 3u
#define PERF_PODS  10000u
#define TAG_OWN    1000u /* the node has a pod of that group */

struct perf {
    const char *name;
    bool (*place)(struct bench *b, uint32_t i, struct search_hit *out);
    uint32_t floor; /* pods a second */
};

static void perf_query(struct query *q)
{
    *q = (struct query){.cost_max = UINT64_MAX};
    q->want[DIM_CPU_FREE] = 100;
    q->want[DIM_MEM_FREE] = 500;
    q->want[DIM_SLOTS] = 1;
    q->mix[TARIFF_CPU] = 100;
    q->mix[TARIFF_MEM] = 500;
    q->flags_off = flag_bit(FLAG_STALE) | flag_bit(FLAG_UNREACHABLE);
}

static bool place_basic(struct bench *b, uint32_t i, struct search_hit *out)
{
    struct query q;
    (void)i;
    perf_query(&q);
    return decide(b, &q, out);
}

/* One of two zones that the pod names. */
static bool place_node_affinity(struct bench *b, uint32_t i,
                                struct search_hit *out)
{
    const uint64_t zones[2] = {TAG_ZONE + i % PERF_ZONES,
                               TAG_ZONE + (i + 1) % PERF_ZONES};
    struct query q;
    perf_query(&q);
    query_any(&q, zones, 2);
    return decide(b, &q, out);
}

/* A node whose zone has a pod of its group: the first of a group anywhere, and
 * then its zone is where the group may be. */
static uint32_t group_zone[64];

static bool place_affinity(struct bench *b, uint32_t i, struct search_hit *out)
{
    struct query q;
    uint32_t group = i % 64;
    perf_query(&q);
    if (i >= 64)
        query_tag(&q, TAG_ZONE + group_zone[group], false);
    bool found = decide(b, &q, out);
    if (found && i < 64)
        group_zone[group] = (uint32_t)(b->tags[out->slot][0] - TAG_ZONE);
    return found;
}

/* The same, but as a wish: where it has no room, any other. */
static bool place_preferred(struct bench *b, uint32_t i, struct search_hit *out)
{
    return place_affinity(b, i, out) || place_basic(b, i, out);
}

static void bear(struct bench *b, uint32_t slot, uint64_t tag)
{
    struct catalog_row *r = &b->rows[slot];
    if (r->tag_count < TAGS)
        b->tags[slot][r->tag_count++] = tag;
    catalog_put(b->catalog, slot, r);
}

/* At most one pod of its group on a node. Tags are lent, so the row is put with
 * a longer list of the same. */
static bool place_anti_affinity(struct bench *b, uint32_t i,
                                struct search_hit *out)
{
    struct query q;
    uint64_t group = TAG_OWN + i % 2;
    perf_query(&q);
    query_tag(&q, group, true);
    if (!decide(b, &q, out))
        return false;
    bear(b, out->slot, group);
    return true;
}

/* The zone with the fewest of them, within a skew of one. */
static bool place_spread(struct bench *b, uint32_t i, struct search_hit *out)
{
    static uint32_t used[PERF_ZONES];
    uint32_t zone = 0;
    struct query q;
    if (i == 0)
        memset(used, 0, sizeof(used));
    for (uint32_t k = 1; k < PERF_ZONES; k++)
        zone = used[k] < used[zone] ? k : zone;
    perf_query(&q);
    query_tag(&q, TAG_ZONE + zone, false);
    if (!decide(b, &q, out))
        return false;
    used[zone]++;
    return true;
}

static const struct perf perfs[] = {
    {"basic", place_basic, 680},
    {"node_affinity", place_node_affinity, 220},
    {"affinity", place_affinity, 35},
    {"preferred_affinity", place_preferred, 90},
    {"anti_affinity", place_anti_affinity, 60},
    {"spread", place_spread, 0},
};

static void perf_fill(struct bench *b, uint32_t nodes)
{
    b->offers = nodes;
    must(catalog_new(&b->catalog), "catalog");
    for (uint32_t i = 0; i < nodes; i++) {
        struct catalog_row *r = &b->rows[i];
        *r = (struct catalog_row){.tags = b->tags[i], .name = i};
        r->have[DIM_CPU_TOTAL] = r->have[DIM_CPU_FREE] = 4000;
        r->have[DIM_MEM_TOTAL] = r->have[DIM_MEM_FREE] = 32768;
        r->have[DIM_SLOTS] = 110;
        price_draw(b, &r->tariff);
        b->tags[i][r->tag_count++] = TAG_ZONE + i % PERF_ZONES;
        must(catalog_reserve(b->catalog, i), "reserve");
        catalog_put(b->catalog, i, r);
    }
}

static void perf_run(struct bench *b, const struct perf *perf, uint32_t nodes)
{
    char set[64];
    char goal[32] = "-";
    char anchor[64] = "-";
    uint32_t placed = 0;
    perf_fill(b, nodes);
    double start = cpu_us();
    for (uint32_t i = 0; i < PERF_PODS; i++) {
        struct search_hit hit;
        if (!perf->place(b, i, &hit))
            continue;
        take(b, hit.slot, (struct shape){100, 500, 0}, false);
        placed++;
    }
    double spent = cpu_us() - start;
    if (perf->floor > 0) {
        (void)snprintf(goal, sizeof(goal), ">=%u", 10 * perf->floor);
        (void)snprintf(anchor, sizeof(anchor), "CI floor %u, with its API",
                       perf->floor);
    }
    (void)snprintf(set, sizeof(set), "perf_%uk", nodes / 1000);
    row(b, set, perf->name, placed / spent * 1e6, "1/s", goal, anchor);
    CHECK(placed == PERF_PODS);
    catalog_free(b->catalog);
}

int main(int argc, char **argv)
{
    static struct bench b;
    dice_init(&b.dice, 1);
    if (argc > 1 && (b.tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    if (b.tsv != NULL)
        fprintf(b.tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    b.rows = calloc(NODES_MAX, sizeof(*b.rows));
    b.tags = calloc(NODES_MAX, sizeof(*b.tags));
    CHECK(b.rows != NULL && b.tags != NULL);
    for (size_t i = 0; i < sizeof(perfs) / sizeof(perfs[0]); i++) {
        perf_run(&b, &perfs[i], 5000);
        perf_run(&b, &perfs[i], NODES_MAX);
    }
    free(b.rows);
    free(b.tags);
    if (b.tsv != NULL && fclose(b.tsv) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
