#include "sched/lab/embed_replay.h"

#include "base/check.h"
#include "sched/graph/baseline.h"
#include "sched/graph/plan_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MILLI     1000u
#define MBIT_KBPS 1000u
#define EARTH_KM  6371.0
#define US_PER_KM 5.0

const struct embed_workload embed_workload_virne = {.rate = 0.16,
                                                    .life_mean = 500,
                                                    .requests = 1000,
                                                    .size_min = 2,
                                                    .size_max = 10,
                                                    .edge_permille = 500,
                                                    .node_max = 20,
                                                    .link_max = 50};

double embed_report_revenue_cost(const struct embed_report *report)
{
    double nodes = (double)report->node_revenue;
    double cost = nodes + (double)report->link_cost;
    return cost > 0 ? (nodes + (double)report->link_revenue) / cost : 0;
}

double embed_report_time_revenue_cost(const struct embed_report *report)
{
    return report->time_cost > 0 ? report->time_revenue / report->time_cost : 0;
}

/* ---- the topology ---- */

static double radians(double degrees)
{
    return degrees * (3.14159265358979323846 / 180);
}

static bool on_earth(const struct gml *gml, uint32_t node, double *lon,
                     double *lat)
{
    return gml_node_number(gml, node, "Longitude", lon) &&
           gml_node_number(gml, node, "Latitude", lat) && fabs(*lon) <= 360 &&
           fabs(*lat) <= 90;
}

static uint32_t delay_of(const struct gml *gml, uint32_t a, uint32_t b)
{
    double lon_a, lat_a, lon_b, lat_b, h;
    if (!on_earth(gml, a, &lon_a, &lat_a) || !on_earth(gml, b, &lon_b, &lat_b))
        return LINK_UNKNOWN;
    h = pow(sin(radians(lat_b - lat_a) / 2), 2) +
        cos(radians(lat_a)) * cos(radians(lat_b)) *
            pow(sin(radians(lon_b - lon_a) / 2), 2);
    h = h > 1 ? 1 : h;
    return (uint32_t)(2 * EARTH_KM * asin(sqrt(h)) * US_PER_KM + 0.5);
}

static uint32_t draw_links(const struct gml *gml, uint32_t least, uint32_t most,
                           struct dice *dice, struct topo_link *links)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < gml->edge_count; i++) {
        const struct gml_edge *edge = &gml->edges[i];
        if (edge->source == edge->target)
            continue;
        links[count++] = (struct topo_link){
            .a = (uint16_t)edge->source,
            .b = (uint16_t)edge->target,
            .cap_kbps = dice_between(dice, least, most) * MBIT_KBPS,
            .delay_us = delay_of(gml, edge->source, edge->target),
            .risk_nn = LINK_UNKNOWN};
    }
    return count;
}

enum err embed_topology(const struct gml *gml, uint32_t least, uint32_t most,
                        struct dice *dice, struct topology *out)
{
    struct topo_node *nodes;
    struct topo_link *links;
    enum err err;
    if (gml->node_count > TOPOLOGY_NODES_MAX)
        return ERR_TOO_LARGE;
    if (least > most || most > UINT32_MAX / MILLI)
        return ERR_RANGE;
    nodes = calloc(gml->node_count + 1u, sizeof(*nodes));
    links = calloc(gml->edge_count + 1u, sizeof(*links));
    if (nodes == NULL || links == NULL) {
        err = ERR_NOMEM;
        goto out;
    }
    for (uint32_t v = 0; v < gml->node_count; v++) {
        nodes[v].speed = 1000;
        nodes[v].cap.of[RES_CPU] =
            (uint32_t)dice_between(dice, least, most) * MILLI;
    }
    err = topology_init(out, nodes, gml->node_count, links,
                        draw_links(gml, least, most, dice, links), NULL, 0);
out:
    free(nodes);
    free(links);
    return err;
}

void embed_topology_dice(uint64_t seed, struct dice *out)
{
    dice_init(out, seed ^ UINT64_C(0x746f706f6c6f6779));
}

