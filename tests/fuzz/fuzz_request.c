/* links: market base */

/* A request, or the approval that goes with it. */

#include "tests/fuzz/market_fuzz.h"

static enum err request_again(struct bytes in, struct arena *arena,
                              struct buf *out)
{
    struct request request;
    TRY(request_decode(in, arena, &request));
    CHECK(request_encode(&request, out) == OK);
    return OK;
}

static enum err approval_again(struct bytes in, struct arena *arena,
                               struct buf *out)
{
    struct approval approval;
    TRY(approval_decode(in, arena, &approval));
    CHECK(approval_encode(&approval, out) == OK);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_noun(request_again, bytes_make(data, len));
    fuzz_noun(approval_again, bytes_make(data, len));
    return 0;
}
