#include "sched/graph/offerset.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum err offerset_init(struct offerset *set, uint32_t sites)
{
    struct offerset_link *links;
    CHECK(sites > 0 && sites <= OFFERSET_SITES_MAX);
    links = calloc((size_t)sites * sites, sizeof(*links));
    if (links == NULL)
        return ERR_NOMEM;
    *set = (struct offerset){.links = links, .sites = sites};
    return OK;
}

void offerset_done(struct offerset *set)
{
    free(set->offers);
    free(set->links);
    memset(set, 0, sizeof(*set));
}

enum err offerset_add(struct offerset *set, const struct offerset_offer *offer)
{
    if (offer->speed_permille == 0 ||
        offer->speed_permille > OFFERSET_SPEED_MAX || offer->cores == 0 ||
        offer->price_micro > OFFERSET_PRICE_MAX || offer->site >= set->sites ||
        offer->zone >= OFFERSET_ZONES_MAX)
        return ERR_RANGE;
    if (set->count == OFFERSET_OFFERS_MAX)
        return ERR_TOO_LARGE;
    if (set->count == set->room) {
        uint32_t room = set->room == 0 ? 8 : set->room * 2;
        void *grown = realloc(set->offers, room * sizeof(*set->offers));
        if (grown == NULL)
            return ERR_NOMEM;
        set->offers = grown;
        set->room = room;
    }
    set->offers[set->count++] = *offer;
    return OK;
}

enum err offerset_link(struct offerset *set, uint32_t from, uint32_t to,
                       const struct offerset_link *link)
{
    if (from >= set->sites || to >= set->sites ||
        link->egress_micro > OFFERSET_PRICE_MAX)
        return ERR_RANGE;
    set->links[(size_t)from * set->sites + to] = *link;
    return OK;
}