/* ---- requests ---- */

static bool hangs_together(const struct job_graph *job)
{
    uint32_t reached = 1;
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < job->link_count; i++) {
            uint32_t ends = 1u << job->links[i].from | 1u << job->links[i].to;
            changed =
                changed || ((reached & ends) != 0 && (reached & ends) != ends);
            if ((reached & ends) != 0)
                reached |= ends;
        }
    }
    return reached == (uint32_t)((UINT64_C(1) << job->component_count) - 1);
}

static void draw_job_links(const struct embed_workload *workload,
                           struct dice *dice, struct job_graph *job)
{
    job->link_count = 0;
    for (uint32_t a = 0; a < job->component_count; a++)
        for (uint32_t b = a + 1; b < job->component_count; b++)
            if (dice_chance(dice, workload->edge_permille))
                CHECK(job_graph_join(job, (uint8_t)a, (uint8_t)b, 0) != NULL);
}

void embed_request(const struct embed_workload *workload, struct dice *dice,
                   struct job_graph *out)
{
    uint64_t size = dice_between(dice, workload->size_min, workload->size_max);
    job_graph_init(out);
    out->alone = true;
    for (uint64_t c = 0; c < size; c++)
        job_graph_add(out)->want.of[RES_CPU] =
            (uint32_t)dice_between(dice, 0, workload->node_max) * MILLI;
    do {
        draw_job_links(workload, dice, out);
    } while (!hangs_together(out));
    for (uint32_t i = 0; i < out->link_count; i++)
        out->links[i].kbps =
            dice_between(dice, 0, workload->link_max) * MBIT_KBPS;
}

/* ---- the replay ---- */

struct guest {
    double ends_at;
    struct hold *hold;
};

struct replay {
    struct topology *topology;
    const struct embed_workload *workload;
    const struct embed_way *way;
    struct embed *embed;
    struct guest *guests; /* in no order */
    uint32_t guest_count;
    uint64_t *sum_links; /* of the guests: for the comparison */
    struct stock *sum_nodes;
    struct dice times;
    struct dice requests;
    struct dice policy;
    uint16_t *starts; /* as way.rank wrote them */
    struct job_graph job;
    struct plan plan;
    struct hold hold;
    struct embed_report report;
};

/* Exponential, by inversion; never 0 and never infinite. */
static double draw_exponential(struct dice *dice, double mean)
{
    double u = ((double)(dice_next(dice) >> 11) + 0.5) / 9007199254740992.0;
    return -log(u) * mean;
}

/* Poisson, by counting exponential steps; in pieces, for exp(-mean) of a large
 * mean is 0. */
static double draw_poisson(struct dice *dice, double mean)
{
    double count = 0;
    while (mean > 0) {
        double piece = mean < 32 ? mean : 32;
        double at = draw_exponential(dice, 1);
        while (at <= piece) {
            count++;
            at += draw_exponential(dice, 1);
        }
        mean -= piece;
    }
    return count;
}

/* What the guests hold is what is used, nowhere more than there is. */
static void compare_sums(struct replay *r)
{
    const struct topology *t = r->topology;
    CHECK(r->sum_links != NULL && r->sum_nodes != NULL && r->guests != NULL);
    memset(r->sum_links, 0, t->link_count * sizeof(*r->sum_links));
    memset(r->sum_nodes, 0, t->node_count * sizeof(*r->sum_nodes));
    for (uint32_t i = 0; i < r->guest_count; i++) {
        const struct hold *h = r->guests[i].hold;
        for (uint32_t k = 0; k < h->link_count; k++)
            r->sum_links[h->links[k].link] += h->links[k].kbps;
        for (uint32_t k = 0; k < h->node_count; k++)
            for (uint32_t d = 0; d < RES_COUNT; d++)
                r->sum_nodes[h->nodes[k].node].of[d] += h->nodes[k].stock.of[d];
    }
    for (uint32_t l = 0; l < t->link_count; l++) {
        CHECK(r->sum_links[l] == t->links[l].used_kbps);
        CHECK(r->sum_links[l] <= t->links[l].cap_kbps);
    }
    for (uint32_t v = 0; v < t->node_count; v++) {
        CHECK(memcmp(&r->sum_nodes[v], &t->nodes[v].used,
                     sizeof(struct stock)) == 0);
        CHECK(stock_fits(&t->nodes[v].used, &t->nodes[v].cap));
    }
}

