#include "node/node_start.h"

#include "node/control/rpc_policy.h"

#include "base/address.h"
#include "base/check.h"
#include "node/peer/gossip.h"
#include "node/blob/image_cache.h"
#include "node/blob/images.h"
#include "node/audit/audit.h"
#include "node/peer/link_agent.h"
#include "node/log.h"
#include "node/node_keys.h"
#include "node/shell/node_standing.h"
#include "node/sell/offering.h"
#include "node/control/rpc_help.h"
#include "node/shell/trade_shell.h"
#include "node/control/waiters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYNC_EPOCHS 4u /* ended ones: with fewer, blocks are executed */

/* ---- configuration and identity ---- */

static enum err fail(struct rpc_error *out, enum err err, const char *next,
                     const char *what, const char *why)
{
    rpc_error_set(out, err, next, "%s: %s", what, why);
    return err;
}

static enum err open_config(struct node *node,
                            const struct node_options *options,
                            struct rpc_error *out)
{
    char path[1300];
    enum err err = config_init(&node->config);
    if (err != OK)
        return fail(out, err, NULL, "configuration", err_text(err));
    datadir_path(&node->dir, "suan.conf", path, sizeof(path));
    err = config_load(&node->config,
                      options->config != NULL ? options->config : path);
    if (err == ERR_NOT_FOUND && options->config == NULL)
        err = OK;
    if (err == ERR_NOT_FOUND)
        return fail(out, err, "check --config", "configuration file",
                    "not found");
    for (size_t i = 0;
         err == OK && options->sets != NULL && options->sets[i] != NULL; i++) {
        char name[128];
        const char *value = strchr(options->sets[i], '=');
        if (value == NULL || (size_t)(value - options->sets[i]) >= sizeof(name))
            return fail(out, ERR_CONFIG, "--set section.key=value", "--set",
                        "not name=value");
        snprintf(name, sizeof(name), "%.*s", (int)(value - options->sets[i]),
                 options->sets[i]);
        err = config_set(&node->config, name, value + 1);
    }
    if (err != OK)
        return fail(out, err, "suan config list --help", "configuration",
                    node->config.error);
    config_tiers(&node->config, &node->tiers);
    return OK;
}

static enum err open_roles(struct node *node, struct rpc_error *out)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } roles[] = {{"validator", NODE_ROLE_VALIDATOR},
                 {"provider", NODE_ROLE_PROVIDER},
                 {"buyer", NODE_ROLE_BUYER}};
    char text[128];
    char *rest = text;
    char *word;
    snprintf(text, sizeof(text), "%s",
             config_text(&node->config, CONFIG_node_roles));
    while ((word = strtok_r(rest, ", ", &rest)) != NULL) {
        size_t i = 0;
        while (i < 3 && strcmp(roles[i].name, word) != 0)
            i++;
        if (i == 3)
            return fail(out, ERR_CONFIG,
                        "node.roles = validator, provider, buyer",
                        "unknown role in node.roles", word);
        node->roles |= roles[i].bit;
    }
    return OK;
}

static enum err read_whole(const char *path, struct buf *out)
{
    uint8_t piece[4096];
    size_t got;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return ERR_NOT_FOUND;
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_add(out, bytes_make(piece, got));
    fclose(file);
    return out->err;
}

static enum err open_genesis(struct node *node, struct rpc_error *out)
{
    char path[1300];
    char why[200];
    struct buf text;
    unsigned line = 0;
    enum err err;
    datadir_path(&node->dir, config_text(&node->config, CONFIG_node_genesis),
                 path, sizeof(path));
    buf_init(&text, GENESIS_BYTES_MAX);
    err = read_whole(path, &text);
    if (err == OK)
        err = genesis_parse(buf_bytes(&text), &node->genesis, &line);
    buf_done(&text);
    snprintf(why, sizeof(why), "%.120s%s%.0u: %s", path, line > 0 ? ":" : "",
             line, err_text(err));
    if (err == ERR_NOT_FOUND)
        return fail(out, err,
                    "copy the network's genesis file there, or: suan devnet up",
                    "no genesis", why);
    if (err != OK)
        return fail(out, err, "fetch the network's genesis file again",
                    "the genesis cannot be read", why);
    node->prefix = genesis_address_prefix(&node->genesis);
    return OK;
}

