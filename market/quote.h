#ifndef MARKET_QUOTE_H
#define MARKET_QUOTE_H

/* A quote is the bill before the work: a provider that holds capacity for one
 * task says what it will cost at most and until when it must start. */

#include "market/request.h"

/* Which devices are promised: those of one group of the offer. */
struct quote_device {
    char model[LIMIT_NAME]; /* "" = not stated */
    uint64_t mem_mib;       /* of each */
    struct amount hour;     /* of a whole one */
};

struct quote {
    struct hash request;
    uint32_t task;          /* 0-based */
    uint32_t attempt;       /* 0-based */
    struct pubkey provider; /* puts up the bond */
    struct pubkey payout;   /* is paid; zero = provider's own account */
    uint64_t offer_version;
    struct price price;
    struct amount hour; /* price_per_hour_with of the request's wishes */
    struct amount cap;  /* price_for_time(hour, request.time_ms_max) */
    struct amount bond; /* at least market_bond_min(cap): params.h */
    struct grade grade;
    uint64_t rtt_us;        /* measured between the two nodes; 0 = unknown */
    uint64_t start_by_ms;   /* after this without a receipt the buyer is free */
    uint64_t deadline_ms;   /* last moment to record delivery */
    uint64_t retention_ms;  /* outputs are kept this long after delivery */
    uint64_t expires_at_ms; /* the hold ends: no contract opens from here on */
    struct quote_device device; /* zero when the request wants none */
    struct signature sig;       /* provider's */
};

#define QUOTE_BYTES_MAX 2048u

/* The times of a quote, all chain time, keep to
 *   expires_at_ms <= request.expires_at_ms
 *   expires_at_ms <= start_by_ms
 *     <= expires_at_ms + request.patience_ms + QUOTE_START_MS_MAX
 *   deadline_ms = start_by_ms + request.time_ms_max + slack for publishing,
 *   0 <= slack <= QUOTE_PUBLISH_MS_MAX
 * so a contract opened on the quote's last moment can still start, a task that
 * starts last still has all its time, and nobody's money is held for ever. */
#define QUOTE_START_MS_MAX   (3600u * 1000) /* beside a wait, for staging */
#define QUOTE_PUBLISH_MS_MAX (24u * 3600 * 1000)

/* Fills price, hour and cap for one task of the request, out->device being set
 * already; all other fields are the caller's. ERR_OVERFLOW. */
MUST_USE enum err quote_price(const struct request *request,
                              const struct price *price, struct quote *out);
/* Sets provider to the signer's key, and sig. What the signer refuses. */
MUST_USE enum err quote_sign(struct quote *quote, const struct hash *chain,
                             const struct signer *signer);
/* Appends; what stuck in the buf. */
MUST_USE enum err quote_encode(const struct quote *quote, struct buf *out);
/* ERR_TOO_LARGE above QUOTE_BYTES_MAX, what mp_open_message refuses. */
MUST_USE enum err quote_decode(struct bytes bytes, struct arena *arena,
                               struct quote *out);
/* ERR_SIGNATURE. */
MUST_USE enum err quote_verify(const struct quote *quote,
                               const struct hash *chain);
/* Does the quote keep to the request? ERR_TERMS: another request's id, task or
 * attempt beyond its counts, not the only_seller, hour or cap not by the
 * formula, devices the request does not allow (or does not want), times not as
 * above. Pure. */
MUST_USE enum err quote_terms(const struct quote *quote,
                              const struct request *request,
                              const struct hash *request_id);
/* quote_terms, then ERR_PRICE for a cap above the request's price_max. Pure. */
MUST_USE enum err quote_check(const struct quote *quote,
                              const struct request *request,
                              const struct hash *request_id);

#endif