static void guest_leaves(struct replay *r, uint32_t guest)
{
    struct hold *hold;
    CHECK(r->guests != NULL && guest < r->guest_count);
    hold = r->guests[guest].hold;
    r->guests[guest] = r->guests[--r->guest_count];
    r->guests[r->guest_count].hold = NULL;
    topology_give(r->topology, hold);
    compare_sums(r);
    free(hold);
}

static void guests_leave(struct replay *r, double now)
{
    uint32_t i = 0;
    while (i < r->guest_count) {
        if (r->guests[i].ends_at <= now)
            guest_leaves(r, i);
        else
            i++;
    }
}

static enum err decide_joint(struct replay *r)
{
    struct embed_options options = r->way->options;
    struct embed_stats stats = {0};
    enum err err;
    if (r->way->rank != NULL) {
        options.starts = r->starts;
        options.start_count =
            r->way->rank(r->way->context, r->topology, &r->job,
                         embed_first(r->embed, &r->job), r->starts);
        CHECK(options.start_count <= r->topology->node_count);
    }
    err = embed_solve(r->embed, &r->job, &options, &r->plan, &stats);
    r->report.starts += stats.starts;
    r->report.better += stats.better;
    return err;
}

static enum err decide(struct replay *r)
{
    enum err err = OK;
    switch (r->way->policy) {
    case EMBED_JOINT:
        err = decide_joint(r);
        break;
    case EMBED_GRC:
        err = baseline_grc(r->embed, r->topology, &r->job, &r->plan);
        break;
    case EMBED_RANDOM:
        err = baseline_random(r->embed, r->topology, &r->job, &r->policy,
                              &r->plan);
        break;
    }
    return err;
}

static enum err decide_timed(struct replay *r)
{
    uint64_t began = r->way->cpu_ns != NULL ? r->way->cpu_ns() : 0;
    enum err err = decide(r);
    uint64_t took = r->way->cpu_ns != NULL ? r->way->cpu_ns() - began : 0;
    r->report.cpu_ns += took;
    if (took > r->report.cpu_ns_most)
        r->report.cpu_ns_most = took;
    return err;
}

static struct hold *hold_copy(const struct hold *hold)
{
    struct hold *copy = malloc(sizeof(*copy));
    if (copy != NULL)
        *copy = *hold;
    return copy;
}

static void count_accepted(struct replay *r, double life)
{
    struct embed_report before = r->report;
    uint64_t nodes, links, cost;
    r->report.accepted++;
    for (uint32_t c = 0; c < r->job.component_count; c++)
        r->report.node_revenue += r->job.components[c].want.of[RES_CPU] / MILLI;
    for (uint32_t i = 0; i < r->job.link_count; i++)
        r->report.link_revenue += r->job.links[i].kbps / MBIT_KBPS;
    r->report.link_cost += plan_kbps(&r->job, &r->plan) / MBIT_KBPS;
    nodes = r->report.node_revenue - before.node_revenue;
    links = r->report.link_revenue - before.link_revenue;
    cost = r->report.link_cost - before.link_cost;
    r->report.time_revenue += (double)(nodes + links) * life;
    r->report.time_cost += (double)(nodes + cost) * life;
    if (r->guest_count > r->report.live_most)
        r->report.live_most = r->guest_count;
}

