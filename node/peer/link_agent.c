#include "node/peer/link_agent.h"

#include "base/check.h"
#include "market/goodputs.h"
#include "node/log.h"
#include "node/peer/gossip.h"
#include "node/peer/met.h"
#include "node/sell/offering.h"
#include "node/peer/probe_budget.h"
#include "node/control/rpc_help.h"
#include "node/shell/trade_shell.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define ORIGINS_MAX   1024u
#define OWN_MS        5000u  /* our own rows go into the map so often */
#define OWN_LIFE_MS   60000u /* and would lapse so soon */
#define DOWN_MS       30000u /* a link down for so long is not stated */
#define FIRST_PROBE_S 12u    /* soon after a peer comes, at a random moment */
#define PROBE_WAIT_MS 2000u  /* between two probes */

struct link_agent {
    struct node *node;
    struct linkmap *map;
    struct mets mets;
    uint64_t version; /* of our own rows in the map */
    uint64_t own_ms;
    uint64_t told_ms;
    uint64_t probed_ms; /* the last try */
    struct probe_budget served;
    struct probe_budget fetched;
    struct goodputs goodputs;
};

enum err link_agent_new(struct node *node, struct link_agent **out)
{
    struct linkmap_config config = {.self = node->self,
                                    .origins_max = ORIGINS_MAX,
                                    .rows_max = LINKMAP_ROWS_MAX};
    uint64_t day =
        config_uint(&node->config, CONFIG_net_probe_mib_day) % (1u << 30) << 20;
    struct link_agent *agent = calloc(1, sizeof(*agent));
    enum err err;
    if (agent == NULL)
        return ERR_NOMEM;
    agent->node = node;
    err = entropy_fill(NULL, config.key, sizeof(config.key));
    if (err == OK)
        err = linkmap_new(&config, &agent->map);
    if (err != OK) {
        free(agent);
        return err;
    }
    probe_budget_init(&agent->served, day, node_wall_ms());
    probe_budget_init(&agent->fetched, day, node_wall_ms());
    *out = agent;
    return OK;
}

void link_agent_free(struct link_agent *agent)
{
    if (agent == NULL)
        return;
    goodputs_done(&agent->goodputs);
    linkmap_free(agent->map);
    free(agent);
}

const struct linkmap *link_agent_map(const struct link_agent *agent)
{
    return agent->map;
}

uint64_t link_agent_budget(const struct link_agent *agent)
{
    return agent->fetched.left;
}

static uint64_t now_of(const struct link_agent *agent)
{
    return shell_now_ms(agent->node->shell);
}

/* ---- peers we have met ---- */

/* A new one is probed at a random moment. */
static struct met *met_get(struct link_agent *agent, const struct pubkey *peer,
                           uint64_t now_ms)
{
    struct met *met = mets_get(&agent->mets, peer, now_ms);
    if (met != NULL && met->probe_ms == 0)
        met->probe_ms = now_ms + randombytes_uniform(FIRST_PROBE_S * 1000u);
    return met;
}

static void read_pings(struct met *met, const struct net_peer_info *info,
                       uint64_t now_ms)
{
    uint32_t pongs;
    uint32_t late;
    if (met->since_us != info->since_us) /* another connection */
        met->pongs = met->late = 0;
    met->since_us = info->since_us;
    pongs = info->pongs - met->pongs;
    late = info->late - met->late;
    if (pongs > 0)
        link_meter_trip(&met->meter, info->rtt_last_us, now_ms);
    link_meter_sent(&met->meter, (uint64_t)pongs + late, late);
    met->pongs = info->pongs;
    met->late = info->late;
}

static void look_at_peers(struct link_agent *agent, uint64_t now_ms)
{
    struct net_peer *peer = NULL;
    while ((peer = net_next(agent->node->net, peer)) != NULL) {
        struct met *met = met_get(agent, &net_peer_identity(peer)->id, now_ms);
        struct net_peer_info info;
        if (met == NULL)
            continue;
        net_peer_info(peer, &info);
        mets_up(&agent->mets, met, now_ms);
        read_pings(met, &info, now_ms);
    }
}

