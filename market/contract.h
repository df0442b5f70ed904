#ifndef MARKET_CONTRACT_H
#define MARKET_CONTRACT_H

/* A contract: one task of a request, sold by one provider. What the chain keeps
 * of it, the moves it allows, and the transaction kinds that make them.
 *
 *                    open (agent or buyer)
 *                      |  locks cap (buyer) and bond (provider)
 *                      v
 *   refuse <------ ESCROWED ------ deliver ----> DELIVERED
 *  (provider,          |          (provider)         |  settle: buyer's side at
 *   full refund)       | expire                      |  any time, provider after
 *      |               | (buyer's side, after        |  review_until
 *      |               v  start_by or deadline)      |
 *      |            CLOSING -- claim (provider,      |
 *      |               |       a newer receipt)      |
 *      |               | settle (either, after       |
 *      v               v  claim_until)               v
 *   SETTLED <---------------------------------------'
 *
 * Money: locked at open = paid + refunded + slashed at SETTLED, always. Payable
 * is never more than cap. Nothing is locked before open. */

#include "ledger/kind.h"
#include "market/receipt.h"

enum contract_state {
    CONTRACT_ESCROWED = 1,
    CONTRACT_DELIVERED = 2,
    CONTRACT_CLOSING = 3,
    CONTRACT_SETTLED = 4,
};

/* Why it ended, numbered by side: 1x job, 2x provider, 3x buyer, 4x network. */
enum end_reason {
    END_NONE = 0,
    END_DONE = 10,            /* exit code 0 */
    END_JOB_FAILED = 11,      /* non-zero exit or signal; time is paid */
    END_TIME_LIMIT = 12,      /* ran into its own time limit; time is paid */
    END_MEMORY_LIMIT = 13,
    END_OUTPUT_LIMIT = 14,
    END_PROVIDER_REFUSED = 20, /* said no after the contract was made */
    END_PROVIDER_LOST = 21,    /* no delivery by the deadline */
    END_STAGING_FAILED = 22,   /* could not get image or inputs */
    END_EXECUTOR_FAILED = 23,  /* sandbox or machine failed */
    END_RESULT_MISSING = 24,   /* delivered, but outputs not fetchable */
    END_PROVIDER_DRAIN = 25,
    END_BUYER_CANCELLED = 30,
    END_BUYER_LOST = 31,
    END_NOT_STARTED = 40,      /* start-by passed without a receipt */
};
const char *end_reason_text(enum end_reason reason);
/* 1 job, 2 provider, 3 buyer, 4 network; 0 for END_NONE. */
unsigned end_reason_side(enum end_reason reason);

struct contract {
    struct hash id;      /* hash(CONTRACT, request | task | attempt) */
    struct hash request;
    uint32_t task;
    uint32_t attempt;
    enum contract_state state;
    struct pubkey buyer;
    struct pubkey agent;
    struct pubkey provider;
    struct pubkey payout;
    struct amount hour;
    struct amount cap;
    struct amount bond;
    uint32_t cpu_milli;
    uint64_t time_ms_max;
    uint64_t opened_at_ms;
    uint64_t start_by_ms;
    uint64_t deadline_ms;
    uint64_t until_ms; /* DELIVERED: review ends; CLOSING: claims end */
    /* what is known to be due */
    uint32_t receipt_seq;
    uint64_t wall_ms;
    uint64_t cpu_ms;
    struct amount due;
    bool due_cosigned;
    /* outcome */
    enum end_reason reason;
    uint32_t exit_code; /* 0..255; 128+N for a signal */
    struct hash result; /* blob id of the output tree; zero when none */
    struct hash log;    /* blob id of the log tree (stdout, stderr) */
    struct amount paid;     /* set at SETTLED */
    struct amount refunded;
    struct amount slashed;  /* of the bond, to the buyer */
    uint64_t settled_at_ms;
};

void contract_id(const struct hash *request, uint32_t task, uint32_t attempt,
                 struct hash *out);
MUST_USE enum err contract_encode(const struct contract *c, struct buf *out);
MUST_USE enum err contract_decode(struct bytes bytes, struct arena *arena,
                                  struct contract *out);
/* ERR_NOT_FOUND or a fault. */
MUST_USE enum err contract_get(struct state *state, const struct hash *id,
                               struct arena *arena, struct contract *out);
/* Is `to` reachable from `from` in the picture above? */
bool contract_move_allowed(enum contract_state from, enum contract_state to);

/* ---- the transaction kinds; payloads by the builders below ---- */
enum {
    TX_CONTRACT_OPEN = 100,
    TX_CONTRACT_DELIVER = 101,
    TX_CONTRACT_REFUSE = 102,
    TX_CONTRACT_EXPIRE = 103,
    TX_CONTRACT_CLAIM = 104,
    TX_CONTRACT_SETTLE = 105,
};
extern const struct tx_kind market_kinds[];
extern const size_t market_kind_count;

/* Times the chain uses, in chain parameters (genesis): review and claim
 * windows. Defaults: review 10 min, claim 2 min; the devnet shortens both. */

/* open: [request bin, approval bin, quote bin]. Sender: the request's agent or
 * its buyer. The fee of the open pays for the whole contract and is taken from
 * the BUYER by the open itself (tx.fee must be 0 when the agent sends it).
 * Refuses, first match wins: form of the three, ERR_CHAIN, ERR_PARTY (sender),
 * ERR_SIGNATURE (request, approval, quote), ERR_TERMS, ERR_EXPIRED (request,
 * approval, quote), ERR_PRICE (above price_max or task_cap), ERR_EXISTS (this
 * task runs or ran: a further attempt is allowed only after the one before was
 * SETTLED with a provider- or network-side reason, attempt < attempts_max),
 * ERR_BOND, ERR_FUNDS. */
void contract_open_payload(struct bytes request, struct bytes approval,
                           struct bytes quote, struct buf *out);
/* deliver: [contract, reason, exit_code, result, log, receipt bin]. Sender:
 * provider. The receipt is the final one; co-signed or not. ERR_NOT_FOUND,
 * ERR_PARTY, ERR_STATE, ERR_TOO_LATE, ERR_RANGE (reason must be of side 1 or
 * BUYER_CANCELLED), ERR_SIGNATURE, ERR_RECEIPT_*. */
struct contract_delivery {
    struct hash contract;
    enum end_reason reason;
    uint32_t exit_code;
    struct hash result;
    struct hash log;
    struct receipt receipt;
};
MUST_USE enum err contract_deliver_payload(const struct contract_delivery *d,
                                           struct buf *out);
/* refuse: [contract, reason of side 2]. Sender: provider. Full refund of what
 * is not co-signed; the bond is slashed by a quarter unless nothing had run
 * (before start_by). */
void contract_refuse_payload(const struct hash *contract,
                             enum end_reason reason, struct buf *out);
/* expire: [contract, receipt bin or empty]. Sender: agent or buyer; after
 * start_by with no receipt, or after the deadline. */
void contract_expire_payload(const struct hash *contract,
                             const struct receipt *receipt_or_null,
                             struct buf *out);
/* claim: [contract, receipt bin co-signed]. Sender: provider, while CLOSING. */
void contract_claim_payload(const struct hash *contract,
                            const struct receipt *receipt, struct buf *out);
/* settle: [contract]. DELIVERED: agent or buyer at once (acceptance), provider
 * once until_ms has passed (silence is acceptance). CLOSING: either, after
 * until_ms. */
void contract_settle_payload(const struct hash *contract, struct buf *out);

#endif
