#include "node/peer/namesake.h"

void namesake_seen(struct namesake *namesake, uint64_t now_ms)
{
    if (!namesake->seen || now_ms - namesake->last_ms > NAMESAKE_GAP_MS)
        namesake->first_ms = now_ms;
    namesake->seen = true;
    namesake->last_ms = now_ms;
    if (now_ms - namesake->first_ms >= NAMESAKE_SURE_MS)
        namesake->sure_ms = now_ms;
}

bool namesake_is(const struct namesake *namesake, uint64_t now_ms)
{
    return namesake->sure_ms != 0 &&
           now_ms - namesake->sure_ms < NAMESAKE_QUIET_MS;
}
