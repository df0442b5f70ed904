#include "market/receipt.h"

#include "market/message.h"

#define MILLI_PER_CORE 1000u

/* The product of two u64 needs it; gcc and clang have it on 64-bit machines. */
__extension__ typedef unsigned __int128 wide;

bool receipt_is_cosigned(const struct receipt *receipt)
{
    return !signature_is_zero(&receipt->agent_sig);
}

uint64_t receipt_cpu_ms_max(uint32_t cpu_milli, uint64_t wall_ms)
{
    wide share =
        ((wide)cpu_milli * wall_ms + (MILLI_PER_CORE - 1)) / MILLI_PER_CORE;
    uint64_t cores =
        ((uint64_t)cpu_milli + (MILLI_PER_CORE - 1)) / MILLI_PER_CORE;
    wide most = share + cores * RECEIPT_PERIOD_MS;
    return most > UINT64_MAX ? UINT64_MAX : (uint64_t)most;
}

struct amount receipt_due(struct amount hour, struct amount cap,
                          uint64_t wall_ms)
{
    struct amount due;
    if (price_for_time(hour, wall_ms, &due) != OK)
        return cap;
    return amount_min(due, cap);
}

enum err receipt_check(const struct receipt *receipt,
                       const struct receipt *since, struct amount hour,
                       struct amount cap, uint32_t cpu_milli,
                       uint64_t time_ms_max)
{
    struct amount due = receipt_due(hour, cap, receipt->wall_ms);
    if (since != NULL &&
        (receipt->seq <= since->seq || receipt->wall_ms < since->wall_ms ||
         receipt->cpu_ms < since->cpu_ms))
        return ERR_RECEIPT_SEQ;
    if (receipt->wall_ms > time_ms_max ||
        receipt->cpu_ms > receipt_cpu_ms_max(cpu_milli, receipt->wall_ms) ||
        amount_cmp(receipt->due, due) != 0)
        return ERR_RECEIPT_BOUND;
    return OK;
}
