#ifndef NODE_NET_BULK_CODEC_H
#define NODE_NET_BULK_CODEC_H

/* The five messages of a bulk transfer, canonical msgpack:
 *
 *   GET_MANIFEST [1, 1, blob]                 -> MANIFEST or REFUSED
 *   MANIFEST     [2, 1, blob, manifest]
 *   GET_CHUNK    [3, 1, blob, index]          -> CHUNK or REFUSED
 *   CHUNK        [4, 1, blob, index, content]
 *   REFUSED      [5, 1, blob, index, error]   index BULK_WHOLE: the manifest */

#include "node/blob.h"

enum {
    BULK_FRAME = 16, /* CHANNEL_TYPE_APP */
    BULK_GET_MANIFEST = 1,
    BULK_MANIFEST = 2,
    BULK_GET_CHUNK = 3,
    BULK_CHUNK = 4,
    BULK_REFUSED = 5
};
#define BULK_WHOLE UINT32_MAX

struct bulk_message {
    unsigned kind;
    struct hash blob;
    uint32_t index;    /* GET_CHUNK, CHUNK, REFUSED; else BULK_WHOLE */
    struct bytes data; /* MANIFEST, CHUNK; lent */
    enum err err;      /* REFUSED; never OK */
};

void bulk_message_encode(const struct bulk_message *message, struct buf *out);
/* data is lent from the input. What mp.h refuses, ERR_KIND, ERR_RANGE (an index
 * that no blob has), ERR_TOO_LARGE. An error code unknown here is ERR_BLOB. */
MUST_USE enum err bulk_message_decode(struct bytes bytes,
                                      struct bulk_message *out);

#endif
