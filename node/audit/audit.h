#ifndef NODE_AUDIT_H
#define NODE_AUDIT_H

/* The audit agent: this node's doubts about sellers, and its answers to those
 * of others (node/audit/audit_msg.h, docs/metering.md).
 *
 *   auditor   ASK ──────────►  does the products one after the other   seller
 *             DONE ◄─────────  the hash of each: the clock stops here
 *             OPEN i, offset►  makes product i once more
 *             PART ◄─────────  128 KiB of it; again, until it is whole
 *             checks hash and product; min(declared, found) from now on
 *
 * A seller that did a share f of the work only is caught with probability 1 - f
 * by each audit: the auditor's pick is made after the hashes are here. What is
 * found is work over the time until DONE, the way and everything else in it, so
 * a figure counts as confirmed from half of what is declared on.
 *
 * A seller answers one audit at a time, each peer once in ten minutes, and none
 * while it measures itself or has no core to spare. Loop thread only. */

#include "node/audit/audit_msg.h"
#include "node/node.h"

struct audit_agent;

/* ERR_NOMEM. */
MUST_USE enum err audit_agent_new(struct node *node, struct audit_agent **out);
/* While the loop still runs after it. NULL is fine. */
void audit_agent_free(struct audit_agent *agent);
/* Once a second. */
void audit_agent_tick(struct audit_agent *agent);
/* A message of the kinds WIRE_AUDIT... */
void audit_agent_message(struct audit_agent *agent, struct net_peer *peer,
                         struct bytes message);

enum audit_verdict {
    AUDIT_NONE = 0,
    AUDIT_CONFIRMED = 1, /* found at least half of what is declared */
    AUDIT_SLOWER = 2,    /* found less: that counts now */
    AUDIT_FORGED = 3,    /* a wrong result: its figures count for nothing */
    AUDIT_FAILED = 4,    /* no answer, or refused: err says why */
};
const char *audit_verdict_text(enum audit_verdict verdict); /* "confirmed" */

struct audit_result {
    struct pubkey provider;
    enum audit_verdict verdict;
    enum err err;
    bool by_seller; /* err is what it said */
    struct audit_ask ask;
    uint64_t declared; /* one core's figure in its offer */
    uint64_t found;    /* work over the time that passed here */
    uint64_t took_ms;
};

/* Begins one; kernel METER_FP32 or METER_FP64. ERR_BUSY (one goes
 * on), ERR_NOT_FOUND (no offer of it), ERR_NO_OFFER (it declares nothing for
 * this kernel), ERR_CLOSED (no link to it), ERR_NOMEM, ERR_RANGE. */
MUST_USE enum err audit_begin(struct audit_agent *agent,
                              const struct pubkey *provider,
                              enum meter_kernel kernel);
bool audit_running(const struct audit_agent *agent);
/* The last one that ended; verdict AUDIT_NONE: none did. */
void audit_last(const struct audit_agent *agent, struct audit_result *out);

#endif
