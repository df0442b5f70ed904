#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

/* Facts of the network behind the node, needed to sign for it. */

#include "base/address.h"
#include "base/amount.h"
#include "cli/cli.h"

struct network {
    struct hash chain;
    struct pubkey node; /* the node's identity: the agent of our requests */
    const char *prefix; /* of addresses: a constant of base/address.h */
    uint64_t chain_time_ms;
    uint64_t height;
    struct amount open_fee; /* of each contract, to the chain */
    bool provider;          /* one of the node's roles */
};

/* Asks node.info. */
int network_get(struct cli *cli, struct network *out);

/* An address of this network as a key; exit 2 for another network's. */
int network_address(struct cli *cli, const struct network *network,
                    const char *text, struct pubkey *out);
/* An amount such as 0.25 for the option or operand `what`; exit 2. */
int read_amount(struct cli *cli, const char *what, const char *text,
                struct amount *out);

/* Signs bytes into a params object: {"key": base64}. NULL: no memory. Given. */
json_t *params_bytes(const char *key, struct bytes bytes);

#endif
