/* links: market base */

/* A contract's record, and the payloads of its six transaction kinds. */

#include "market/contract/contract_inner.h"
#include "tests/fuzz/market_fuzz.h"

static enum err record_again(struct bytes in, struct arena *arena,
                             struct buf *out)
{
    struct contract c;
    TRY(contract_decode(in, arena, &c));
    CHECK(contract_encode(&c, out) == OK);
    (void)contract_check_invariant(&c, c.cap);
    CHECK(end_reason_side(c.reason) <= 4);
    return OK;
}

static enum err open_again(struct bytes in, struct arena *arena,
                           struct buf *out)
{
    struct contract_open o;
    struct buf r, a, q;
    TRY(contract_open_decode(in, arena, &o));
    buf_init(&r, REQUEST_BYTES_MAX);
    buf_init(&a, APPROVAL_BYTES_MAX);
    buf_init(&q, QUOTE_BYTES_MAX);
    CHECK(request_encode(&o.request, &r) == OK);
    CHECK(approval_encode(&o.approval, &a) == OK);
    CHECK(quote_encode(&o.quote, &q) == OK);
    contract_open_payload(buf_bytes(&r), buf_bytes(&a), buf_bytes(&q), out);
    buf_done(&r);
    buf_done(&a);
    buf_done(&q);
    return out->err;
}

static enum err deliver_again(struct bytes in, struct arena *arena,
                              struct buf *out)
{
    struct contract_delivery d;
    TRY(contract_deliver_decode(in, arena, &d));
    return contract_deliver_payload(&d, out);
}

static enum err refuse_again(struct bytes in, struct arena *arena,
                             struct buf *out)
{
    struct contract_refuse r;
    TRY(contract_refuse_decode(in, arena, &r));
    contract_refuse_payload(&r.contract, r.reason, out);
    return out->err;
}

static enum err expire_again(struct bytes in, struct arena *arena,
                             struct buf *out)
{
    struct contract_expire e;
    TRY(contract_expire_decode(in, arena, &e));
    contract_expire_payload(&e.contract, e.has_receipt ? &e.receipt : NULL,
                            out);
    return out->err;
}

static enum err claim_again(struct bytes in, struct arena *arena,
                            struct buf *out)
{
    struct contract_claim claim;
    TRY(contract_claim_decode(in, arena, &claim));
    contract_claim_payload(&claim.contract, &claim.receipt, out);
    return out->err;
}

static enum err settle_again(struct bytes in, struct arena *arena,
                             struct buf *out)
{
    struct hash id;
    TRY(contract_settle_decode(in, arena, &id));
    contract_settle_payload(&id, out);
    return out->err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static fuzz_noun_fn *const nouns[] = {
        record_again, open_again,  deliver_again, refuse_again,
        expire_again, claim_again, settle_again,
    };
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
        fuzz_noun(nouns[i], bytes_make(data, len));
    return 0;
}
