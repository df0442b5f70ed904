#ifndef MARKET_CONTRACT_H
#define MARKET_CONTRACT_H

/* A contract: one task of a request, sold by one provider. What the chain keeps
 * of it, the moves it allows, and the transaction kinds that make them.
 *
 *                    open (agent or buyer)
 *                      |  locks cap (buyer) and bond (provider)
 *                      v
 *   refuse <------ ESCROWED ------ deliver ----> DELIVERED
 *  (provider,          |          (provider,        |  settle: buyer's side at
 *   full refund)       | expire    by deadline)     |  any time, provider after
 *      |               | (buyer's side, after       |  until_ms
 *      |               v  start_by)                 |
 *      |            CLOSING -- claim (provider,     |
 *      |               |       a newer receipt)     |
 *      |               | settle (either, after      |
 *      v               v  until_ms)                 v
 *   SETTLED <--------------------------------------'
 *
 * Every state but SETTLED has a way out for each side that a clock opens, so
 * nobody's money stays locked because the other fell silent: ESCROWED by refuse
 * (provider, at any time) or expire, the two others by settle.
 *
 * Money, all in one vault under the contract's id:
 *   cap + bond = paid + refunded + slashed + bond given back + still locked
 * always. At SETTLED the payout account got `paid` (= due, never above cap),
 * the buyer `refunded` (= cap - due) and `slashed`, the provider the rest of
 * the bond.
 *
 *   it ended by                                        due           slashed
 *   deliver, settle                                    receipt's     none
 *   refuse, by start_by and CONTRACT_REFUSE_FREE_MS
 *     after the open                                   none          none
 *   refuse, by the deadline                            none          a quarter
 *   refuse, after the deadline                         none          a half
 *   expire after start_by, by the deadline             receipt's     none
 *   expire after the deadline                          receipt's     a half
 * An expire counts the newest co-signed receipt that it or a claim shows; due
 * is none without one. Parts of a bond are rounded up to a micro-credit.
 *
 * What each side does to be safe; the chain protects those who act in time:
 *   A provider that queues a contract has its inputs within the time that a
 *   refusal is free, and refuses it by then if they do not come: whoever has
 *   waited for longer and is sent away is paid for it.
 *   A provider cuts its first receipt when the job starts (wall 0) and has it
 *   co-signed. What it cannot start by start_by_ms it refuses, which costs
 *   nothing until then. It risks the time since the last co-signed receipt,
 *   for from start_by_ms on the buyer's side may end the job at any time; then
 *   it claims with its newest. Its bond it loses only by being late: it records
 *   the delivery by the deadline, and before it serves the outputs.
 *   An agent co-signs what receipt_check and its own clock agree to, settles
 *   when the outputs are verified, and expires with the newest co-signed
 *   receipt (or none): after start_by_ms when the provider is silent, at the
 *   latest after the deadline.
 *   A buyer has at most tasks * task_cap locked at a time and spends at most
 *   attempts_max times that and the fees, whatever its agent does: an attempt
 *   opens only when the one before is settled.
 *
 * Times are chain time: the time in the header of the block that holds the
 * transaction. `x by t` means time <= t, `after t` means time > t; a thing that
 * expires at t is no longer good at t. */

#include "ledger/kind.h"
#include "market/params.h"
#include "market/receipt.h"

enum contract_state {
    CONTRACT_ESCROWED = 1,
    CONTRACT_DELIVERED = 2,
    CONTRACT_CLOSING = 3,
    CONTRACT_SETTLED = 4,
};
const char *contract_state_text(enum contract_state state); /* "escrowed" */

/* Why it ended, numbered by side: 1x job, 2x provider, 3x buyer, 4x network. */
enum end_reason {
    END_NONE = 0,
    END_DONE = 10,       /* exit code 0 */
    END_JOB_FAILED = 11, /* non-zero exit or signal; time is paid */
    END_TIME_LIMIT = 12, /* ran into its own time limit; time is paid */
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
    END_NOT_STARTED = 40, /* start-by passed without a receipt */
    END_GIVEN_UP = 41,    /* ended by the buyer's side before the deadline */
};
/* A sentence without a full stop. Static, never NULL, also for a number that is
 * not in the table. */
