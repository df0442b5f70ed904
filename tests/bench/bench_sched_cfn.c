/* links: sched */
/* Which instance of a service: how fast it is chosen, and how good the choice.
 *
 *   bench_sched_cfn [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. Speed is
 * processor time. Quality is a simulation (tests/unit/sched/cfn_sim.h): four
 * ingresses send to instances that are told of every 100 ms, a hundred service
 * times; the anchors are other policies on the same arrivals. */

#include <stdio.h>
#include <time.h>

#include "sched/cfn/flow.h"
#include "tests/unit/sched/cfn_sim.h"

#define CHOICES   2000000u
#define FLOWS     65536u
#define SEEDS     5u
#define INGRESSES 4u

struct bench {
    FILE *tsv;
    struct service_table table;
    struct select_rules rules;
    struct dice dice;
    struct service_id ids[64];
    uint64_t sink;
};

static const uint8_t key[SHORT_HASH_KEY_LEN] = {2, 7, 1, 8};

static double cpu_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void row(struct bench *b, const char *name, double value,
                const char *unit, const char *goal, const char *anchor)
{
    printf("%-32s %12.3f %-6s %-10s %s\n", name, value, unit, goal, anchor);
    if (b->tsv != NULL)
        fprintf(b->tsv, "%s\t%.3f\t%s\t%s\t%s\n", name, value, unit, goal,
                anchor);
}

/* 64 services of `count` instances, all different. */
static void fill(struct bench *b, uint32_t count)
{
    struct service_limits limits = {64, 64 * SERVICE_INSTANCES_MAX, 256, 256};
    CHECK(service_table_init(&b->table, &limits, key) == OK);
    for (uint32_t s = 0; s < 64; s++) {
        dice_fill(&b->dice, b->ids[s].b, sizeof(b->ids[s].b));
        for (uint32_t n = 0; n < count; n++) {
            struct service_update u = {
                .service = b->ids[s], .seq = 1, .life_ms = 60000};
            u.instance.b[0] = (uint8_t)n;
            u.egress.b[0] = (uint8_t)n;
            u.metrics.of[METRIC_SERVICE] = (struct metric){
                500 + (uint32_t)dice_below(&b->dice, 1000), METRIC_MEASURED};
            u.metrics.of[METRIC_LOAD] = (struct metric){
                (uint32_t)dice_below(&b->dice, 1000), METRIC_MEASURED};
            u.metrics.of[METRIC_QUEUE] = (struct metric){
                (uint32_t)dice_below(&b->dice, 4), METRIC_MEASURED};
            u.metrics.of[METRIC_SLOTS] = (struct metric){1, METRIC_NOMINAL};
            CHECK(service_hear(&b->table, &u, 0) == OK);
            CHECK(service_set_rtt(&b->table, &u.egress,
                                  (uint32_t)dice_below(&b->dice, 5000), 60000,
                                  0) == OK);
        }
    }
}

/* Choices a second, with what is begun there and what ends. */
static double choices(struct bench *b, uint32_t count, uint32_t peers)
{
    struct service_ref open[256] = {{0, 0}};
    double start;
    double spent;
    fill(b, count);
    b->rules.peers = peers;
    start = cpu_s();
    for (uint32_t i = 0; i < CHOICES; i++) {
        struct select_choice c;
        CHECK(select_instance(&b->table, &b->ids[i % 64], &b->rules, i, 1,
                              &b->dice, &c) == OK);
        service_end(&b->table, open[i % 256]);
        service_begin(&b->table, c.ref);
        open[i % 256] = c.ref;
        b->sink += c.ref.index;
    }
    spent = cpu_s() - start;
    service_table_done(&b->table);
    return CHOICES / spent / 1e6;
}

