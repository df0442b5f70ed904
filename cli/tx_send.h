#ifndef CLI_TX_SEND_H
#define CLI_TX_SEND_H

/* A transaction of one of the wallet's keys: made, signed, handed to the node,
 * and waited for until it is final. */

#include "cli/network.h"
#include "wallet/key.h"

struct tx_order {
    uint32_t kind;        /* ledger/tx.h */
    struct bytes payload; /* lent */
    struct amount fee;
    struct amount spends; /* of the balance, beside the fee */
    const char *what;     /* "the transfer", for messages */
    const char *done;     /* "sent", said when it is final */
};

/* Prints the id, or the node's answer as JSON. Refuses early what the balance
 * cannot pay. 0 or the exit code after saying what is wrong. */
int tx_send(struct cli *cli, const struct network *network, struct key *key,
            const struct tx_order *order);

#endif
