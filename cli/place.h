#ifndef CLI_PLACE_H
#define CLI_PLACE_H

/* Placing an order on the market: from texts to a signed request, from quotes
 * to a bill, from a yes to a signed approval. The wallet signs here; the node
 * only carries. */

#include "cli/network.h"
#include "cli/order.h"
#include "market/quote.h"

/* A request the node has taken, and the quotes it got. */
struct placement {
    struct network network;
    struct request request;
    struct hash id;
    char id_text[65];
    struct quote *quotes; /* verified; owned */
    size_t quote_count;
    char (*names)[LIMIT_NAME]; /* of the quotes' providers; owned */
    uint32_t unplaced;         /* tasks without a quote */
    char waiting_for[256];
    bool ended;      /* it needs a job that failed, or its time ran out */
    json_t *explain; /* owned; may be NULL */
    json_t *crew;    /* what market.reckon said; owned; may be NULL */
    bool open;       /* submitted, not yet approved: drop on the way out */
};
void placement_init(struct placement *p);
/* Frees, and tells the node to drop what was not approved. */
void placement_done(struct cli *cli, struct placement *p);

/* How long a market that says no at once is given to answer. */
#define PLACE_ANSWER_MS 30000u

/* ... and how long a market that is merely busy. */
#define PLACE_GRACE_MS 5000u

/* Imports inputs, builds and signs; p->network is known. 0 or an exit code. */
int place_prepare(struct cli *cli, struct order *order,
                  const struct signer *signer, struct placement *p,
                  struct buf *out_request, struct buf *out_spec);
/* Has the buyer that much? Exit 5. */
int place_funds(struct cli *cli, const struct network *network,
                const struct pubkey *buyer, struct amount wanted);
/* Yes by flag or by a person: 0, else an exit code, having said why. */
int place_ask(struct cli *cli, struct amount total);
/* Imports inputs, builds, signs and submits. 0 or an exit code. */
int place_submit(struct cli *cli, struct order *order,
                 const struct signer *signer, bool draft, struct placement *p);
/* Waits until every task has a quote or a reason, and verifies each quote:
 * signature, this request, the formulas, the cap. When no task has one, waits
 * up to queue_ms for the market to change. Exit 8 when a quote does not hold.
 */
int place_quotes(struct cli *cli, uint64_t queue_ms, struct placement *p);
/* Says why nobody takes it: exit 6. */
int place_refused(struct cli *cli, const struct order *order,
                  const struct placement *p);

/* What the quotes add up to. */
struct bill {
    struct amount task_cap; /* of one task, the most any may cost */
    struct amount work;     /* tasks * task_cap: the most that is paid for it */
    struct amount fees;     /* of the chain, for one contract a task */
    struct amount total;    /* work + fees */
    struct amount quoted;   /* sum of the quotes' caps, and their fees: what the
                               balance must have now */
    bool within_price_max;  /* a cap was given, and all quotes keep to it */
};
/* ERR_OVERFLOW. Pure. */
MUST_USE enum err bill_sum(const struct order *order, const struct placement *p,
                           struct bill *out);
/* The bill's rows, one a provider, as view_bill shows them. Given. */
json_t *bill_rows(const struct cli *cli, const struct placement *p);
/* Shows it on stderr (or as NDJSON with --json). */
int bill_show(struct cli *cli, const struct order *order,
              const struct placement *p, const struct bill *bill);

/* Signs the approval and hands it in. */
int place_approve(struct cli *cli, const struct bill *bill,
                  const struct signer *signer, struct placement *p);

#endif