const char *end_reason_text(enum end_reason reason);
/* 1 job, 2 provider, 3 buyer, 4 network; 0 for END_NONE and what is not in the
 * table. */
unsigned end_reason_side(enum end_reason reason);
/* May the task be tried again after this? A provider's or the network's fault.
 */
bool end_reason_retries(enum end_reason reason);

struct contract {
    struct hash id; /* hash(CONTRACT, request | task | attempt) */
    struct hash request;
    uint32_t task;
    uint32_t attempt;
    enum contract_state state;
    struct pubkey buyer;
    struct pubkey agent;
    struct pubkey provider;
    struct pubkey payout; /* the provider itself where its quote left it zero */
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
    uint32_t receipt_seq; /* 0 = no receipt on the chain */
    uint64_t wall_ms;
    uint64_t cpu_ms;
    struct amount due;
    bool due_cosigned;
    /* outcome */
    enum end_reason reason;
    uint32_t exit_code; /* 0..255; 128+N for a signal */
    struct hash result; /* blob id of the output tree; zero when none */
    struct hash log;    /* blob id of the log tree (stdout, stderr) */
    struct amount paid; /* these four set at SETTLED */
    struct amount refunded;
    struct amount slashed; /* of the bond, to the buyer */
    uint64_t settled_at_ms;
};

void contract_id(const struct hash *request, uint32_t task, uint32_t attempt,
                 struct hash *out);
/* Appends the record's bytes (the id is not in them: it follows from request,
 * task and attempt); what stuck in the buf. */
MUST_USE enum err contract_encode(const struct contract *c, struct buf *out);
/* ERR_TOO_LARGE above LIMIT_STATE_VALUE, what mp_open_message refuses,
 * ERR_RANGE for an unknown state or reason. Sets the id. */
MUST_USE enum err contract_decode(struct bytes bytes, struct arena *arena,
                                  struct contract *out);
/* ERR_NOT_FOUND or a fault (ERR_CORRUPT: the record does not decode). */
MUST_USE enum err contract_get(struct state *state, const struct hash *id,
                               struct arena *arena, struct contract *out);
/* The latest attempt of a task; as contract_get. */
MUST_USE enum err contract_of_task(struct state *state,
                                   const struct hash *request, uint32_t task,
                                   struct arena *arena, struct contract *out);
/* Is there an arrow from `from` to `to` in the picture above? A claim stays:
 * CLOSING to CLOSING. Nothing leaves SETTLED. */
bool contract_move_allowed(enum contract_state from, enum contract_state to);
/* The parts of a bond: a quarter and a half, rounded up. */
struct amount contract_slash_late(struct amount bond);
struct amount contract_slash_lost(struct amount bond);
/* Does the record agree with itself and with `locked`, the money in its vault?
 * CHECKed after every apply; also for audits. */
bool contract_check_invariant(const struct contract *c, struct amount locked);

/* ---- the transaction kinds ----
 *
 * Payloads are messages [kind, 1, fields...] made by the builders below. Their
 * lists of refusals are in the order of the checks, first match wins, after
 * what mp_open_message and the nouns' own decoders refuse. Faults travel up.
 *
 * No kind asks a fee of its sender (fee_min is 0): the open takes one fee for
 * the whole life of the contract (params.h, open_fee_micro) from the BUYER and
 * gives it to whom the block's fees go. That is safe because each kind but the
 * open can succeed only a bounded number of times per contract. An agent that
 * is not the buyer itself must send fee 0 (ERR_FEE): it need not own money.
 *
 * Effects: subject = the contract's id, code = its new state, accounts = those
 * whose balance moved, moved = cap (open), paid (refuse, settle) or 0. */
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

/* open: [request bin, approval bin, quote bin]. Sender: the request's agent or
 * its buyer.
 *   ERR_PARTY      the sender is neither
 *   ERR_FEE        the agent's transaction has a fee
 *   ERR_SIGNATURE  request, approval, quote (a noun of another chain, too)
 *   ERR_TERMS      approval of another request; quote_terms
 *   ERR_EXPIRED    request, approval, quote
 *   ERR_PRICE      cap above the approval's task_cap or the request's price_max
 *   ERR_EXISTS     the task's latest contract is this attempt or a later one,
 *                  is not settled, or ended for a reason that does not retry
 *   ERR_STATE      the attempt is not the next one
 *   ERR_BOND       below market_bond_min, or the provider's account has less
 *   ERR_FUNDS      the buyer's account has less than fee and cap */
