/* links: ledger */

/* Any bytes as a vote, a certificate, a set of validators: refused, or the one
 * spelling of it, whose check then ends in one of its refusals. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/cert.h"

static void as_vote(struct bytes in, struct buf *again)
{
    struct vote vote;
    if (vote_decode(in, &vote) != OK)
        return;
    buf_clear(again);
    vote_encode(&vote, again);
    CHECK(bytes_equal(buf_bytes(again), in));
}

static void as_cert(struct bytes in, struct buf *again)
{
    static const struct hash chain;
    static struct cert cert;
    struct validators set;
    enum err err;
    if (cert_decode(in, &cert) != OK)
        return;
    buf_clear(again);
    cert_encode(&cert, again);
    CHECK(bytes_equal(buf_bytes(again), in));
    memset(&set, 0, sizeof(set));
    for (unsigned i = 0; i < 4; i++) {
        struct pubkey key = {{0}};
        key.b[0] = (uint8_t)(i + 1);
        CHECK(validators_add(&set, &key, 1) == OK);
    }
    err = cert_verify(&cert, &set, &chain);
    CHECK(err == ERR_RANGE || err == ERR_QUORUM || err == ERR_SIGNATURE);
}

static void as_set(struct bytes in, struct buf *again)
{
    struct validators set;
    struct leaders leaders;
    struct hash root = {{1}};
    if (validators_decode(in, &set) != OK)
        return;
    buf_clear(again);
    validators_encode(&set, again);
    CHECK(bytes_equal(buf_bytes(again), in));
    CHECK(validators_quorum(&set) <= set.weight);
    leaders_init(&leaders, &set, &root);
    CHECK(leaders_at(&leaders, 1) < set.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    struct buf again;
    buf_init(&again, CERT_BYTES_MAX);
    as_vote(in, &again);
    as_cert(in, &again);
    as_set(in, &again);
    buf_done(&again);
    return 0;
}