/* Before the plan is taken. */
static void add_score(struct replay *r)
{
    struct plan_score score;
    plan_score_of(r->topology, &r->job, &r->plan, &r->way->options.weights,
                  &score);
    CHECK(score.all >= 0 && score.node >= 0 && score.link >= 0);
    r->report.score += (uint64_t)score.all;
    r->report.node_balance += (uint64_t)score.node;
    r->report.link_balance += (uint64_t)score.link;
}

static enum err guest_comes(struct replay *r, double now, double life)
{
    struct guest *guest = &r->guests[r->guest_count];
    struct plan_verdict verdict = {0};
    CHECK(plan_check(r->topology, &r->job, &r->plan, &verdict));
    r->report.checked++;
    add_score(r);
    plan_hold(&r->job, &r->plan, &r->hold);
    guest->hold = hold_copy(&r->hold);
    if (guest->hold == NULL)
        return ERR_NOMEM;
    guest->ends_at = now + life;
    CHECK(topology_take(r->topology, guest->hold) == OK);
    r->guest_count++;
    count_accepted(r, life);
    compare_sums(r);
    return OK;
}

static enum err run(struct replay *r)
{
    double now = 0;
    for (uint32_t i = 0; i < r->workload->requests; i++) {
        double life;
        enum err err;
        now += r->workload->even_gaps
                   ? draw_poisson(&r->times, 1 / r->workload->rate)
                   : draw_exponential(&r->times, 1 / r->workload->rate);
        life = draw_exponential(&r->times, r->workload->life_mean);
        guests_leave(r, now);
        embed_request(r->workload, &r->requests, &r->job);
        r->report.requests++;
        err = decide_timed(r);
        if (err == ERR_NOMEM)
            return err;
        if (r->way->seen != NULL)
            r->way->seen(r->way->context, r->topology, &r->job,
                         err == OK ? &r->plan : NULL);
        if (err == OK)
            TRY(guest_comes(r, now, life));
    }
    return OK;
}

static bool workload_ok(const struct embed_workload *w)
{
    return w->rate >= 1e-6 && w->rate < 1e9 && w->life_mean > 0 &&
           w->life_mean < 1e12 && w->requests > 0 &&
           w->requests <= REPLAY_REQUESTS_MAX && w->size_min >= 2 &&
           w->size_min <= w->size_max && w->size_max <= 22 &&
           w->edge_permille >= 100 && w->edge_permille <= 1000 &&
           w->node_max <= 1000000 && w->link_max <= 1000000;
}

static void replay_done(struct replay *r)
{
    if (r == NULL)
        return;
    while (r->guest_count > 0)
        guest_leaves(r, r->guest_count - 1);
    embed_free(r->embed);
    free(r->guests);
    free(r->sum_links);
    free(r->sum_nodes);
    free(r->starts);
    free(r);
}

enum err embed_replay(struct topology *topology,
                      const struct embed_workload *workload,
                      const struct embed_way *way, struct embed_report *out)
{
    struct replay *r;
    enum err err = ERR_NOMEM;
    if (!workload_ok(workload))
        return ERR_RANGE;
    r = calloc(1, sizeof(*r));
    if (r == NULL)
        return ERR_NOMEM;
    r->topology = topology;
    r->workload = workload;
    r->way = way;
    dice_init(&r->times, workload->seed);
    dice_init(&r->requests, ~workload->seed);
    dice_init(&r->policy, workload->seed ^ UINT64_C(0x5bd1e995));
    r->guests = calloc(workload->requests, sizeof(*r->guests));
    r->sum_links = calloc(topology->link_count + 1u, sizeof(*r->sum_links));
    r->sum_nodes = calloc(topology->node_count, sizeof(*r->sum_nodes));
    r->starts = calloc(topology->node_count, sizeof(*r->starts));
    if (r->guests != NULL && r->sum_links != NULL && r->sum_nodes != NULL &&
        r->starts != NULL)
        err = embed_new(topology, &r->embed);
    if (err == OK)
        err = run(r);
    if (err == OK)
        *out = r->report;
    replay_done(r);
    return err;
}
