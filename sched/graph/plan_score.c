#include "sched/graph/plan_score.h"

#define WHOLE UINT64_C(1000000) /* uses are counted in millionths */

/* ---- what is used once the plan is in ---- */

static uint64_t node_used(const struct topology *t, const struct job_graph *job,
                          const struct plan *plan, uint32_t node, uint32_t res)
{
    uint64_t used = t->nodes[node].used.of[res];
    if (plan == NULL)
        return used;
    for (uint32_t c = 0; c < job->component_count; c++)
        if (plan->node[c] == node && !job->components[c].data)
            used += job->components[c].want.of[res];
    return used;
}

/* In millionths; more than that where a capacity fell. -1: no capacity. */
static int64_t node_use(const struct topology *t, const struct job_graph *job,
                        const struct plan *plan, uint32_t node)
{
    int64_t most = -1;
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        uint64_t cap = t->nodes[node].cap.of[r];
        int64_t use;
        if (cap == 0)
            continue;
        use = (int64_t)(node_used(t, job, plan, node, r) * WHOLE / cap);
        most = use > most ? use : most;
    }
    return most;
}

static int64_t link_use(const struct topology *t, uint32_t link, uint64_t more)
{
    const struct topo_link *l = &t->links[link];
    return l->cap_kbps == 0
               ? -1
               : (int64_t)((l->used_kbps + more) * WHOLE / l->cap_kbps);
}

/* What a plan adds to a link. */
static uint64_t link_more(const struct job_graph *job, const struct plan *plan,
                          uint32_t link)
{
    uint64_t kbps = 0;
    for (uint32_t i = 0; i < job->link_count; i++)
        for (uint32_t s = plan->begin[i]; s < plan->begin[i + 1]; s++)
            if (plan->steps[s] == link)
                kbps += job->links[i].kbps;
    return kbps;
}

/* ---- balance ---- */

/* Over n uses of which `sum` is the sum: |use - mean|, n times. */
static uint64_t off_mean(int64_t use, uint64_t sum, uint64_t n)
{
    uint64_t scaled = (uint64_t)use * n;
    return scaled > sum ? scaled - sum : sum - scaled;
}

static int32_t balance(uint64_t off_sum, uint64_t n)
{
    uint64_t off = off_sum / n / n / (WHOLE / 1000); /* thousandths */
    off += off_sum % (n * n * (WHOLE / 1000)) != 0;
    return off >= 1000 ? 0 : (int32_t)(1000 - off);
}

static int32_t node_balance(const struct topology *t,
                            const struct job_graph *job,
                            const struct plan *plan)
{
    uint64_t n = 0;
    uint64_t sum = 0;
    uint64_t off = 0;
    for (uint32_t v = 0; v < t->node_count; v++) {
        int64_t use = node_use(t, job, plan, v);
        n += use >= 0;
        sum += use >= 0 ? (uint64_t)use : 0;
    }
    for (uint32_t v = 0; v < t->node_count; v++) {
        int64_t use = node_use(t, job, plan, v);
        off += use >= 0 ? off_mean(use, sum, n) : 0;
    }
    return n == 0 ? 1000 : balance(off, n);
}

/* Is the step the plan's first over its link? */
static bool first_over(const struct plan *plan, uint32_t step)
{
    for (uint32_t s = 0; s < step; s++)
        if (plan->steps[s] == plan->steps[step])
            return false;
    return true;
}

/* All links as they are, then again those that the plan touches. */
static int32_t link_balance(const struct topology *t,
                            const struct job_graph *job,
                            const struct plan *plan)
{
    uint64_t n = 0;
    uint64_t sum = 0;
    uint64_t off = 0;
    uint32_t steps = plan == NULL ? 0 : plan->begin[plan->link_count];
    for (uint32_t l = 0; l < t->link_count; l++) {
        int64_t use = link_use(t, l, 0);
        n += use >= 0;
        sum += use >= 0 ? (uint64_t)use : 0;
    }
    for (uint32_t s = 0; s < steps; s++) {
        uint32_t l = plan->steps[s];
        if (link_use(t, l, 0) >= 0 && first_over(plan, s))
            sum += (uint64_t)(link_use(t, l, link_more(job, plan, l)) -
                              link_use(t, l, 0));
    }
    for (uint32_t l = 0; l < t->link_count; l++) {
        int64_t use = link_use(t, l, 0);
        off += use >= 0 ? off_mean(use, sum, n) : 0;
    }
    for (uint32_t s = 0; s < steps; s++) {
        uint32_t l = plan->steps[s];
        if (link_use(t, l, 0) < 0 || !first_over(plan, s))
            continue;
        off -= off_mean(link_use(t, l, 0), sum, n);
        off += off_mean(link_use(t, l, link_more(job, plan, l)), sum, n);
    }
    return n == 0 ? 1000 : balance(off, n);
}

/* ---- energy ---- */

static uint64_t power_at(const struct power_curve *curve, uint64_t load)
{
    uint64_t step = WHOLE / (POWER_STEPS - 1);
    uint64_t i = load / step;
    uint64_t low, high;
    if (i >= POWER_STEPS - 1)
        return curve->milliwatt[POWER_STEPS - 1];
    low = curve->milliwatt[i];
    high = curve->milliwatt[i + 1];
    return low + (high - low) * (load % step) / step;
}

static int32_t energy(const struct topology *t, const struct job_graph *job,
                      const struct plan *plan, struct plan_score *out)
{
    uint64_t drawn = 0;
    uint64_t full = 0;
    for (uint32_t v = 0; v < t->node_count && t->power_count > 0; v++) {
        const struct power_curve *curve = &t->power[t->nodes[v].power];
        uint64_t cores = t->nodes[v].cap.of[RES_CPU];
        int64_t use = node_use(t, job, plan, v);
        if (use < 0)
            continue;
        full += curve->milliwatt[POWER_STEPS - 1];
        if (use > 0)
            drawn += power_at(curve, cores == 0
                                         ? (uint64_t)use
                                         : node_used(t, job, plan, v, RES_CPU) *
                                               WHOLE / cores);
    }
    out->milliwatt = drawn;
    out->milliwatt_full = full;
    return full == 0 ? 0 : (int32_t)((full - drawn) * 1000 / full);
}

void plan_score_of(const struct topology *topology, const struct job_graph *job,
                   const struct plan *plan, const struct plan_weights *weights,
                   struct plan_score *out)
{
    int64_t sum;
    int64_t of = weights->node + weights->link + weights->energy;
    out->node = node_balance(topology, job, plan);
    out->link = link_balance(topology, job, plan);
    out->energy = energy(topology, job, plan, out);
    sum = (int64_t)weights->node * out->node +
          (int64_t)weights->link * out->link +
          (int64_t)weights->energy * out->energy;
    out->all = of == 0 ? 0 : (int32_t)(sum / of);
    out->kbps = 0;
    for (uint32_t i = 0; plan != NULL && i < job->link_count; i++)
        out->kbps += job->links[i].kbps *
                     (uint64_t)(plan->begin[i + 1] - plan->begin[i]);
}
