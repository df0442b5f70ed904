/* links: market base */

#include "tests/fuzz/market_fuzz.h"

/* A price is a number or an overflow, and an hour is what an hour costs. */
static void prices_hold(const struct offer *offer)
{
    struct amount hour, cost;
    if (price_per_hour(&offer->price, &offer->total, &hour) != OK)
        return;
    CHECK(price_for_time(hour, 3600000, &cost) == OK);
    CHECK(amount_cmp(hour, cost) == 0);
}

static enum err offer_again(struct bytes in, struct arena *arena,
                            struct buf *out)
{
    struct offer offer;
    TRY(offer_decode(in, arena, &offer));
    CHECK(offer_encode(&offer, out) == OK);
    prices_hold(&offer);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_noun(offer_again, bytes_make(data, len));
    return 0;
}
