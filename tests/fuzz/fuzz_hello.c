/* links: suan_node */
/* The texts of the handshake: what decodes must encode to the same bytes. */
#include <string.h>

#include "base/check.h"
#include "node/net/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_hello(struct bytes in)
{
    struct channel_identity identity;
    struct buf out;

    if (channel_hello_decode(in, &identity) != OK)
        return;
    buf_init(&out, LIMIT_FRAME_PREAUTH);
    channel_hello_encode(&identity, &out);
    CHECK(bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
}

static void try_offer(struct bytes in)
{
    struct channel_offer offer;
    struct buf out;

    if (channel_offer_decode(in, &offer) != OK)
        return;
    buf_init(&out, LIMIT_FRAME_PREAUTH);
    channel_offer_encode(&offer, &out);
    CHECK(bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_hello(bytes_make(data, size));
    try_offer(bytes_make(data, size));
    return 0;
}
