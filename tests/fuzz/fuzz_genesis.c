/* links: ledger */

/* Any bytes as a genesis, canonical or as text: refused, or it has one chain id
 * however often it is written and read again, in either form. */

#include <string.h>

#include "base/check.h"
#include "ledger/genesis.h"

static void round_trip(const struct genesis *genesis)
{
    struct genesis again;
    struct buf buf;
    buf_init(&buf, 4 * GENESIS_BYTES_MAX);
    genesis_encode(genesis, &buf);
    CHECK(buf.err == OK);
    CHECK(genesis_decode(buf_bytes(&buf), &again) == OK);
    CHECK(hash_equal(&again.chain, &genesis->chain));
    genesis_done(&again);
    buf_clear(&buf);
    genesis_format(genesis, &buf);
    CHECK(buf.err == OK);
    if (buf.len <= GENESIS_BYTES_MAX) {
        CHECK(genesis_parse(buf_bytes(&buf), &again, NULL) == OK);
        CHECK(hash_equal(&again.chain, &genesis->chain));
        genesis_done(&again);
    }
    buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    struct genesis genesis;
    struct buf again;
    unsigned line = 0;

    if (genesis_decode(in, &genesis) == OK) {
        buf_init(&again, GENESIS_BYTES_MAX);
        genesis_encode(&genesis, &again);
        CHECK(bytes_equal(buf_bytes(&again), in));
        buf_done(&again);
        round_trip(&genesis);
        genesis_done(&genesis);
    }
    if (genesis_parse(in, &genesis, &line) == OK) {
        CHECK(line == 0);
        round_trip(&genesis);
        genesis_done(&genesis);
    }
    return 0;
}
