#ifndef NODE_NET_BULK_CODEC_H
#define NODE_NET_BULK_CODEC_H

/* The messages of a bulk transfer, canonical msgpack:
 *
 *   GET_MANIFEST [1, 1, blob]                 -> MANIFEST or REFUSED
 *   MANIFEST     [2, 1, blob, manifest]
 *   GET_CHUNK    [3, 1, blob, index]          -> CHUNK or REFUSED
 *   CHUNK        [4, 1, blob, index, content]
 *   REFUSED      [5, 1, blob, index, error]   index BULK_WHOLE: the manifest
 *   GET_PROBE    [6, 1, nonce, index]         -> PROBE or REFUSED
 *   PROBE        [7, 1, nonce, index, filler] BULK_PROBE_BYTES of it */

#include "node/blob/blob.h"

enum {
    BULK_FRAME = 16, /* CHANNEL_TYPE_APP */
    BULK_GET_MANIFEST = 1,
    BULK_MANIFEST = 2,
    BULK_GET_CHUNK = 3,
    BULK_CHUNK = 4,
    BULK_REFUSED = 5,
    BULK_GET_PROBE = 6,
    BULK_PROBE = 7
};
#define BULK_WHOLE       UINT32_MAX
#define BULK_PROBE_BYTES (64u * 1024)
#define BULK_PROBES_MAX  32u /* pieces of one measurement */

struct bulk_message {
    unsigned kind;
    struct hash blob;  /* GET_PROBE, PROBE: the nonce */
    uint32_t index;    /* but in GET_MANIFEST, MANIFEST: BULK_WHOLE */
    struct bytes data; /* MANIFEST, CHUNK, PROBE; lent */
    enum err err;      /* REFUSED; never OK */
};

void bulk_message_encode(const struct bulk_message *message, struct buf *out);
/* data is lent from the input. What mp.h refuses, ERR_KIND, ERR_RANGE (an index
 * that no blob has, filler of another length), ERR_TOO_LARGE. An error code
 * unknown here is ERR_BLOB. */
MUST_USE enum err bulk_message_decode(struct bytes bytes,
                                      struct bulk_message *out);

#endif
