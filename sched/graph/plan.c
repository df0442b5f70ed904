#include "sched/graph/plan.h"

#include "base/check.h"

void plan_hold(const struct job_graph *job, const struct plan *plan,
               struct hold *out)
{
    CHECK(plan->component_count == job->component_count);
    CHECK(plan->link_count == job->link_count);
    out->node_count = 0;
    out->link_count = 0;
    for (uint32_t i = 0; i < job->component_count; i++)
        if (!job->components[i].data)
            out->nodes[out->node_count++] =
                (struct hold_node){job->components[i].want, plan->node[i]};
    for (uint32_t i = 0; i < job->link_count; i++)
        for (uint32_t s = plan->begin[i]; s < plan->begin[i + 1]; s++)
            out->links[out->link_count++] =
                (struct hold_link){job->links[i].kbps, plan->steps[s]};
}

uint64_t plan_kbps(const struct job_graph *job, const struct plan *plan)
{
    uint64_t sum = 0;
    CHECK(plan->link_count == job->link_count);
    for (uint32_t i = 0; i < job->link_count; i++)
        sum += job->links[i].kbps *
               (uint64_t)(plan->begin[i + 1] - plan->begin[i]);
    return sum;
}
