#include "sched/lab/train_moment.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* Requests of the workload have no more. */
#define LINKS_TYPICAL 32u

size_t moment_bytes(const struct topology *topology)
{
    return topology->node_count * (sizeof(struct stock) + sizeof(float)) +
           topology->link_count * sizeof(uint64_t) +
           JOB_COMPONENTS_MAX / 2 * sizeof(struct job_component) +
           LINKS_TYPICAL * sizeof(struct job_link);
}

/* All of a job but its arrays. */
static void job_head(const struct job_graph *from, struct moment *to)
{
    to->component_count = from->component_count;
    to->link_count = from->link_count;
    to->time_us_max = from->time_us_max;
    to->alone = from->alone;
}

enum err moment_keep(const struct topology *topology,
                     const struct job_graph *job, uint32_t first,
                     struct moment *out)
{
    struct moment m = {.first = first};
    CHECK(first < job->component_count);
    job_head(job, &m);
    m.used = calloc(topology->node_count, sizeof(*m.used));
    m.used_kbps = calloc(topology->link_count + 1u, sizeof(*m.used_kbps));
    m.components = calloc(job->component_count, sizeof(*m.components));
    m.links = calloc(job->link_count + 1u, sizeof(*m.links));
    if (m.used == NULL || m.used_kbps == NULL || m.components == NULL ||
        m.links == NULL) {
        moment_done(&m);
        return ERR_NOMEM;
    }
    for (uint32_t v = 0; v < topology->node_count; v++)
        m.used[v] = topology->nodes[v].used;
    for (uint32_t l = 0; l < topology->link_count; l++)
        m.used_kbps[l] = topology->links[l].used_kbps;
    memcpy(m.components, job->components,
           job->component_count * sizeof(*m.components));
    memcpy(m.links, job->links, job->link_count * sizeof(*m.links));
    *out = m;
    return OK;
}

void moment_done(struct moment *moment)
{
    free(moment->used);
    free(moment->used_kbps);
    free(moment->components);
    free(moment->links);
    free(moment->worth);
    *moment = (struct moment){0};
}

void moment_set(const struct moment *moment, struct topology *topology,
                struct job_graph *out_job)
{
    for (uint32_t v = 0; v < topology->node_count; v++)
        topology->nodes[v].used = moment->used[v];
    for (uint32_t l = 0; l < topology->link_count; l++)
        topology->links[l].used_kbps = moment->used_kbps[l];
    out_job->component_count = moment->component_count;
    out_job->link_count = moment->link_count;
    out_job->time_us_max = moment->time_us_max;
    out_job->alone = moment->alone;
    memcpy(out_job->components, moment->components,
           moment->component_count * sizeof(*moment->components));
    memcpy(out_job->links, moment->links,
           moment->link_count * sizeof(*moment->links));
}

void moment_clear(struct topology *topology)
{
    for (uint32_t v = 0; v < topology->node_count; v++)
        topology->nodes[v].used = (struct stock){0};
    for (uint32_t l = 0; l < topology->link_count; l++)
        topology->links[l].used_kbps = 0;
}

/* ---- labels ---- */

/* The cost of the plan from this start alone; 0: no plan. */
static uint64_t cost_from(struct embed *embed, const struct job_graph *job,
                          uint16_t start)
{
    struct embed_options options = embed_options_default;
    struct embed_stats stats = {0};
    struct plan plan;
    options.starts = &start;
    options.start_count = 1;
    options.starts_max = 1;
    options.moves_max = 0;
    options.backs_max = 0;
    if (embed_solve(embed, job, &options, &plan, &stats) != OK)
        return 0;
    return stats.cost + 1;
}

/* Which nodes are tried: bits in `chosen`. */
static void choose(const uint16_t *order, uint32_t node_count,
                   uint32_t starts_max, struct dice *dice,
                   struct node_set *chosen)
{
    uint32_t front = starts_max < node_count ? starts_max / 2 : node_count;
    memset(chosen, 0, sizeof(*chosen));
    for (uint32_t i = 0; i < front; i++)
        node_set_add(chosen, order[i]);
    for (uint32_t i = front; i < starts_max && i < node_count; i++)
        node_set_add(chosen, order[dice_below(dice, node_count)]);
}

enum err moment_label(struct moment *moment, struct embed *embed,
                      const struct job_graph *job, const uint16_t *order,
                      uint32_t node_count, uint32_t starts_max,
                      struct dice *dice)
{
    uint64_t *cost = calloc(node_count, sizeof(*cost));
    float *worth = calloc(node_count, sizeof(*worth));
    struct node_set chosen;
    uint64_t least = UINT64_MAX;
    if (cost == NULL || worth == NULL) {
        free(cost);
        free(worth);
        return ERR_NOMEM;
    }
    choose(order, node_count, starts_max, dice, &chosen);
    for (uint32_t v = 0; v < node_count; v++) {
        if (!node_set_has(&chosen, v))
            continue;
        cost[v] = cost_from(embed, job, (uint16_t)v);
        least = cost[v] > 0 && cost[v] < least ? cost[v] : least;
    }
    for (uint32_t v = 0; v < node_count; v++)
        worth[v] = !node_set_has(&chosen, v) ? -1
                   : cost[v] > 0             ? (float)least / (float)cost[v]
                                             : 0;
    free(cost);
    if (least == UINT64_MAX) {
        free(worth);
        worth = NULL;
    }
    free(moment->worth);
    moment->worth = worth;
    return OK;
}