void link_agent_down(struct link_agent *agent, const struct pubkey *peer,
                     enum err why)
{
    struct met *met = mets_find(&agent->mets, peer);
    if (met != NULL && why != ERR_EXISTS)
        mets_down(&agent->mets, met, why == ERR_CLOSED, now_of(agent));
}

bool link_agent_times(const struct link_agent *agent, uint32_t *cursor,
                      struct pubkey *out_peer, uint64_t *out_up_ms,
                      uint64_t *out_down_ms)
{
    while (*cursor < MET_MAX) {
        const struct met *met = &agent->mets.met[(*cursor)++];
        if (!met->used)
            continue;
        *out_peer = met->peer;
        link_meter_times(&met->meter, shell_now_ms(agent->node->shell),
                         out_up_ms, out_down_ms);
        return true;
    }
    return false;
}

/* ---- telling ---- */

static bool stated(const struct met *met, uint64_t now_ms)
{
    return met->used && (met->up || now_ms - met->seen_ms < DOWN_MS);
}

static void put_own(struct link_agent *agent, uint64_t now_ms)
{
    static struct linkmap_row rows[LINKMAP_ROWS_MAX];
    struct linkmap_statement own = {.origin = agent->node->self,
                                    .version = ++agent->version,
                                    .life_ms = OWN_LIFE_MS,
                                    .standing = LINKMAP_SELF,
                                    .rows = rows};
    for (uint32_t i = 0; i < MET_MAX && own.count < LINKMAP_ROWS_MAX; i++) {
        const struct met *met = &agent->mets.met[i];
        struct linkmap_row *row = &rows[own.count];
        if (!stated(met, now_ms))
            continue;
        row->peer = met->peer;
        link_meter_link(&met->meter, now_ms, &row->link);
        own.count++;
    }
    agent->own_ms = now_ms;
    if (linkmap_put(agent->map, &own, now_ms) != OK)
        log_odd("links", "no memory for our own links");
}

static bool sells(const struct link_agent *agent, const struct pubkey *peer,
                  uint64_t now_ms)
{
    struct book_offer offer;
    return book_offer_get(buy_book(agent->node->buy), peer, now_ms, &offer);
}

/* Those that sell first: there is room for some. */
static void tell(struct link_agent *agent, uint64_t now_ms)
{
    struct node *node = agent->node;
    uint64_t every_ms = config_uint(&node->config, CONFIG_net_links_s) * 1000;
    struct links links = {.version = node_wall_ms(),
                          .issued_at_ms = node_wall_ms(),
                          .ttl_ms = every_ms < LINKS_TTL_MAX_MS / 3
                                        ? every_ms * 3
                                        : LINKS_TTL_MAX_MS};
    if (every_ms == 0 || now_ms - agent->told_ms < every_ms)
        return;
    agent->told_ms = now_ms;
    for (uint32_t i = 0; i < 2 * MET_MAX; i++) {
        const struct met *met = &agent->mets.met[i % MET_MAX];
        struct link link;
        if (!stated(met, now_ms) ||
            sells(agent, &met->peer, now_ms) != (i < MET_MAX))
            continue;
        link_meter_link(&met->meter, now_ms, &link);
        (void)!links_add(&links, &met->peer, &link, now_ms);
    }
    if (links_sign(&links, &node->genesis.chain, &node->signer) == OK)
        gossip_links(node->gossip, &links);
    else
        log_odd("links", "our links cannot be signed");
}

/* ---- measuring bandwidth ---- */

static void on_probed(void *ctx, const struct pubkey *peer, enum err err)
{
    struct node *node = ctx;
    struct met *met = mets_find(&node->links->mets, peer);
    uint64_t now_ms = now_of(node->links);
    if (err == OK)
        return;
    log_debug("links", "a bandwidth was not measured: %s", err_text(err));
    /* It may have had enough for now; it is asked again much sooner. */
    if (met != NULL)
        met->probe_ms =
            now_ms + config_uint(&node->config, CONFIG_net_probe_s) * 1000 / 8;
}

