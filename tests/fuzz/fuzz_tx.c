/* links: ledger */

/* Any bytes: they are refused, or they are the one spelling of a transaction.
 */

#include "base/check.h"
#include "ledger/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    struct arena arena;
    struct transfer transfer;
    struct buf again;
    struct tx tx;
    struct tx twice;

    arena_init(&arena, 64 * len + 8192);
    buf_init(&again, LIMIT_TX_BYTES);
    if (tx_decode(in, &arena, &tx) == OK) {
        enum err err;
        tx_encode(&tx, &again);
        CHECK(again.err == OK);
        CHECK(bytes_equal(buf_bytes(&again), in));
        err = tx_verify(&tx, &tx.chain);
        CHECK(err == OK || err == ERR_SIGNATURE);
        CHECK(tx_decode_verified(in, &tx.id, &tx.chain, &arena, &twice) == err);
        CHECK(err != OK || hash_equal(&twice.id, &tx.id));
        in = tx.payload;
    }
    /* The payload of the one inside, or the input itself as one. */
    if (transfer_decode(in, &arena, &transfer) == OK) {
        buf_clear(&again);
        transfer_encode(&transfer, &again);
        CHECK(bytes_equal(buf_bytes(&again), in));
    }
    buf_done(&again);
    arena_done(&arena);
    return 0;
}
