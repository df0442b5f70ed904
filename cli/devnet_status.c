/* How a devnet is: its nodes, and what lies on the accounts of its wallets. */

#include "cli/client.h"
#include "cli/devnet.h"
#include "cli/locate.h"

#include <string.h>

static json_t *node_json(struct devnet_node *node)
{
    json_t *status = NULL;
    char listen[32];
    bool running = daemon_find(&node->daemon);
    json_t *item;
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", node->listen);
    if (running)
        status = daemon_ask(&node->daemon, "node.status", NULL);
    item = json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "name", node->name, "state",
        !running         ? "stopped"
        : status == NULL ? "silent"
                         : "running",
        "pid", (json_int_t)node->daemon.pid, "listen", listen, "node",
        node->address, "roles", node->roles, "data_dir", node->daemon.data_dir);
    if (status != NULL) {
        json_object_set(item, "height", json_object_get(status, "height"));
        json_object_set(item, "peers", json_object_get(status, "peers"));
    }
    json_decref(status);
    return item;
}

/* The buyer's node's word; NULL: it does not run, or says nothing. Given. */
static json_t *ask_buyer(struct devnet *net, const char *method, json_t *params)
{
    struct devnet_node *buyer = devnet_buyer(net);
    if (buyer->daemon.pid != 0)
        return daemon_ask(&buyer->daemon, method, params);
    json_decref(params);
    return NULL;
}

static void add_balance(struct devnet *net, const char *address, json_t *item)
{
    json_t *account =
        ask_buyer(net, "chain.account",
                  json_pack("{s:s, s:b}", "address", address, "locked", 0));
    if (account != NULL)
        json_object_set(item, "balance_micro",
                        json_object_get(account, "balance_micro"));
    json_decref(account);
}

/* What it has bonded, or is taking back: on no account meanwhile. */
static void add_bonded(const json_t *bonds, const char *address, json_t *item)
{
    uint64_t sum = 0;
    json_t *bond;
    size_t i;
    if (bonds == NULL)
        return;
    json_array_foreach(json_object_get(bonds, "validators"), i, bond)
    {
        if (strcmp(js_text(bond, "owner"), address) == 0)
            sum += js_uint(bond, "bonded_micro") +
                   js_uint(bond, "unbonding_micro");
    }
    json_object_set_new(item, "bonded_micro", json_integer((json_int_t)sum));
}

/* The accounts of the two wallets. The nodes have theirs. */
static json_t *accounts_json(struct devnet *net)
{
    const struct {
        const char *name;
        const char *address;
        const char *wallet;
    } rows[] = {{"buyer", net->buyer, DEVNET_BUYERS_WALLET},
                {"validators", net->owner, DEVNET_VALIDATORS_WALLET}};
    json_t *bonds = ask_buyer(net, "validator.list", NULL);
    json_t *accounts = json_array();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char wallet[PATH_MAX];
        json_t *item;
        if (!path_join(wallet, net->dir, rows[i].wallet))
            continue;
        item = json_pack("{s:s, s:s, s:s}", "name", rows[i].name, "address",
                         rows[i].address, "wallet", wallet);
        add_balance(net, rows[i].address, item);
        add_bonded(bonds, rows[i].address, item);
        json_array_append_new(accounts, item);
    }
    json_decref(bonds);
    return accounts;
}

json_t *devnet_status(struct devnet *net)
{
    json_t *nodes = json_array();
    json_t *result;
    json_t *item;
    size_t i;
    bool complete = true;
    for (uint32_t n = 0; n < net->node_count; n++) {
        json_t *node = node_json(&net->nodes[n]);
        complete = complete && strcmp(js_text(node, "state"), "running") == 0;
        json_array_append_new(nodes, node);
    }
    json_array_foreach(nodes, i, item)
        add_balance(net, net->nodes[i].address, item);
    result = json_pack("{s:s, s:b, s:s, s:o, s:o}", "dir", net->dir, "complete",
                       (int)complete, "buyer", net->buyer, "nodes", nodes,
                       "accounts", accounts_json(net));
    add_balance(net, net->buyer, result);
    return result;
}
