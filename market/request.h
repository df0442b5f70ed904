#ifndef MARKET_REQUEST_H
#define MARKET_REQUEST_H

/* A request is what a buyer asks of the market: a spec, the resources of each
 * of its tasks, and the terms. It is signed, it moves no money. The approval
 * that goes with it does: it says up to what bill the buyer pays. */

#include "market/offer.h"
#include "market/spec.h"
#include "sched/demand.h"
#include "sched/policy_terms.h"
#include "sched/spread.h"

/* Where this request's tasks may run beside another request of the same agent:
 * only at providers that have a task of it now, or only at those without. */
struct affinity {
    struct hash request;
    bool apart;
};
#define REQUEST_AFFINITY_MAX 4u

struct request {
    struct pubkey buyer; /* account that pays */
    struct pubkey agent; /* node identity of the buyer's node: it places the
                            contracts and co-signs receipts, within the caps */
    uint8_t salt[DEMAND_SALT_LEN]; /* makes every request distinct */
    uint64_t created_at_ms;
    uint64_t expires_at_ms; /* no contract opens from here on (chain time) */
    struct hash spec;
    uint32_t tasks;        /* 1..LIMIT_TASKS: each one is a contract */
    uint32_t attempts_max; /* per task, 1..3: how often a lost one is retried */
    struct resources resources; /* per task; must equal the spec's */
    uint64_t time_ms_max;       /* per task; must equal the spec's */
    enum arch arch;
    enum policy policy;
    struct amount price_max;   /* cap of one task's bill; zero = none stated */
    struct pubkey only_seller; /* zero = any */
    uint32_t constraint_count;
    struct constraint constraints[LIMIT_CONSTRAINTS];
    struct device_wish devices; /* per task; must equal the spec's */
    uint32_t toleration_count;
    struct constraint tolerations[LIMIT_TOLERATIONS]; /* EQUAL and EXISTS */
    uint32_t zone_count;
    char zones[LIMIT_ZONES][LIMIT_NAME]; /* work and data stay in these; none:
                                            they may be anywhere */
    struct spread spread;
    uint32_t affinity_count;
    struct affinity affinities[REQUEST_AFFINITY_MAX];
    struct policy_terms terms; /* of the policy; zero: the policy by itself */
    uint64_t patience_ms; /* a task may wait so long in a seller's queue; 0: it
                             begins at once or elsewhere */
    struct signature sig; /* buyer's */
};

#define REQUEST_BYTES_MAX       7168u
#define REQUEST_ATTEMPTS_MAX    3u
#define REQUEST_PATIENCE_MS_MAX (UINT64_C(7) * 24 * 3600 * 1000)

/* Every field in its range? ERR_RANGE: a zero agent, expiry not after creation,
 * tasks not 1..LIMIT_TASKS, attempts_max not 1..REQUEST_ATTEMPTS_MAX, resources
 * or time of zero, time above MESSAGE_TIME_MS_MAX, an unknown arch, policy or
 * operation, a malformed constraint (no key, a value where none belongs), what
 * device_wish_form or spread_form refuses, too many tolerations, zones or
 * affinities, a toleration of another operation, an empty zone, a zero request
 * in an affinity, what policy_terms_check refuses, tasks that are not a
 * multiple of the copies, patience above REQUEST_PATIENCE_MS_MAX or of a gang,
 * which needs all its places at one time. */
MUST_USE enum err request_form(const struct request *request);
/* Of those, all from the devices on. */
MUST_USE enum err request_wishes_form(const struct request *request);
/* Do both wish for the same devices, tolerate the same, stay in the same zones,
 * spread alike, have the same affinities and wait for as long? */
bool request_wishes_same(const struct request *a, const struct request *b);
/* The request's id is the hash of what is signed: of the encoding without the
 * signature, bound to the chain. No check of form; ERR_NOMEM. */
MUST_USE enum err request_id(const struct request *request,
                             const struct hash *chain, struct hash *out);
/* Sets buyer to the signer's key, and sig. What request_form or the signer
 * refuses. */
MUST_USE enum err request_sign(struct request *request,
                               const struct hash *chain,
                               const struct signer *signer);
/* Appends. What request_form refuses, or what stuck in the buf. */
MUST_USE enum err request_encode(const struct request *request,
                                 struct buf *out);
/* ERR_TOO_LARGE above REQUEST_BYTES_MAX, what mp_open_message refuses, then
 * what request_form does. Nothing is lent from the input. */
MUST_USE enum err request_decode(struct bytes bytes, struct arena *arena,
                                 struct request *out);
/* ERR_SIGNATURE. */
MUST_USE enum err request_verify(const struct request *request,
                                 const struct hash *chain);

/* The buyer's yes to the bill: contracts of this request may lock up to
 * `task_cap` each, so tasks * task_cap in all, attempts apart in time. */
struct approval {
    struct hash request;
    struct amount task_cap;
    uint64_t expires_at_ms; /* no contract opens from here on (chain time) */
    struct signature sig;   /* request.buyer's */
};
#define APPROVAL_BYTES_MAX 256u

/* The signer must be the buyer's: its key is not in the approval. */
MUST_USE enum err approval_sign(struct approval *approval,
                                const struct hash *chain,
                                const struct signer *signer);
MUST_USE enum err approval_encode(const struct approval *approval,
                                  struct buf *out);
MUST_USE enum err approval_decode(struct bytes bytes, struct arena *arena,
                                  struct approval *out);
MUST_USE enum err approval_verify(const struct approval *approval,
                                  const struct pubkey *buyer,
                                  const struct hash *chain);

#endif