/* Packets a second of flows that stick. */
static double packets(struct bench *b)
{
    struct flow_table flows;
    struct flow_packet p = {.service_port = 443, .protocol = 6};
    struct flow_way way;
    double spent = 0;
    fill(b, 16);
    CHECK(flow_table_init(&flows, FLOWS, 60000, key) == OK);
    for (uint32_t i = 0; i < FLOWS + CHOICES; i++) {
        uint32_t n = i % FLOWS * 40503u % FLOWS;
        if (i == FLOWS)
            spent = -cpu_s();
        p.service = b->ids[n % 64];
        u32le_put(p.client.b, n);
        CHECK(flow_steer(&flows, &b->table, &b->rules, &p, FLOW_TUPLE, 1,
                         &b->dice, &way) == OK);
        b->sink += way.ref.index;
    }
    spent += cpu_s();
    flow_table_done(&flows);
    service_table_done(&b->table);
    return CHOICES / spent / 1e6;
}

static void speed(struct bench *b)
{
    row(b, "cfn.choices_16", choices(b, 16, 1), "M/s", ">=1",
        "exact least of 16, 64 services");
    row(b, "cfn.choices_16_peers_8", choices(b, 16, 8), "M/s", ">=1",
        "with seven other ingresses placed first");
    row(b, "cfn.choices_128", choices(b, 128, 1), "M/s", ">=1",
        "four drawn of 128");
    row(b, "cfn.packets_sticky", packets(b), "M/s", "-", "65,536 flows kept");
}

/* ---- quality ---- */

static struct sim_result live(struct sim_world w, enum sim_policy policy)
{
    struct sim_result sum = {0};
    w.policy = policy;
    for (w.seed = 1; w.seed <= SEEDS; w.seed++) {
        struct sim_result r = sim_run(&w);
        sum.mean_us += r.mean_us / SEEDS;
        sum.p99_us += r.p99_us / SEEDS;
        sum.after += r.after;
        sum.after_slow += r.after_slow;
    }
    return sum;
}

static struct sim_world world_of(uint32_t instances, uint32_t load_permille)
{
    struct sim_world w = {.instances = instances,
                          .ingresses = INGRESSES,
                          .requests = 20000,
                          .load_permille = load_permille,
                          .period_ms = 100,
                          .rtt_us = 400};
    for (uint32_t i = 0; i < instances; i++)
        w.service_us[i] = 1000;
    return w;
}

static void world(struct bench *b, const char *name, const struct sim_world *w)
{
    char anchor[128];
    double two = live(*w, SIM_TWO).p99_us / 1000.0;
    (void)snprintf(anchor, sizeof(anchor),
                   "random %.1f round robin %.1f best of two %.1f, as told "
                   "%.1f",
                   live(*w, SIM_RANDOM).p99_us / 1000.0,
                   live(*w, SIM_ROUND_ROBIN).p99_us / 1000.0, two,
                   live(*w, SIM_TWO_TOLD).p99_us / 1000.0);
    row(b, name, live(*w, SIM_SCORE).p99_us / 1000.0, "ms", "<=others", anchor);
}

static void drain(struct bench *b)
{
    struct sim_world w = world_of(8, 500);
    struct sim_result r;
    w.slow_from = 4000;
    w.slow_times = 5;
    r = live(w, SIM_SCORE);
    row(b, "cfn.share_slowed_5x", 100.0 * r.after_slow / r.after, "%", "<6.25",
        "one of eight; after one telling");
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct sim_world w;
    dice_init(&b.dice, 3);
    select_rules_init(&b.rules, key);
    if (argc > 1 && (b.tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    if (b.tsv != NULL)
        fprintf(b.tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    speed(&b);
    w = world_of(4, 600);
    w.service_us[0] = w.service_us[1] = 20000;
    world(&b, "cfn.p99_2_of_4_slow_20x", &w);
    w.service_us[0] = w.service_us[1] = 5000;
    world(&b, "cfn.p99_2_of_4_slow_5x", &w);
    w = world_of(8, 700);
    world(&b, "cfn.p99_8_alike_load_70", &w);
    w = world_of(8, 900);
    world(&b, "cfn.p99_8_alike_load_90", &w);
    drain(&b);
    if (b.tsv != NULL && fclose(b.tsv) != 0) {
        perror(argv[1]);
        return 1;
    }
    return b.sink == 0;
}
