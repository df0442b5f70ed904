#ifndef MARKET_BILL_H
#define MARKET_BILL_H

/* A bill in figures, for whoever has to show it: before the work, from a
 * request and the quotes for its tasks; after it, from a settled contract. No
 * formatting here, and no figure that is not by the formulas of offer.h. */

#include "market/contract/contract.h"

/* One quote: what one attempt at one task costs at most. */
struct bill_line {
    uint32_t task;
    uint32_t attempt;
    struct pubkey provider;
    struct resources resources;
    struct device_wish wish;
    struct quote_device device; /* which ones, and for how much each */
    struct price price;         /* per core-hour, GiB-hour, GiB-hour */
    struct amount cpu_hour;     /* per hour of what this task reserves */
    struct amount mem_hour;     /* (rounded up each, their sum is `hour`) */
    struct amount disk_hour;
    struct amount device_hour;
    struct amount hour;
    uint64_t time_ms_max;
    struct amount cap;        /* hour * time_ms_max */
    struct amount fee;        /* of the contract, to the chain */
    struct amount bond;       /* what the provider stands to lose */
    struct amount slash_late; /* of it, to the buyer: refused after start_by */
    struct amount slash_lost; /* of it, to the buyer: never started or done */
    struct grade grade;
    uint64_t rtt_us; /* 0 = unknown */
    uint64_t start_by_ms;
    uint64_t deadline_ms;
    uint64_t retention_ms;
    uint64_t expires_at_ms; /* the quote's */
};

/* What approving all of the quotes may cost. */
struct bill {
    struct hash request;
    uint32_t tasks;          /* of the request */
    uint32_t line_count;     /* quotes, one for each task at most */
    struct bill_line *lines; /* in the arena, in the quotes' order */
    struct amount task_cap;  /* the highest cap of a line: what an approval must
                                allow */
    struct amount caps;      /* the sum of the lines' caps */
    struct amount fees;      /* and of their fees */
    struct amount total;     /* caps + fees: never more for these attempts */
    uint64_t start_by_ms;    /* the first one's */
    uint64_t expires_at_ms;  /* the first one's: approve before */
};

/* Refuses, first match wins: ERR_RANGE (no quote, or more than tasks), for the
 * first quote at fault what quote_check refuses or ERR_BOND (below
 * market_bond_min), ERR_EXISTS (two quotes for one task), ERR_OVERFLOW (a sum),
 * ERR_NOMEM. *out_index (may be NULL) is the quote at fault. */
MUST_USE enum err bill_make(const struct request *request,
                            const struct hash *request_id,
                            const struct quote *quotes, uint32_t quote_count,
                            const struct market_params *params,
                            struct arena *arena, struct bill *out,
                            uint32_t *out_index);

/* What it came to. */
struct bill_final {
    struct hash contract;
    uint32_t task;
    uint32_t attempt;
    struct pubkey provider;
    struct pubkey payout;
    struct amount hour;
    uint64_t wall_ms; /* billed */
    uint64_t cpu_ms;  /* measured, not billed */
    bool cosigned;    /* the figures have both signatures */
    struct amount cap;
    struct amount due;      /* hour * wall_ms, at most cap */
    struct amount paid;     /* to payout */
    struct amount refunded; /* to the buyer, of the cap */
    struct amount slashed;  /* to the buyer, of the bond */
    struct amount fee;      /* to the chain, by the params */
    struct amount spent;    /* by the buyer: paid + fee. What was slashed comes
                               back on top */
    enum end_reason reason;
    uint32_t exit_code;
    uint64_t opened_at_ms;
    uint64_t settled_at_ms;
};

/* ERR_STATE for a contract that is not SETTLED; ERR_OVERFLOW. */
MUST_USE enum err bill_settle(const struct contract *c,
                              const struct market_params *params,
                              struct bill_final *out);

#endif
