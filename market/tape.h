#ifndef MARKET_TAPE_H
#define MARKET_TAPE_H

/* A tape is a recorded market: offers and requests with their times. It is
 * played again through an order book of its own, under any policy, and what
 * came of it is added up.
 *
 * The model. What is on the tape happens when it happened. A provider sells all
 * of its total and as many tasks at a time as it ever said it would take; what
 * else it had running then is not known. A task starts when it is placed (no
 * quotes, no chain, no staging), holds its resources for the run time of its
 * request, and ends. Who finds no place waits in the book until its request
 * expires. So two policies meet the same offers and the same requests, and only
 * where tasks go differs.
 *
 * Pure; the same tape, policy and seed is the same result. */

#include "market/book/book.h"

#define TAPE_OFFERS_MAX    20000u /* offers told, all versions */
#define TAPE_REQUESTS_MAX  20000u
#define TAPE_PROVIDERS_MAX 4096u

enum tape_kind { TAPE_OFFER = 1, TAPE_GONE = 2, TAPE_REQUEST = 3 };
struct tape_event {
    uint64_t at_ms;
    enum tape_kind kind;
    uint32_t index; /* OFFER: offers; GONE: providers; REQUEST: requests */
};
struct tape_offer {
    struct offer offer;
    uint64_t rtt_us; /* 0 = not known */
    uint32_t provider;
};
struct tape_request {
    struct request request;
    uint64_t at_ms;
    uint64_t run_ms; /* of a task; 0: not known, its limit counts */
};

_Static_assert((uint64_t)TAPE_REQUESTS_MAX *LIMIT_TASKS < 1u << 25,
               "tape_jain multiplies in 64 bits");

struct tape {
    struct tape_event *events; /* in order of time */
    uint32_t event_count;
    uint32_t event_cap;
    struct tape_offer *offers;
    uint32_t offer_count;
    uint32_t offer_cap;
    struct tape_request *requests;
    uint32_t request_count;
    uint32_t request_cap;
    struct pubkey *providers;
    uint32_t provider_count;
};

void tape_init(struct tape *tape);
void tape_done(struct tape *tape); /* safe on a zeroed struct */
/* Each appends (copied). ERR_RANGE: time goes back or above 2^53; what
 * offer_form or request_form refuses; GONE of a provider that never was there.
 * ERR_TOO_LARGE: above the bounds. ERR_NOMEM.
 * A run time can be said later: tape_ran. */
MUST_USE enum err tape_add_offer(struct tape *tape, uint64_t at_ms,
                                 const struct offer *offer, uint64_t rtt_us);
MUST_USE enum err tape_add_gone(struct tape *tape, uint64_t at_ms,
                                const struct pubkey *provider);
MUST_USE enum err tape_add_request(struct tape *tape, uint64_t at_ms,
                                   const struct request *request,
                                   uint64_t run_ms);

/* How long the tasks of the request of that number ran. */
void tape_ran(struct tape *tape, uint32_t request, uint64_t run_ms);

/* What all requests are placed by; NULL where it is asked for: each as it was
 * recorded. */
struct tape_policy {
    enum policy policy;
    struct policy_terms terms; /* they fit (CHECKed) */
};

struct tape_result {
    uint64_t tasks; /* contracts wanted: copies count */
    uint64_t placed;
    uint64_t refused;  /* no place until the request expired */
    uint64_t hour_sum; /* of the placed: micro-credits an hour */
    uint64_t bill_sum; /* .. for their run times, micro-credits */
    uint64_t rtt_sum;  /* .. us, of rtt_known tasks */
    uint64_t rtt_known;
    uint64_t speed_sum; /* .. 2^16 log2 of the grade, of speed_known tasks */
    uint64_t speed_known;
    uint64_t wait_sum_ms; /* .. from the request to the start */
    uint64_t wait_max_ms;
    uint32_t providers;     /* on the tape */
    uint32_t used;          /* that got any task */
    uint64_t squares;       /* sum over providers of (tasks given)^2 */
    uint64_t gangs_waiting; /* matches that a gang was too large for */
};
/* ERR_NOMEM; ERR_RANGE: copies make a request too large. */
MUST_USE enum err tape_play(const struct tape *tape,
                            const struct tape_policy *policy, uint64_t seed,
                            struct tape_result *out);

/* Jain's index of the tasks given to each provider, in thousandths: 1000 when
 * all have as many, 1000 / providers when one has all; 0 without tasks. */
uint32_t tape_jain(const struct tape_result *result);

#endif
