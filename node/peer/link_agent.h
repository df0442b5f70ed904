#ifndef NODE_LINK_AGENT_H
#define NODE_LINK_AGENT_H

/* The agent for links measures those of this node, tells others of them, and
 * keeps what others tell: the link matrix (sched/link/linkmap.h).
 *
 * Trips cost nothing: the links' own pings are watched. Bandwidth is read off
 * transfers that happen anyway, and where this does not tell, off short ones
 * made for it (net.probe_* in the configuration), one at a time, to peers that
 * sell, within a daily budget, and never while something real is on its way.
 *
 * Times are those of shell_now_ms. */

#include "market/links.h"
#include "node/node.h"
#include "sched/link/goodput.h"

struct link_agent;

/* ERR_NOMEM, ERR_RANDOM. */
MUST_USE enum err link_agent_new(struct node *node, struct link_agent **out);
void link_agent_free(struct link_agent *agent); /* NULL is fine */

/* The matrix; lent until the next turn of the loop. */
const struct linkmap *link_agent_map(const struct link_agent *agent);

/* A link went down. A friendly goodbye is no outage, nor is a second link to
 * the same peer (ERR_EXISTS). Nobody is blamed for what is our own
 * (node/peer/met.h). */
void link_agent_down(struct link_agent *agent, const struct pubkey *peer,
                     enum err why);
/* Once a second. */
void link_agent_tick(struct link_agent *agent);
/* Bytes came through. */
void link_agent_volume(struct link_agent *agent,
                       const struct bulk_volume *volume);
/* May the peer have filler from us? Takes it off the budget. */
bool link_agent_may_probe(struct link_agent *agent, const struct pubkey *peer,
                          uint64_t bytes);

/* Was this version heard of? Before its signature is looked at. */
bool link_agent_heard(const struct link_agent *agent,
                      const struct links *links);
/* A verified statement of another node's. OK: it is new, pass it on. What
 * links_put refuses. */
MUST_USE enum err link_agent_put(struct link_agent *agent,
                                 const struct links *links);

/* What links bear out of a node's goodput, now. */
void link_agent_goodput(const struct link_agent *agent,
                        const struct pubkey *node, struct goodput *out);

/* All nodes that were met, and for how long each was seen up, and down: *cursor
 * starts at 0. False at the end. */
bool link_agent_times(const struct link_agent *agent, uint32_t *cursor,
                      struct pubkey *out_peer, uint64_t *out_up_ms,
                      uint64_t *out_down_ms);

/* What the budget has left for this node's own probes, in bytes. */
uint64_t link_agent_budget(const struct link_agent *agent);

#endif