void contract_open_payload(struct bytes request, struct bytes approval,
                           struct bytes quote, struct buf *out);

/* deliver: [contract, reason, exit_code, result, log, receipt bin]. Sender:
 * provider. The receipt is the final one, co-signed or not.
 *   form: ERR_RANGE for an unknown reason or an exit code above 255
 *   ERR_NOT_FOUND
 *   ERR_PARTY
 *   ERR_STATE      not ESCROWED
 *   ERR_TOO_LATE   after the deadline
 *   ERR_RANGE      reason neither of side 1 nor BUYER_CANCELLED; DONE with an
 *                  exit code; JOB_FAILED without one
 *   ERR_TERMS      a receipt of another contract
 *   ERR_SIGNATURE  the provider's; the agent's, unless all zero
 *   ERR_RECEIPT_BOUND  receipt_check; not co-signed: a wall time of more than
 *                  has passed since the open plus CONTRACT_CLOCK_SLACK_MS */
#define CONTRACT_CLOCK_SLACK_MS 500u /* what block time may be off */
struct contract_delivery {
    struct hash contract;
    enum end_reason reason;
    uint32_t exit_code;
    struct hash result;
    struct hash log;
    struct receipt receipt;
};
/* What receipt_encode refuses, or what stuck in the buf. */
MUST_USE enum err contract_deliver_payload(const struct contract_delivery *d,
                                           struct buf *out);

#define CONTRACT_REFUSE_FREE_MS 600000u
/* refuse: [contract, reason]. Sender: provider.
 *   form: ERR_RANGE for an unknown reason
 *   ERR_NOT_FOUND
 *   ERR_PARTY
 *   ERR_STATE      not ESCROWED
 *   ERR_RANGE      the reason is not of side 2 */
void contract_refuse_payload(const struct hash *contract,
                             enum end_reason reason, struct buf *out);

/* expire: [contract, receipt bin or empty]. Sender: agent or buyer.
 *   ERR_NOT_FOUND
 *   ERR_PARTY
 *   ERR_FEE
 *   ERR_STATE      not ESCROWED
 *   ERR_TOO_EARLY  by start_by, with a receipt or without
 *   ERR_TERMS, ERR_SIGNATURE (both), ERR_RECEIPT_BOUND: the receipt's
 * The claims window opens: until_ms = now + claim_ms. The reason is
 *   by the deadline, without a receipt   NOT_STARTED (a claim turns it into
 *                                        BUYER_CANCELLED: no other attempt)
 *   by the deadline, with a receipt      GIVEN_UP
 *   after the deadline                   PROVIDER_LOST, half the bond slashed
 * and no claim changes the last two. */
void contract_expire_payload(const struct hash *contract,
                             const struct receipt *receipt_or_null,
                             struct buf *out);

/* claim: [contract, receipt bin, co-signed]. Sender: provider.
 *   ERR_NOT_FOUND
 *   ERR_PARTY
 *   ERR_STATE      not CLOSING
 *   ERR_TOO_LATE   after until_ms
 *   ERR_TERMS, ERR_SIGNATURE (both): the receipt's
 *   ERR_RECEIPT_SEQ    not newer than the one on the chain
 *   ERR_RECEIPT_BOUND */
void contract_claim_payload(const struct hash *contract,
                            const struct receipt *receipt, struct buf *out);

/* settle: [contract]. Sender: agent, buyer or provider.
 *   ERR_NOT_FOUND
 *   ERR_PARTY
 *   ERR_FEE        the agent's transaction has a fee
 *   ERR_STATE      neither DELIVERED nor CLOSING
 *   ERR_TOO_EARLY  by until_ms; DELIVERED: for the provider only, the buyer's
 *                  side accepts at once */
void contract_settle_payload(const struct hash *contract, struct buf *out);

#endif
