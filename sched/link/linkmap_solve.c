/* linkmap.h, for the solvers: the matrix as a topology and as an offerset. */
#include "sched/link/linkmap.h"

#include <stdlib.h>

#include "base/check.h"

static int key_order(const void *a, const void *b)
{
    return pubkey_compare(a, b);
}

static enum err keys_differ(const struct pubkey *keys, uint32_t count)
{
    struct pubkey *sorted = malloc((count + 1) * sizeof(*sorted));
    enum err err = OK;
    if (sorted == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = keys[i];
    qsort(sorted, count, sizeof(*sorted), key_order);
    for (uint32_t i = 1; i < count; i++)
        if (pubkey_equal(&sorted[i], &sorted[i - 1]))
            err = ERR_RANGE;
    free(sorted);
    return err;
}

/* Only what may stand for a bound. */
static bool firm(const struct link *link, enum link_figure figure,
                 const struct linkmap_ask *ask)
{
    return link_measured(link, figure) &&
           link_confidence(link, figure, ask->now_ms) >= ask->confidence_min;
}

static uint32_t firm_value(const struct link *link, enum link_figure figure,
                           const struct linkmap_ask *ask, uint32_t otherwise)
{
    return firm(link, figure, ask) ? link->of[figure].value : otherwise;
}

static void fill(const struct link *link, const struct linkmap_ask *ask,
                 struct topo_link *out)
{
    uint32_t rtt_us = firm_value(link, LINK_RTT, ask, LINK_UNKNOWN);
    uint32_t spread_us = firm_value(link, LINK_SPREAD, ask, LINK_UNKNOWN);
    uint32_t to = firm_value(link, LINK_OUT, ask, 0);
    uint32_t from = firm_value(link, LINK_IN, ask, 0);
    out->cap_kbps = to < from ? to : from;
    if (rtt_us != LINK_UNKNOWN && spread_us != LINK_UNKNOWN)
        out->delay_us = rtt_us / 2 + rtt_us % 2 + spread_us;
    out->risk_nn = firm_value(link, LINK_RISK, ask, LINK_UNKNOWN);
    out->loss_ppm = firm_value(link, LINK_LOSS, ask, LINK_UNKNOWN);
}

/* A link for every pair; returns how many. */
static uint32_t all_pairs(const struct linkmap *map, const struct pubkey *keys,
                          uint32_t count, const struct linkmap_ask *ask,
                          struct topo_link *links)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = i + 1; j < count; j++) {
            struct link link = {0};
            struct topo_link *l = &links[at++];
            *l = (struct topo_link){.delay_us = LINK_UNKNOWN,
                                    .risk_nn = LINK_UNKNOWN,
                                    .loss_ppm = LINK_UNKNOWN,
                                    .a = (uint16_t)i,
                                    .b = (uint16_t)j};
            if (linkmap_get(map, &keys[i], &keys[j], ask->now_ms, &link))
                fill(&link, ask, l);
        }
    }
    return at;
}

enum err linkmap_topology(const struct linkmap *map, const struct pubkey *keys,
                          const struct topo_node *nodes, uint32_t count,
                          const struct linkmap_ask *ask, struct topology *out)
{
    struct topo_link *links;
    enum err err;
    if (count > LINKMAP_NODES_MAX)
        return ERR_TOO_LARGE;
    TRY(keys_differ(keys, count));
    links = calloc((size_t)count * count / 2 + 1, sizeof(*links));
    if (links == NULL)
        return ERR_NOMEM;
    err = topology_init(out, nodes, count, links,
                        all_pairs(map, keys, count, ask, links), ask->power,
                        ask->power_count);
    free(links);
    return err;
}

static enum err set_links(const struct linkmap *map, const struct pubkey *keys,
                          uint32_t count, const uint64_t *egress_micro,
                          const struct linkmap_ask *ask, struct offerset *set)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            struct offerset_link to = {
                .egress_micro = egress_micro == NULL ? 0 : egress_micro[i]};
            struct link link = {0};
            if (i != j &&
                linkmap_get(map, &keys[i], &keys[j], ask->now_ms, &link) &&
                firm(&link, LINK_RTT, ask) && firm(&link, LINK_OUT, ask)) {
                to.rtt_us = link.of[LINK_RTT].value;
                to.kbps = link.of[LINK_OUT].value;
            }
            TRY(offerset_link(set, i, j, &to));
        }
    }
    return OK;
}

enum err linkmap_offerset(const struct linkmap *map, const struct pubkey *keys,
                          const struct offerset_offer *offers, uint32_t count,
                          const uint64_t *egress_micro,
                          const struct linkmap_ask *ask, struct offerset *out)
{
    struct offerset set;
    enum err err = OK;
    if (count == 0 || count > OFFERSET_SITES_MAX)
        return ERR_TOO_LARGE;
    TRY(keys_differ(keys, count));
    TRY(offerset_init(&set, count));
    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct offerset_offer offer = offers[i];
        offer.site = i;
        err = offerset_add(&set, &offer);
    }
    if (err == OK)
        err = set_links(map, keys, count, egress_micro, ask, &set);
    if (err != OK) {
        offerset_done(&set);
        return err;
    }
    *out = set;
    return OK;
}
