#ifndef MARKET_QUOTE_H
#define MARKET_QUOTE_H

/* A quote is the bill before the work: a provider that holds capacity for one
 * task says what it will cost at most and until when it must start. */

#include "market/request.h"

struct quote {
    struct hash request;
    uint32_t task;    /* 0-based */
    uint32_t attempt; /* 0-based */
    struct pubkey provider;
    struct pubkey payout;
    uint64_t offer_version;
    struct price price;
    struct amount hour;      /* price_per_hour of the request's resources */
    struct amount cap;       /* price_for_time(hour, request.time_ms_max) */
    struct amount bond;      /* what the provider puts up: see contract.h */
    struct grade grade;
    uint64_t rtt_us;         /* measured between the two nodes; 0 = unknown */
    uint64_t start_by_ms;    /* after this without a receipt the buyer is free */
    uint64_t deadline_ms;    /* last moment to record delivery */
    uint64_t retention_ms;   /* outputs are kept this long after delivery */
    uint64_t expires_at_ms;  /* the hold behind this quote ends */
    struct signature sig;    /* provider's */
};

#define QUOTE_BYTES_MAX 2048u

/* Fills hour, cap and the identity fields from the request and price.
 * ERR_OVERFLOW. */
MUST_USE enum err quote_price(const struct request *request,
                              const struct price *price, struct quote *out);
MUST_USE enum err quote_sign(struct quote *quote, const struct hash *chain,
                             const struct signer *signer);
MUST_USE enum err quote_encode(const struct quote *quote, struct buf *out);
MUST_USE enum err quote_decode(struct bytes bytes, struct arena *arena,
                               struct quote *out);
MUST_USE enum err quote_verify(const struct quote *quote,
                               const struct hash *chain);
/* Does the quote keep to the request? ERR_TERMS (id, task, attempt, hour or cap
 * wrong), ERR_PRICE (cap above price_max). Pure. */
MUST_USE enum err quote_check(const struct quote *quote,
                              const struct request *request,
                              const struct hash *request_id);

#endif
