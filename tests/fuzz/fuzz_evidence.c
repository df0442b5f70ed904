/* links: ledger */

/* Any bytes as evidence: refused, or written again they are the same, and only
 * a pair that proves guilt, in its one order, is let through. */

#include "base/check.h"
#include "ledger/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    struct evidence evidence;
    struct evidence again;
    struct hash chain = {{1}};
    struct pubkey key = {{2}};
    struct buf buf;
    if (evidence_decode(in, &evidence) != OK)
        return 0;
    CHECK(evidence_pair(&evidence.a, &evidence.b));
    CHECK(evidence_make(&evidence.b, &evidence.a, &again) == OK);
    CHECK(evidence_compare(&evidence, &again) == 0);
    CHECK(evidence_check(&evidence, &key, &chain) == ERR_SIGNATURE);
    buf_init(&buf, EVIDENCE_BYTES);
    evidence_encode(&again, &buf);
    CHECK(buf.err == OK && bytes_equal(buf_bytes(&buf), in));
    buf_done(&buf);
    return 0;
}
