#include "node/shell/node_standing.h"

#include "node/peer/link_agent.h"
#include "node/log.h"
#include "wallet/entropy.h"

#include <string.h>

#define ARENA_MAX (1024u * 1024)

enum err node_standing_open(struct node *node)
{
    struct standings_config config = {.self = node->self, .max = STANDINGS_MAX};
    enum err err = entropy_fill(NULL, config.key, sizeof(config.key));
    if (err == OK)
        err = standings_new(&config, &node->standings);
    if (err == OK)
        book_lend(buy_book(node->buy), node->standings,
                  link_agent_map(node->links));
    return err;
}

void node_standing_close(struct node *node)
{
    standings_free(node->standings);
    node->standings = NULL;
}

struct scan {
    struct standings *standings;
    struct arena arena;
};

static enum err note(void *ctx, struct bytes key, struct bytes value)
{
    struct scan *scan = ctx;
    struct contract contract;
    (void)key;
    arena_reset(&scan->arena);
    TRY(contract_decode(value, &scan->arena, &contract));
    return standings_note(scan->standings, &contract);
}

enum err node_standing_scan(struct node *node)
{
    struct scan scan = {.standings = node->standings};
    struct chain *chain = chain_host_chain(node->host);
    enum err err;
    if (chain_is_syncing(chain))
        return OK; /* when the state is here */
    standings_clear(node->standings);
    arena_init(&scan.arena, ARENA_MAX);
    err = state_each(chain_state(chain), STATE_CONTRACT, note, &scan);
    arena_done(&scan.arena);
    return err;
}

void node_standing_settled(struct node *node, const struct hash *id)
{
    struct state *state = chain_state(chain_host_chain(node->host));
    struct contract contract;
    struct arena arena;
    enum err err;
    if (node->standings == NULL)
        return;
    arena_init(&arena, ARENA_MAX);
    err = contract_get(state, id, &arena, &contract);
    if (err == OK)
        err = standings_note(node->standings, &contract);
    if (err != OK)
        log_debug("trade", "how a contract ended is not counted: %s",
                  err_text(err));
    arena_done(&arena);
}

void node_standing_tick(struct node *node)
{
    uint64_t up_ms;
    uint64_t down_ms;
    struct pubkey peer;
    uint32_t cursor = 0;
    if (node->standings == NULL || node->shell == NULL)
        return;
    while (link_agent_times(node->links, &cursor, &peer, &up_ms, &down_ms))
        standings_link(node->standings, &peer, up_ms, down_ms);
}

void node_standing_forged(struct node *node, const struct pubkey *provider,
                          bool forged)
{
    if (node->standings != NULL &&
        standings_forged(node->standings, provider, forged) != OK)
        log_odd("audit", "there is no memory to remember who forges");
}
