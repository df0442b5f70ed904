#ifndef MARKET_RECEIPT_H
#define MARKET_RECEIPT_H

/* A receipt says how much was used so far, signed by both sides: the undisputed
 * bill if anything breaks afterwards. Cumulative: only the newest matters. */

#include "market/quote.h"

struct receipt {
    struct hash contract;
    uint32_t seq;       /* 1, 2, ...: grows */
    uint64_t wall_ms;   /* since the job started; grows */
    uint64_t cpu_ms;    /* from the cgroup; <= cores * wall */
    uint64_t mem_peak_mib;
    uint64_t bytes_out;
    struct amount due;  /* price_for_time(quote.hour, wall_ms), at most cap */
    struct signature provider_sig;
    struct signature agent_sig; /* zero until co-signed */
};

#define RECEIPT_BYTES_MAX 512u

MUST_USE enum err receipt_sign_provider(struct receipt *receipt,
                                        const struct hash *chain,
                                        const struct signer *signer);
MUST_USE enum err receipt_sign_agent(struct receipt *receipt,
                                     const struct hash *chain,
                                     const struct signer *signer);
MUST_USE enum err receipt_encode(const struct receipt *receipt,
                                 struct buf *out);
MUST_USE enum err receipt_decode(struct bytes bytes, struct arena *arena,
                                 struct receipt *out);
/* Signatures; agent NULL skips the second. ERR_SIGNATURE. */
MUST_USE enum err receipt_verify(const struct receipt *receipt,
                                 const struct hash *chain,
                                 const struct pubkey *provider,
                                 const struct pubkey *agent);
/* Bounds against what was agreed: wall <= time_ms_max, cpu <= cores * wall plus
 * one scheduling period, due by the formula. `since` is the previous receipt or
 * NULL: seq, wall and cpu may not fall. ERR_RECEIPT_SEQ, ERR_RECEIPT_BOUND. */
MUST_USE enum err receipt_check(const struct receipt *receipt,
                                const struct receipt *since,
                                struct amount hour, struct amount cap,
                                uint32_t cpu_milli, uint64_t time_ms_max);

#endif
