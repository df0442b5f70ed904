/* links: suan_node */
/* The messages of bulk transfers. */
#include "base/check.h"
#include "node/net/bulk_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bulk_message m;
    struct buf out;

    if (bulk_message_decode(bytes_make(data, size), &m) != OK)
        return 0;
    CHECK(m.index == BULK_WHOLE || m.index < BLOB_CHUNKS_MAX);
    CHECK((m.kind == BULK_REFUSED) == (m.err != OK));
    if (m.kind == BULK_REFUSED)
        return 0; /* a code from the future is read as ERR_BLOB */
    buf_init(&out, LIMIT_MESSAGE_BYTES);
    bulk_message_encode(&m, &out);
    CHECK(bytes_equal(buf_bytes(&out), bytes_make(data, size)));
    buf_done(&out);
    return 0;
}