static void name_node(struct node *node)
{
    const char *name = config_text(&node->config, CONFIG_node_name);
    snprintf(node->name, sizeof(node->name), "%.60s",
             name[0] != '\0' ? name : node->sensed.host);
}

/* ---- rooms ---- */

static enum err open_chain(struct node *node, struct rpc_error *out)
{
    static const char *const next =
        "move the chain directory away and start again: it is fetched anew "
        "from the network";
    struct kind_table kinds = {market_kinds, market_kind_count};
    char dir[1300];
    char log_dir[1300];
    struct chain_host_options options = {
        .loop = node->loop,
        .dir = dir,
        .log_dir = log_dir,
        .link_key = node->self,
        .genesis = &node->genesis,
        .kinds = &kinds,
        .sync_epochs =
            strcmp(config_text(&node->config, CONFIG_node_sync), "pages") == 0
                ? SYNC_EPOCHS
                : 0,
        .signer = node->vote_key != NULL ? &node->vote_signer : NULL,
        .events = node_chain_events,
    };
    enum err err;
    datadir_path(&node->dir, "chain", dir, sizeof(dir));
    datadir_path(&node->dir, "votes", log_dir, sizeof(log_dir));
    options.events.ctx = node;
    err = chain_host_open(&options, &node->host);
    if (err == ERR_CORRUPT)
        return fail(out, err, next, "the chain's database is damaged", dir);
    if (err == ERR_VERSION)
        return fail(out, err, next, "the chain's database is another version's",
                    dir);
    if (err == ERR_GENESIS)
        return fail(out, err,
                    "check node.genesis; if it is the right one, move the "
                    "chain directory away and start again",
                    "this directory holds another network's chain, or a "
                    "damaged one",
                    dir);
    if (err == ERR_CHAIN)
        return fail(out, err,
                    "restore keys and genesis from the backup; for another key "
                    "or network move the votes directory away",
                    "the safety log is another validator's or network's",
                    log_dir);
    if (err == ERR_FULL)
        return fail(out, err, "make room on the disk", dir, err_text(err));
    if (err != OK)
        return fail(out, err, "suan doctor", dir, err_text(err));
    return OK;
}

static enum err open_own_tx(struct node *node)
{
    struct own_tx_options options;
    struct account account;
    node_own_tx_options(node, &options);
    TRY(account_get(chain_state(chain_host_chain(node->host)), &node->self,
                    &account));
    options.nonce = account.nonce;
    return own_tx_new(&options, &node->own);
}

static enum err open_blobs(struct node *node, struct rpc_error *out)
{
    char dir[1300];
    struct blob_store_config config = {
        .dir = dir,
        .quota_bytes = node_disk_blobs_max(node),
        .sync = true,
    };
    enum err err;
    datadir_path(&node->dir, "blobs", dir, sizeof(dir));
    err = blob_store_open(&config, &node->blobs);
    if (err != OK)
        return fail(out, err, "see to the disk and the directory's owner", dir,
                    err_text(err));
    datadir_path(&node->dir, "records", dir, sizeof(dir));
    err = records_open(&node->records, dir);
    if (err != OK)
        return fail(out, err,
                    err == ERR_FULL ? "make room on the disk"
                                    : "restore the directory from a backup",
                    dir, err_text(err));
    err = images_new(&node->records, &node->images);
    if (err != OK)
        return fail(out, err, NULL, "images", err_text(err));
    err = rpc_policy_open(node);
    return err == OK ? OK : fail(out, err, NULL, "policies", err_text(err));
}

