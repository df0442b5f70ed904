#ifndef MARKET_RECEIPT_H
#define MARKET_RECEIPT_H

/* A receipt says how much was used so far, signed by both sides: the undisputed
 * bill if anything breaks afterwards. Cumulative: only the newest matters. */

#include "market/quote.h"

struct receipt {
    struct hash contract;
    uint32_t seq;     /* 1, 2, ...: grows */
    uint64_t wall_ms; /* since the job started; grows */
    uint64_t cpu_ms;  /* from the cgroup; <= cores * wall */
    uint64_t mem_peak_mib;
    uint64_t bytes_out;
    struct amount due; /* price_for_time(quote.hour, wall_ms), at most cap */
    struct signature provider_sig;
    struct signature agent_sig; /* zero until co-signed */
};

#define RECEIPT_BYTES_MAX 512u

/* What a core may overrun its share by, per core begun: the kernel hands out
 * CPU time by such periods. */
#define RECEIPT_PERIOD_MS 100u

/* Both sign the same bytes, the encoding without signatures. */
MUST_USE enum err receipt_sign_provider(struct receipt *receipt,
                                        const struct hash *chain,
                                        const struct signer *signer);
MUST_USE enum err receipt_sign_agent(struct receipt *receipt,
                                     const struct hash *chain,
                                     const struct signer *signer);
/* Appends. ERR_RANGE for seq 0, or what stuck in the buf. */
MUST_USE enum err receipt_encode(const struct receipt *receipt,
                                 struct buf *out);
/* ERR_TOO_LARGE above RECEIPT_BYTES_MAX, what mp_open_message refuses,
 * ERR_RANGE for seq 0. */
MUST_USE enum err receipt_decode(struct bytes bytes, struct arena *arena,
                                 struct receipt *out);
bool receipt_is_cosigned(const struct receipt *receipt); /* agent_sig set? */
/* Signatures; agent NULL skips the second. ERR_SIGNATURE. */
MUST_USE enum err receipt_verify(const struct receipt *receipt,
                                 const struct hash *chain,
                                 const struct pubkey *provider,
                                 const struct pubkey *agent);
/* The most CPU time that `wall_ms` at `cpu_milli` can have taken: cpu_milli *
 * wall / 1000 rounded up, plus RECEIPT_PERIOD_MS per core begun. A provider
 * whose counter reads more (rounding) states this. Saturates at UINT64_MAX. */
uint64_t receipt_cpu_ms_max(uint32_t cpu_milli, uint64_t wall_ms);
/* min(price_for_time(hour, wall_ms), cap): the one figure a receipt may name;
 * a product that overflows is above any cap. */
struct amount receipt_due(struct amount hour, struct amount cap,
                          uint64_t wall_ms);
/* Bounds against what was agreed. `since` is the previous receipt or NULL.
 * First match: ERR_RECEIPT_SEQ (seq not above since's, or wall or cpu below
 * it), ERR_RECEIPT_BOUND (wall > time_ms_max, cpu > receipt_cpu_ms_max, due not
 * receipt_due). Pure; the contract's id and the signatures are the caller's. */
MUST_USE enum err receipt_check(const struct receipt *receipt,
                                const struct receipt *since, struct amount hour,
                                struct amount cap, uint32_t cpu_milli,
                                uint64_t time_ms_max);

#endif
