/* links: market base */

#include "tests/fuzz/market_fuzz.h"

/* What is accepted is within the bounds, whatever the bounds are. */
static void bounds_hold(const struct receipt *r)
{
    struct amount hour = amount_micro(r->bytes_out);
    struct amount cap = amount_micro(r->mem_peak_mib);
    if (receipt_check(r, NULL, hour, cap, 2000, 3600000) != OK)
        return;
    CHECK(amount_cmp(r->due, cap) <= 0);
    CHECK(r->wall_ms <= 3600000);
    CHECK(r->cpu_ms <= 2 * r->wall_ms + 2 * RECEIPT_PERIOD_MS);
    CHECK(receipt_check(r, r, hour, cap, 2000, 3600000) == ERR_RECEIPT_SEQ);
}

static enum err receipt_again(struct bytes in, struct arena *arena,
                              struct buf *out)
{
    struct receipt receipt;
    TRY(receipt_decode(in, arena, &receipt));
    CHECK(receipt_encode(&receipt, out) == OK);
    bounds_hold(&receipt);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_noun(receipt_again, bytes_make(data, len));
    return 0;
}