/* host:port with the configured public host in place of the bound one. */
static void public_address(const struct node *node, const char *bound,
                           char *out, size_t size)
{
    const char *host = config_text(&node->config, CONFIG_node_public_host);
    const char *port = strrchr(bound, ':');
    if (host[0] == '\0' || port == NULL)
        snprintf(out, size, "%s", bound);
    else
        snprintf(out, size, "%s%s", host, port);
}

static enum err open_net(struct node *node, struct rpc_error *out)
{
    char advertise[CHANNEL_ADDR_MAX];
    const char *listen = config_text(&node->config, CONFIG_node_listen);
    struct net_error error = {""};
    struct net_config config = {
        .listen = listen,
        .chain = node->genesis.chain,
        .signer = node->signer,
        .static_secret = secret_bytes(&node->transport.secret).ptr,
        .roles = node->roles,
        .agent = "suan/" SUAN_VERSION,
        .callbacks = node_net_callbacks,
    };
    enum err err;
    public_address(node, listen, advertise, sizeof(advertise));
    if (config_text(&node->config, CONFIG_node_public_host)[0] != '\0')
        config.advertise = advertise;
    config.limits.peers_max =
        (uint32_t)config_uint(&node->config, CONFIG_node_peers_max);
    config.callbacks.ctx = node;
    err = net_new(node->loop, &config, &node->net, &error);
    if (err != OK)
        return fail(out, err, "set node.listen to a free host:port",
                    "peers cannot reach us", error.text);
    return OK;
}

static enum err open_bulk(struct node *node, struct rpc_error *out)
{
    char advertise[CHANNEL_ADDR_MAX];
    struct net_error error = {""};
    struct bulk_config config;
    enum err err;
    node_bulk_config(node, &config);
    config.listen = config_text(&node->config, CONFIG_node_bulk);
    public_address(node, config.listen, advertise, sizeof(advertise));
    if (config_text(&node->config, CONFIG_node_public_host)[0] != '\0')
        config.advertise = advertise;
    err = bulk_new(node->loop, &config, &node->bulk, &error);
    if (err != OK)
        return fail(out, err, "set node.bulk to a free host:port",
                    "blobs cannot be fetched from us", error.text);
    return OK;
}

static enum err open_executor(struct node *node, struct rpc_error *out)
{
    char state[1300];
    struct executor_options options = {
        .loop = node->loop,
        .program = config_text(&node->config, CONFIG_exec_sandbox),
        .state_dir = state,
        .reserve_mib = node->disk.reserve_mib,
        .events = node_executor_events,
    };
    enum err err;
    datadir_path(&node->dir, config_text(&node->config, CONFIG_exec_state_dir),
                 state, sizeof(state));
    options.events.ctx = node;
    err = executor_open(&options, &node->executor);
    return err == OK ? OK : fail(out, err, NULL, "executor", err_text(err));
}

static enum err open_engines(struct node *node, struct rpc_error *out)
{
    struct buy_config buy = {
        .chain = node->genesis.chain,
        .signer = &node->signer,
        .self = node->self,
        .keep_ms = config_uint(&node->config, CONFIG_buy_keep_s) * 1000};
    struct sell_config sell;
    enum err err;
    public_address(node, bulk_listen_addr(node->bulk), buy.bulk_address,
                   sizeof(buy.bulk_address));
    err = entropy_fill(NULL, buy.book_key, sizeof(buy.book_key));
    if (err == OK)
        err = buy_new(&buy, &node->buy);
    if (err == OK && (node->roles & NODE_ROLE_PROVIDER) != 0) {
        err = offering_new(node, &node->offering);
        if (err == OK) {
            offering_sell_config(node, &sell);
            err = sell_new(&sell, &node->sell);
        }
        if (err == OK)
            err = image_cache_new(node, &node->image_cache);
    }
    if (err == ERR_CONFIG)
        return fail(out, err, "suan config list", "configuration",
                    node->config.error);
    if (err != OK)
        return fail(out, err, NULL, "engines", err_text(err));
    return OK;
}

