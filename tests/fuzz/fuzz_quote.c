/* links: market base */

#include "tests/fuzz/market_fuzz.h"

static struct request wide_request(const struct quote *quote)
{
    return (struct request){.tasks = LIMIT_TASKS,
                            .attempts_max = REQUEST_ATTEMPTS_MAX,
                            .resources = {2000, 1024, 512},
                            .time_ms_max = 3600000,
                            .only_seller = quote->provider};
}

/* What keeps to a request has its times in order and its figures right. */
static void terms_hold(const struct quote *quote)
{
    struct request request = wide_request(quote);
    struct amount cap;
    if (quote_check(quote, &request, &quote->request) != OK)
        return;
    CHECK(quote->expires_at_ms <= quote->start_by_ms);
    CHECK(quote->start_by_ms + request.time_ms_max <= quote->deadline_ms);
    CHECK(price_for_time(quote->hour, request.time_ms_max, &cap) == OK);
    CHECK(amount_cmp(cap, quote->cap) == 0);
}

static enum err quote_again(struct bytes in, struct arena *arena,
                            struct buf *out)
{
    struct quote quote;
    TRY(quote_decode(in, arena, &quote));
    CHECK(quote_encode(&quote, out) == OK);
    terms_hold(&quote);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_noun(quote_again, bytes_make(data, len));
    return 0;
}
