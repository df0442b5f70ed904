#ifndef MARKET_OFFER_H
#define MARKET_OFFER_H

/* An offer is a provider's standing promise to sell compute at a price. It is
 * gossiped, versioned, and lapses by itself: a provider that falls silent
 * disappears from every book within its time to live. */

#include "base/limits.h"
#include "base/mp.h"
#include "base/sign.h"
#include "sched/devices.h"
#include "sched/grade.h"
#include "sched/label.h"
#include "sched/resources.h"
#include "sched/taint.h"

/* Prices per hour of what is reserved, used or not. Devices have theirs beside
 * them, by group; the network has none. */
struct price {
    struct amount cpu_hour;  /* per core-hour (1000 milli) */
    struct amount mem_hour;  /* per GiB-hour */
    struct amount disk_hour; /* per GiB-hour */
};

/* Who waits for a place at a seller that queues. Times from issued_at_ms on, by
 * the limits of what runs and waits: nothing comes later, all may come sooner.
 */
struct offer_queue {
    uint32_t length;   /* how many wait */
    uint32_t places;   /* how many more may; 0: it does not queue, or is full */
    uint64_t next_ms;  /* the first that runs has ended */
    uint64_t clear_ms; /* all that runs and waits has ended */
};

struct offer {
    struct pubkey provider;   /* node identity; puts up the bond */
    struct pubkey payout;     /* account that is paid; zero = provider's own */
    uint64_t version;         /* grows; the highest valid one counts */
    uint64_t issued_at_ms;    /* wall clock of the provider */
    uint64_t ttl_ms;          /* <= OFFER_TTL_MAX_MS */
    char address[LIMIT_NAME]; /* host:port of the peer listener */
    char bulk_address[LIMIT_NAME]; /* host:port of the blob listener */
    char name[LIMIT_NAME];         /* for people */
    enum arch arch;
    struct resources total; /* what it sells in all */
    struct resources free;  /* what is free now: a hint, a hold is the truth */
    uint32_t slots_free;    /* jobs it would take now */
    uint64_t time_ms_max;   /* longest lease it sells */
    struct price price;
    struct grade grade;
    uint32_t label_count;
    struct label labels[LIMIT_LABELS];
    struct devices devices; /* free: as above */
    uint32_t taint_count;
    struct taint taints[LIMIT_TAINTS];
    struct offer_queue queue;
    struct signature sig;
};

#define OFFER_TTL_MAX_MS 600000u
#define OFFER_BYTES_MAX  6144u

/* Every field in its range? ERR_RANGE: a ttl of zero or above the maximum, a
 * text with a control character, an empty label or taint key, too many of them,
 * an unknown taint effect, ARCH_ANY, free above total, what devices_form
 * refuses, a time_ms_max of zero or above MESSAGE_TIME_MS_MAX. */
MUST_USE enum err offer_form(const struct offer *offer);
/* Sets provider to the signer's key, and sig. What offer_form or the signer
 * refuses. */
MUST_USE enum err offer_sign(struct offer *offer, const struct hash *chain,
                             const struct signer *signer);
/* Appends. What offer_form refuses, or what stuck in the buf. */
MUST_USE enum err offer_encode(const struct offer *offer, struct buf *out);
/* Form only: ERR_TOO_LARGE above OFFER_BYTES_MAX, what mp_open_message refuses,
 * then what offer_form does. Nothing is lent from the input. */
MUST_USE enum err offer_decode(struct bytes bytes, struct arena *arena,
                               struct offer *out);
/* ERR_SIGNATURE. */
MUST_USE enum err offer_verify(const struct offer *offer,
                               const struct hash *chain);
/* As arrays inside another noun's bytes. */
void price_encode(const struct price *price, struct buf *out); /* array 3 */
void price_decode(struct mp_reader *reader, struct price *out);
void grade_encode(const struct grade *grade, struct buf *out); /* array 11 */
void grade_decode(struct mp_reader *reader, struct grade *out);

/* The price of one hour of `want` at this offer; ERR_OVERFLOW. Each dimension
 * is rounded up to a micro-credit: cpu_hour * cpu_milli / 1000, and so on. */
MUST_USE enum err price_per_hour(const struct price *price,
                                 const struct resources *want,
                                 struct amount *out);
/* That and the devices: `device_hour` is the price of a whole device of the
 * group that the wish gets; device_hour * count * milli / 1000 is rounded up,
 * too. Without a wish device_hour does not count. ERR_OVERFLOW. */
MUST_USE enum err price_per_hour_with(const struct price *price,
                                      const struct resources *want,
                                      struct amount device_hour,
                                      const struct device_wish *wish,
                                      struct amount *out);
/* What `wall_ms` at `hour` costs: ceil(hour * wall_ms / 3600000). The one
 * formula of every bill; ERR_OVERFLOW. */
MUST_USE enum err price_for_time(struct amount hour, uint64_t wall_ms,
                                 struct amount *out);

#endif