static enum err dial_peers(struct node *node, struct rpc_error *out)
{
    char text[CONFIG_TEXT_MAX];
    char *rest = text;
    char *word;
    snprintf(text, sizeof(text), "%s",
             config_text(&node->config, CONFIG_node_peers));
    while ((word = strtok_r(rest, ", ", &rest)) != NULL) {
        char *at = strchr(word, '@');
        struct pubkey id;
        enum err err = OK;
        if (at != NULL) {
            *at = '\0';
            err = address_parse(at + 1, NULL, &id);
        }
        if (err == OK)
            err = net_dial(node->net, word, at != NULL ? &id : NULL);
        if (err != OK)
            return fail(out, ERR_CONFIG,
                        "node.peers = host:port, host:port@address",
                        "node.peers cannot be read at", word);
    }
    return OK;
}

static enum err open_trade(struct node *node, struct rpc_error *out)
{
    struct shell *shell;
    enum err err = gossip_new(node, &node->gossip);
    if (err == OK)
        err = link_agent_new(node, &node->links);
    if (err == OK)
        err = node_standing_open(node);
    if (err == OK)
        err = node_standing_scan(node);
    if (err == OK)
        err = audit_agent_new(node, &node->audit);
    if (err == OK)
        err = shell_new(node, &shell);
    return err == OK ? OK
                     : fail(out, err, "see to the disk", "contracts' records",
                            err_text(err));
}

static enum err open_control(struct node *node, struct rpc_error *out)
{
    char path[1300];
    enum err err;
    datadir_path(&node->dir, "run/control.sock", path, sizeof(path));
    err = control_open(node->loop, path, node_on_call, node, &node->control);
    return err == OK ? OK
                     : fail(out, err, "remove the file if no node runs", path,
                            err_text(err));
}

static void on_feed(void *ctx)
{
    struct node *node = ctx;
    waiters_poke(node->waiters);
}

static enum err open_base(struct node *node, const struct node_options *options,
                          struct rpc_error *out)
{
    enum log_level level;
    enum err err = datadir_open(&node->dir, options->data_dir);
    if (err != OK)
        return fail(out, err,
                    err == ERR_FULL ? "making room on the disk"
                                    : "--data-dir DIR",
                    "data directory", node->dir.error);
    TRY(open_config(node, options, out));
    if (log_level_parse(config_text(&node->config, CONFIG_node_log_level),
                        &level) == OK)
        log_level_set(level);
    TRY(open_roles(node, out));
    err = sense_read(node->dir.path, &node->sensed);
    if (err != OK)
        return fail(out, err, "is /proc mounted?", "this machine",
                    "cannot be looked at");
    node_disk_init(node);
    name_node(node);
    TRY(open_genesis(node, out));
    TRY(node_keys_open(node, out));
    err = feed_init(&node->feed);
    if (err == OK)
        err = waiters_new(node, &node->waiters);
    if (err != OK)
        return fail(out, err, NULL, "node", err_text(err));
    node->feed.on_new = on_feed;
    node->feed.ctx = node;
    return OK;
}

enum err node_open(struct node *node, uv_loop_t *loop,
                   const struct node_options *options, struct rpc_error *out)
{
    enum err err;
    memset(node, 0, sizeof(*node));
    node->dir.lock_fd = -1;
    node->loop = loop;
    loop_meter_count_waits(loop);
    node->started_ms = node_wall_ms();
    TRY(open_base(node, options, out));
    TRY(open_chain(node, out));
    err = open_own_tx(node);
    if (err != OK)
        return fail(out, err, "suan chain verify", "own account",
                    err_text(err));
    TRY(open_blobs(node, out));
    TRY(open_net(node, out));
    TRY(open_bulk(node, out));
    TRY(open_executor(node, out));
    TRY(open_engines(node, out));
    TRY(open_trade(node, out));
    TRY(open_control(node, out));
    TRY(dial_peers(node, out));
    node_watch(node);
    return OK;
}

