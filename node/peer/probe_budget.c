#include "node/peer/probe_budget.h"

#include "base/check.h"

#define SHARE 8u /* of the whole, for one peer */

/* What has grown since, up to a quarter of a day's. */
static void grow(uint64_t day, uint64_t *left, uint64_t *at_ms, uint64_t now_ms)
{
    uint64_t passed = now_ms > *at_ms ? now_ms - *at_ms : 0;
    if (passed > PROBE_BUDGET_DAY)
        passed = PROBE_BUDGET_DAY;
    *left += day / 1000 * passed / (PROBE_BUDGET_DAY / 1000);
    if (*left > day / 4)
        *left = day / 4;
    *at_ms = now_ms;
}

void probe_budget_init(struct probe_budget *budget, uint64_t day_bytes,
                       uint64_t now_ms)
{
    uint64_t most = UINT64_C(1) << 50;
    *budget = (struct probe_budget){.day = day_bytes < most ? day_bytes : most,
                                    .at_ms = now_ms};
    budget->left = budget->day / 4;
}

static struct probe_share *share_of(struct probe_budget *budget,
                                    const struct pubkey *peer, uint64_t now_ms)
{
    struct probe_share *oldest = &budget->shares[0];
    for (uint32_t i = 0; i < PROBE_BUDGET_PEERS; i++) {
        struct probe_share *s = &budget->shares[i];
        if (s->used && pubkey_equal(&s->peer, peer))
            return s;
        if (!s->used || (oldest->used && s->at_ms < oldest->at_ms))
            oldest = s;
    }
    *oldest = (struct probe_share){.peer = *peer,
                                   .left = budget->day / SHARE / 4,
                                   .at_ms = now_ms,
                                   .used = true};
    return oldest;
}

bool probe_budget_take(struct probe_budget *budget, const struct pubkey *peer,
                       uint64_t bytes, uint64_t now_ms)
{
    struct probe_share *share = share_of(budget, peer, now_ms);
    CHECK(share->used);
    grow(budget->day, &budget->left, &budget->at_ms, now_ms);
    grow(budget->day / SHARE, &share->left, &share->at_ms, now_ms);
    if (bytes > budget->left || bytes > share->left)
        return false;
    budget->left -= bytes;
    share->left -= bytes;
    return true;
}