static bool probe_start(struct link_agent *agent, struct met *met,
                        uint64_t now_ms)
{
    struct node *node = agent->node;
    struct net_peer *peer = net_find(node->net, &met->peer);
    uint64_t bytes =
        config_uint(&node->config, CONFIG_net_probe_kib) % (1u << 20) << 10;
    uint64_t every_ms = config_uint(&node->config, CONFIG_net_probe_s) * 1000;
    char address[CHANNEL_ADDR_MAX] = "";
    if (bytes > BULK_PROBE_MAX)
        bytes = BULK_PROBE_MAX;
    if (peer != NULL)
        net_peer_bulk(peer, address);
    if (address[0] == '\0' || !sells(agent, &met->peer, now_ms))
        return false;
    if (!probe_budget_take(&agent->fetched, &met->peer, bytes, now_ms))
        return false;
    met->probe_ms = now_ms + every_ms + randombytes_uniform(10000);
    if (bulk_probe(node->bulk, address, &met->peer, bytes, on_probed) != OK)
        log_debug("links", "no probe could be started");
    return true;
}

static void probe_when_due(struct link_agent *agent, uint64_t now_ms)
{
    struct bulk_stats stats;
    bulk_stats(agent->node->bulk, &stats);
    if (!config_bool(&agent->node->config, CONFIG_net_probe_enabled) ||
        stats.fetches > 0 || now_ms - agent->probed_ms < PROBE_WAIT_MS)
        return;
    for (uint32_t i = 0; i < MET_MAX; i++) {
        struct met *met = &agent->mets.met[i];
        if (!met->used || !met->up || now_ms < met->probe_ms)
            continue;
        if (probe_start(agent, met, now_ms)) {
            agent->probed_ms = now_ms;
            return;
        }
        met->probe_ms = now_ms + FIRST_PROBE_S * 1000u;
    }
}

void link_agent_volume(struct link_agent *agent,
                       const struct bulk_volume *volume)
{
    uint64_t now_ms = now_of(agent);
    struct met *met = met_get(agent, &volume->peer, now_ms);
    if (met == NULL)
        return;
    link_meter_sent(&met->meter, volume->sent, volume->again);
    if (volume->kbps > 0)
        link_meter_volume(&met->meter, volume->out ? LINK_OUT : LINK_IN,
                          volume->kbps, volume->full, now_ms);
}

bool link_agent_may_probe(struct link_agent *agent, const struct pubkey *peer,
                          uint64_t bytes)
{
    return config_bool(&agent->node->config, CONFIG_net_probe_enabled) &&
           probe_budget_take(&agent->served, peer, bytes, now_of(agent));
}

/* ---- from others ---- */

bool link_agent_heard(const struct link_agent *agent, const struct links *links)
{
    return linkmap_heard(agent->map, &links->origin, links->version);
}

enum err link_agent_put(struct link_agent *agent, const struct links *links)
{
    uint64_t now_ms = now_of(agent);
    bool known = net_find(agent->node->net, &links->origin) != NULL ||
                 sells(agent, &links->origin, now_ms);
    return links_put(links, known ? LINKMAP_KNOWN : LINKMAP_STRANGER,
                     node_wall_ms(), now_ms, agent->map);
}

/* ---- what of offers is borne out ---- */

void link_agent_goodput(const struct link_agent *agent,
                        const struct pubkey *node, struct goodput *out)
{
    goodput_of(agent->map, node, now_of(agent), out);
}

static void tell_goodputs(struct link_agent *agent, uint64_t now_ms)
{
    struct node *node = agent->node;
    struct goodput own;
    if (node->buy != NULL && goodputs_tick(&agent->goodputs, agent->map,
                                           buy_book(node->buy), now_ms) != OK)
        log_odd("links", "no memory for what links bear out of offers");
    link_agent_goodput(agent, &node->self, &own);
    offering_net(node, goodput_bps(&own));
}

/* ---- the clock ---- */

void link_agent_tick(struct link_agent *agent)
{
    uint64_t now_ms = now_of(agent);
    look_at_peers(agent, now_ms);
    mets_tick(&agent->mets, now_ms);
    if (now_ms - agent->own_ms >= OWN_MS) {
        put_own(agent, now_ms);
        (void)linkmap_sweep(agent->map, now_ms);
    }
    tell(agent, now_ms);
    tell_goodputs(agent, now_ms);
    probe_when_due(agent, now_ms);
}