void node_exec_facts(struct node *node, json_t *facts)
{
    json_t *problem = json_array_get(json_object_get(facts, "problems"), 0);
    const char *what = json_string_value(json_object_get(problem, "what"));
    const char *why = json_string_value(json_object_get(problem, "why"));
    const char *fix = json_string_value(json_object_get(problem, "fix"));
    if (json_is_true(json_object_get(facts, "can_run")))
        node_unwarn(node, "jobs cannot be isolated on this machine");
    else if ((node->roles & NODE_ROLE_PROVIDER) != 0)
        node_warn(node, "jobs cannot be isolated on this machine",
                  why != NULL ? why : (what != NULL ? what : "see the doctor"),
                  fix != NULL ? fix : "suan doctor");
}

int node_run(struct node *node)
{
    log_info(
        "node", "%s is up, listening on %s (blobs %s), height %llu", node->name,
        net_listen_addr(node->net), bulk_listen_addr(node->bulk),
        (unsigned long long)chain_tip(chain_host_chain(node->host)).height);
    if (!node->stopping)
        uv_run(node->loop, UV_RUN_DEFAULT);
    return node->exit_code;
}

/* ---- stopping ---- */

static void on_done(void *ctx)
{
    bool *done = ctx;
    *done = true;
}

/* Callbacks that are on their way come to an end here. */
static void settle(struct node *node, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        uv_run(node->loop, UV_RUN_NOWAIT);
}

static void close_transports(struct node *node)
{
    bool bulk_done = node->bulk == NULL;
    bool net_done = node->net == NULL;
    if (node->bulk != NULL)
        bulk_close(node->bulk, on_done, &bulk_done);
    while (!bulk_done)
        uv_run(node->loop, UV_RUN_ONCE);
    if (node->net != NULL)
        net_close(node->net, on_done, &net_done);
    while (!net_done)
        uv_run(node->loop, UV_RUN_ONCE);
}

static void close_watch(struct node *node)
{
    if (!node->watching)
        return;
    loop_meter_close(&node->meter);
    uv_close((uv_handle_t *)&node->second, NULL);
    uv_close((uv_handle_t *)&node->signals[0], NULL);
    uv_close((uv_handle_t *)&node->signals[1], NULL);
}

void node_close(struct node *node)
{
    node->stopping = true;
    close_watch(node);
    shell_stop(node->shell); /* first of all: it uses all that closes below */
    waiters_free(node->waiters);
    node->waiters = NULL;
    if (node->control != NULL)
        control_close(node->control);
    node->control = NULL; /* workers that end now answer nobody */
    if (node->executor != NULL)
        executor_close(node->executor);
    close_transports(node);
    while (node->collecting || shell_works(node->shell) > 0)
        uv_run(node->loop, UV_RUN_ONCE);
    offering_free(node->offering);
    audit_agent_free(node->audit);
    node->audit = NULL;
    shell_free(node->shell);
    node->shell = NULL;
    if (node->host != NULL)
        chain_host_close(node->host);
    uv_run(node->loop, UV_RUN_DEFAULT); /* until nothing is open */
    settle(node, 3);
    gossip_free(node->gossip);
    link_agent_free(node->links);
    sell_free(node->sell);
    buy_free(node->buy);
    node_standing_close(node);
    image_cache_free(node->image_cache);
    node->image_cache = NULL;
    images_free(node->images);
    rpc_policy_close(node);
    records_close(&node->records);
    blob_store_close(node->blobs);
    own_tx_free(node->own);
    feed_done(&node->feed);
    key_free(node->key);
    key_free(node->vote_key);
    keyfile_transport_done(&node->transport);
    genesis_done(&node->genesis);
    config_done(&node->config);
    datadir_close(&node->dir);
}
