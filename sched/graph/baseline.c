#include "sched/graph/baseline.h"

#include <stdlib.h>
#include <string.h>

#define WORTH  UINT64_C(1000000000)
#define SHARE  (UINT64_C(1) << 20)
#define GO_ON  UINT64_C(85) /* of a hundred steps */
#define ROUNDS 60u          /* 0.85^60 is less than a ten-thousandth */

/* The walk, over anything with edges. */
struct walk {
    uint32_t count;
    const uint64_t *own; /* the share a node starts with; sums to WORTH */
    const uint64_t *out; /* bandwidth around it */
    uint64_t *rank;
    uint64_t *next;
};

static void walk_begin_round(struct walk *w)
{
    for (uint32_t v = 0; v < w->count; v++)
        w->next[v] = w->own[v] * (100 - GO_ON) / 100;
}

static void walk_edge(struct walk *w, uint32_t a, uint32_t b, uint64_t kbps)
{
    if (kbps == 0)
        return;
    /* A worth is a billion at most and a share of bandwidth a part of 2^20. */
    w->next[b] += w->rank[a] * GO_ON / 100 * (kbps * SHARE / w->out[a]) / SHARE;
    w->next[a] += w->rank[b] * GO_ON / 100 * (kbps * SHARE / w->out[b]) / SHARE;
}

static void walk_end_round(struct walk *w)
{
    uint64_t *held = w->rank;
    w->rank = w->next;
    w->next = held;
}

/* Shares of WORTH in proportion; equal ones when all are 0. */
static void shares(uint64_t *values, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += values[i];
    for (uint32_t i = 0; i < count; i++)
        values[i] = sum == 0 ? WORTH / count : values[i] * WORTH / sum;
}

void grc_of_topology(const struct topology *topology, uint64_t *out)
{
    const struct topology *t = topology;
    uint64_t own[TOPOLOGY_NODES_MAX];
    uint64_t around[TOPOLOGY_NODES_MAX] = {0};
    uint64_t spare[TOPOLOGY_NODES_MAX];
    struct walk w = {t->node_count, own, around, out, spare};
    for (uint32_t v = 0; v < t->node_count; v++) {
        struct stock left;
        topology_left(t, v, &left);
        own[v] = left.of[RES_CPU];
        for (uint32_t i = t->first[v]; i < t->first[v + 1]; i++)
            around[v] += topology_left_kbps(t, t->arcs[i].link);
    }
    shares(own, t->node_count);
    memcpy(out, own, t->node_count * sizeof(*out));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        walk_begin_round(&w);
        for (uint32_t l = 0; l < t->link_count; l++)
            walk_edge(&w, t->links[l].a, t->links[l].b,
                      topology_left_kbps(t, l));
        walk_end_round(&w);
    }
}

void grc_of_job(const struct job_graph *job, uint64_t *out)
{
    uint64_t own[JOB_COMPONENTS_MAX];
    uint64_t around[JOB_COMPONENTS_MAX] = {0};
    uint64_t spare[JOB_COMPONENTS_MAX];
    struct walk w = {job->component_count, own, around, out, spare};
    for (uint32_t c = 0; c < job->component_count; c++)
        own[c] = job->components[c].want.of[RES_CPU];
    for (uint32_t i = 0; i < job->link_count; i++) {
        around[job->links[i].from] += job->links[i].kbps;
        around[job->links[i].to] += job->links[i].kbps;
    }
    shares(own, job->component_count);
    memcpy(out, own, job->component_count * sizeof(*out));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        walk_begin_round(&w);
        for (uint32_t i = 0; i < job->link_count; i++)
            walk_edge(&w, job->links[i].from, job->links[i].to,
                      job->links[i].kbps);
        walk_end_round(&w);
    }
}

/* ---- choosing nodes, then paths ---- */

/* What is left while nodes are chosen. */
struct choice {
    const struct topology *topology;
    const struct job_graph *job;
    uint16_t node[JOB_COMPONENTS_MAX];
    uint32_t chosen; /* bits of components */
};

static bool takes(const struct choice *choice, uint32_t c, uint32_t node)
{
    const struct job_component *component = &choice->job->components[c];
    struct stock left;
    if (component->place != JOB_ANYWHERE && component->place != node)
        return false;
    topology_left(choice->topology, node, &left);
    for (uint32_t o = 0; o < choice->job->component_count; o++) {
        const struct job_component *other = &choice->job->components[o];
        if ((choice->chosen >> o & 1) == 0 || choice->node[o] != node)
            continue;
        if (choice->job->alone && !other->data && !component->data)
            return false;
        for (uint32_t r = 0; r < RES_COUNT; r++)
            left.of[r] -= other->want.of[r];
    }
    return stock_fits(&component->want, &left);
}

static void choose(struct choice *choice, uint32_t c, uint32_t node)
{
    choice->node[c] = (uint16_t)node;
    choice->chosen |= 1u << c;
}

static uint32_t most(const uint64_t *worth, uint32_t count, uint32_t chosen)
{
    uint32_t best = count;
    for (uint32_t i = 0; i < count; i++)
        if ((chosen >> i & 1) == 0 && (best == count || worth[i] > worth[best]))
            best = i;
    return best;
}

enum err baseline_grc(struct embed *embed, const struct topology *topology,
                      const struct job_graph *job, struct plan *out)
{
    struct choice choice = {.topology = topology, .job = job};
    uint64_t node_worth[TOPOLOGY_NODES_MAX];
    uint64_t worth[JOB_COMPONENTS_MAX];
    TRY(job_graph_check(job));
    grc_of_topology(topology, node_worth);
    grc_of_job(job, worth);
    for (uint32_t i = 0; i < job->component_count; i++) {
        uint32_t c = most(worth, job->component_count, choice.chosen);
        uint32_t best = topology->node_count;
        for (uint32_t v = 0; v < topology->node_count; v++)
            if ((best == topology->node_count ||
                 node_worth[v] > node_worth[best]) &&
                takes(&choice, c, v))
                best = v;
        if (best == topology->node_count)
            return ERR_CAPACITY;
        choose(&choice, c, best);
    }
    return embed_paths(embed, job, choice.node, out);
}

enum err baseline_random(struct embed *embed, const struct topology *topology,
                         const struct job_graph *job, struct dice *dice,
                         struct plan *out)
{
    struct choice choice = {.topology = topology, .job = job};
    TRY(job_graph_check(job));
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint32_t count = 0;
        uint32_t drawn = topology->node_count;
        for (uint32_t v = 0; v < topology->node_count; v++)
            if (takes(&choice, c, v) && dice_below(dice, ++count) == 0)
                drawn = v;
        if (drawn == topology->node_count)
            return ERR_CAPACITY;
        choose(&choice, c, drawn);
    }
    return embed_paths(embed, job, choice.node, out);
}
