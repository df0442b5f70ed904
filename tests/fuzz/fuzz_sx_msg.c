/* links: ledger */

/* Any bytes as a message of a consensus core: refused, or the one spelling of
 * it. */

#include "base/check.h"
#include "ledger/sx/sx_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct sx_msg msg;
    struct bytes in = bytes_make(data, len);
    struct buf again;
    if (sx_msg_decode(in, &msg) != OK)
        return 0;
    CHECK(msg.null_count <= SX_NULLS_MAX && msg.header_count <= SX_RUN_MAX);
    CHECK(msg.block_count == 0 || msg.block_count == msg.header_count);
    buf_init(&again, LIMIT_MESSAGE_BYTES + 1024u);
    sx_msg_encode(&msg, &again);
    CHECK(again.err == OK && bytes_equal(buf_bytes(&again), in));
    buf_done(&again);
    return 0;
}
