#include "sched/fragment.h"
#include "sched/ranking.h"

#define MILLION 1000000u

static bool is_grouped(const struct ranking *r)
{
    return r->divide == POLICY_DIVIDE_STATIC ||
           r->divide == POLICY_DIVIDE_DYNAMIC ||
           r->divide == POLICY_DIVIDE_AGGREGATED;
}

bool ranking_floor_of(const struct ranking *ranking,
                      const struct resources *total,
                      const struct resources *free, struct rank *out)
{
    const struct candidate c = {.total = *total, .free = *free};
    const struct resources *want = &ranking->demand->want;
    struct rank rank = {0};
    if (is_grouped(ranking))
        return false;
    switch (ranking->demand->policy) {
    case POLICY_SPREAD:
        rank.key[1] = figure_load(&c, want);
        break;
    case POLICY_PACK:
        rank.key[0] = figure_idle(&c);
        rank.key[1] = MILLION - figure_load(&c, want);
        break;
    case POLICY_FRAGMENTATION:
        if (demand_has_devices(ranking->demand))
            return false;
        rank.key[1] = fragment_left(&c, want);
        break;
    case POLICY_CHEAPEST:
    case POLICY_NEAREST:
    case POLICY_FASTEST:
    case POLICY_BALANCED:
    case POLICY_COMPOSITE:
        return false;
    }
    *out = rank;
    return true;
}
