#ifndef SCHED_CFN_SELECT_H
#define SCHED_CFN_SELECT_H

/* Which instance does a new flow go to? To the one where it is expected to be
 * answered first:
 *
 *   round trip / 2  +  service time * (1 + requests there / slots)
 *
 * The way is the network's, service time, slots and requests are as the
 * instance was last told of. This ingress knows the requests better: flows that
 * it began there since, less those that ended. Others do as it does, so these
 * count `peers` times; without that, all ingresses run to whoever was told to
 * be idle and keep running until the next telling. There are no fewer requests
 * than flows of ours.
 *
 * An instance that tells its load and not its requests has load / (1 - load) of
 * them on average, which makes it service time / (1 - load), and all flows of
 * ours count `peers` times on top of that.
 *
 * What is not known is never good. Instances are taken by tiers: those whose
 * way, service time, and requests or load are known; then, those with a known
 * way that tell a score only, the highest score first, then fewest flows of
 * ours, then the way; then the rest, by our flows. An instance of which less is
 * known is used when no other may be. With a bound on the delay only the first
 * tier may.
 *
 * Up to SELECT_EXACT_MAX instances all are looked at and the answer is the
 * least there is; beyond that the least of SELECT_CHOICES drawn from those that
 * may be. Equals are settled by a hash of the ingress's key, the flow and the
 * instance, so that neither instances nor flows can be made to win, and two
 * ingresses do not settle alike. Integers only. */

#include "base/dice.h"
#include "sched/cfn/service.h"

#define SELECT_EXACT_MAX 16u
#define SELECT_CHOICES   4u
#define SELECT_PEERS_MAX 1024u

struct select_rules {
    uint8_t key[SHORT_HASH_KEY_LEN]; /* of this ingress, and secret */
    uint32_t peers;    /* ingresses that share the instances, 1..1024 */
    uint32_t delay_us; /* bound on the sum above; 0: none */
    /* A service time that was declared, not measured, counts for so much:
     * permille, at least 1000. */
    uint32_t nominal_permille;
};

/* Why not, in the order in which it is looked for. */
enum select_why {
    SELECT_FITS = 0,
    SELECT_WITHDRAWN,
    SELECT_EXPIRED,
    SELECT_NOT_KNOWN, /* a bound is stated, and something is not known */
    SELECT_SLOW,      /* above the bound */
};
/* A few words; static. */
const char *select_why_text(enum select_why why);

struct select_cost {
    uint32_t tier; /* 0: known, 1: a score, 2: neither */
    uint64_t key;  /* lower is better within a tier */
    /* What it was made of, us; 0 where it is not known. */
    uint64_t path_us;
    uint64_t service_us;
    uint64_t wait_us;
};

struct select_choice {
    struct service_ref ref;
    const struct service_instance *instance; /* lent until the table changes */
    struct select_cost cost;
    uint32_t looked_at; /* instances that were compared */
};

/* Puts peers 1, no bound and declared times at double. */
void select_rules_init(struct select_rules *rules,
                       const uint8_t key[SHORT_HASH_KEY_LEN]);

/* One instance as the choice sees it. out_cost is written only for
 * SELECT_FITS and SELECT_SLOW. Rules outside what is said above are CHECKed. */
enum select_why select_judge(const struct service_table *table,
                             const struct service_instance *instance,
                             const struct select_rules *rules, uint64_t now_ms,
                             struct select_cost *out_cost);

/* <0: a is better; 0: equals. */
int select_compare(const struct select_cost *a, const struct select_cost *b);

/* flow: a hash of the flow, for equals only. The caller tells the table with
 * service_begin when the flow goes there. Refuses, first match wins:
 * ERR_NOT_FOUND (nobody told of the service), ERR_CAPACITY (no instance may
 * be). */
MUST_USE enum err select_instance(const struct service_table *table,
                                  const struct service_id *service,
                                  const struct select_rules *rules,
                                  uint64_t flow, uint64_t now_ms,
                                  struct dice *dice, struct select_choice *out);

/* The same choice for all who share `shared`, whatever they were told of loads:
 * the highest hash of flow and instance among those that stand. For nodes that
 * keep no flows: when an instance goes, only its flows move. Same errors. */
MUST_USE enum err select_rendezvous(const struct service_table *table,
                                    const struct service_id *service,
                                    const uint8_t shared[SHORT_HASH_KEY_LEN],
                                    uint64_t flow, uint64_t now_ms,
                                    struct select_choice *out);

#endif
