#ifndef CLI_DEVNET_H
#define CLI_DEVNET_H

/* A devnet: a whole network of real nodes on this machine's loopback, under
 * $SUAN_HOME/devnet.
 *
 *   devnet.json    what was made (written last: without it the rest is debris)
 *   genesis        of the network
 *   wallet/        the buyer's keys; wallet.pass opens them
 *   validators-wallet/   the key that owns the validators' bonds, and so has
 *                  the fees of their blocks; validators-wallet.pass opens it
 *   validator-1/ provider-1/ ... buyer/   data directories of the nodes */

#include "base/address.h"
#include "cli/cli.h"
#include "cli/daemon.h"
#include "ledger/params.h"

#define DEVNET_PROVIDERS_MAX  32u
#define DEVNET_VALIDATORS     4u /* unless asked otherwise */
#define DEVNET_VALIDATORS_MAX 31u
#define DEVNET_NODES_MAX      (DEVNET_VALIDATORS_MAX + DEVNET_PROVIDERS_MAX + 1)
#define DEVNET_PORT_BASE      27100u
/* The wallets' directories in the devnet's. */
#define DEVNET_BUYERS_WALLET     "wallet"
#define DEVNET_VALIDATORS_WALLET "validators-wallet"

struct devnet_node {
    char name[32];
    const char *roles; /* static */
    uint16_t listen;   /* ports on 127.0.0.1 */
    uint16_t bulk;
    char address[ADDRESS_TEXT_MAX];
    struct pubkey key;    /* who it is to its peers */
    struct pubkey vote;   /* a validator's other key, while it is made */
    struct daemon daemon; /* data_dir is set */
};

struct devnet {
    char dir[PATH_MAX];
    uint32_t validators;
    uint32_t providers;
    struct devnet_node
        nodes[DEVNET_NODES_MAX]; /* validators, providers, buyer */
    uint32_t node_count;
    char buyer[ADDRESS_TEXT_MAX]; /* the wallet's account */
    char owner[ADDRESS_TEXT_MAX]; /* of all bonds: the validators' wallet's; ""
                                     where the record names none */
};

/* Names and directories of a devnet of that size in `dir`. False when
 * the path leaves no room for a socket. */
bool devnet_plan(struct devnet *net, const char *dir, uint32_t validators,
                 uint32_t providers);
/* The node that buys: the last one. */
struct devnet_node *devnet_buyer(struct devnet *net);

/* Reads devnet.json. ERR_NOT_FOUND, ERR_PARSE. */
MUST_USE enum err devnet_load(struct devnet *net, const char *dir);
/* Writes devnet.json whole. */
MUST_USE enum err devnet_save(const struct devnet *net);

/* Finds free ports, from `base` on in steps of 200; writes them into the nodes.
 * *out_base says which. False when none of 50 ranges is free. */
bool devnet_ports(struct devnet *net, uint32_t base, uint32_t *out_base);
/* Are all ports of the plan free now? */
bool devnet_ports_free(const struct devnet *net);

/* A devnet's genesis parameters, before anybody asks for others. */
void devnet_params(struct params *out);
/* Sets one by its name. ERR_NOT_FOUND: there is no such parameter; ERR_RANGE.
 */
MUST_USE enum err devnet_param(struct params *params, const char *name,
                               uint64_t value);
/* Makes directories, keys, wallets and genesis. 0 or an exit code. */
int devnet_create(struct cli *cli, struct devnet *net,
                  const struct params *params);
/* Writes every node's suan.conf. */
int devnet_configure(struct cli *cli, const struct devnet *net,
                     const char *sandbox);

/* Fills the pids of what runs; how many. */
uint32_t devnet_running(struct devnet *net);

/* What suan devnet status shows, asking each node that runs; fills the pids.
 *
 *   dir, complete (all run), buyer (address), balance_micro (its)
 *   nodes[{name, state, pid, listen, node, roles, data_dir, height, peers,
 *          balance_micro}]
 *   accounts[{name, address, wallet (directory), balance_micro, bonded_micro}]:
 *     of the buyer's wallet and of the validators'; bonded: what it has bonded
 *     or is taking back
 *
 * What nobody answers is left out. Given. */
json_t *devnet_status(struct devnet *net);

/* Removes a directory and all below it, following nothing. */
MUST_USE enum err remove_tree(const char *path);

#endif
