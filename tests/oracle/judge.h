#ifndef TESTS_ORACLE_JUDGE_H
#define TESTS_ORACLE_JUDGE_H

/* Is there a plan in which only these components are elsewhere? All their nodes
 * and all simple paths of all virtual links are tried. */

#include <string.h>

#include "sched/graph/plan_check.h"
#include "tests/oracle/instance.h"

#define JUDGE_STEPS 200000u

struct judge {
    const struct topology *t;
    const struct job_graph *job;
    struct plan plan;
    uint32_t movers; /* components that may be elsewhere */
    uint16_t paths[JOB_LINKS_MAX][SAMPLE_NODES];
    uint32_t hops[JOB_LINKS_MAX];
    uint64_t left[SAMPLE_LINKS];
    uint32_t steps;
    bool found;
};

static inline bool judge_plan(struct judge *j)
{
    struct plan_verdict verdict;
    uint32_t steps = 0;
    for (uint32_t i = 0; i < j->job->link_count; i++) {
        j->plan.begin[i] = (uint16_t)steps;
        for (uint32_t h = 0; h < j->hops[i]; h++)
            j->plan.steps[steps++] = j->paths[i][h];
    }
    j->plan.begin[j->job->link_count] = (uint16_t)steps;
    return plan_check(j->t, j->job, &j->plan, &verdict);
}

static inline void judge_link(struct judge *j, uint32_t link);

/* All simple paths of a virtual link from `at` on. */
static inline void judge_walk(struct judge *j, uint32_t link, uint16_t at,
                              uint32_t seen)
{
    const struct job_link *l = &j->job->links[link];
    if (j->found || ++j->steps > JUDGE_STEPS)
        return;
    if (at == j->plan.node[l->to]) {
        judge_link(j, link + 1);
        return;
    }
    for (uint32_t k = j->t->first[at]; k < j->t->first[at + 1]; k++) {
        struct topo_arc arc = j->t->arcs[k];
        if ((seen >> arc.to & 1) != 0 || j->left[arc.link] < l->kbps)
            continue;
        j->left[arc.link] -= l->kbps;
        j->paths[link][j->hops[link]++] = arc.link;
        judge_walk(j, link, arc.to, seen | 1u << arc.to);
        j->hops[link]--;
        j->left[arc.link] += l->kbps;
        if (j->found)
            return;
    }
}

static inline void judge_link(struct judge *j, uint32_t link)
{
    if (link == j->job->link_count) {
        j->found = judge_plan(j);
        return;
    }
    uint16_t from = j->plan.node[j->job->links[link].from];
    uint32_t hops = j->hops[link];
    j->hops[link] = 0;
    judge_walk(j, link, from, 1u << from);
    j->hops[link] = hops;
}

static inline void judge_node(struct judge *j, uint32_t c)
{
    if (j->found || j->steps > JUDGE_STEPS)
        return;
    if (c == j->job->component_count) {
        judge_link(j, 0);
        return;
    }
    if ((j->movers >> c & 1) == 0) {
        judge_node(j, c + 1);
        return;
    }
    uint16_t old = j->plan.node[c];
    for (uint16_t v = 0; v < j->t->node_count && !j->found; v++) {
        j->plan.node[c] = v;
        judge_node(j, c + 1);
    }
    j->plan.node[c] = old;
}

/* 1: a plan exists in which only the movers are elsewhere; 0: none; -1: it
 * would take too long to tell. */
static inline int judge_exists(const struct topology *t,
                               const struct job_graph *job,
                               const struct plan *plan, uint32_t movers)
{
    static struct judge j;
    memset(&j, 0, sizeof(j));
    j.t = t;
    j.job = job;
    j.plan = *plan;
    j.movers = movers;
    for (uint32_t e = 0; e < t->link_count; e++)
        j.left[e] = topology_left_kbps(t, e);
    judge_node(&j, 0);
    return j.found ? 1 : j.steps > JUDGE_STEPS ? -1 : 0;
}

#endif
