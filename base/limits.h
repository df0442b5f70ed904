#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* What a peer can make us hold, in one place, with the relations asserted. */

#include <assert.h>

#define LIMIT_TX_BYTES      (16u * 1024)
#define LIMIT_BLOCK_BYTES   (512u * 1024)
#define LIMIT_FRAME_BYTES   (1024u * 1024) /* a channel frame after auth */
#define LIMIT_FRAME_PREAUTH (64u * 1024)
#define LIMIT_MESSAGE_BYTES (LIMIT_FRAME_BYTES - 64)
#define LIMIT_CHUNK_BYTES   (256u * 1024) /* a blob chunk */
#define LIMIT_VALIDATORS    100u
#define LIMIT_BLOCK_TXS     4096u
#define LIMIT_STATE_VALUE   2048u
#define LIMIT_NAME          64u
#define LIMIT_LABELS        16u
#define LIMIT_CONSTRAINTS   16u
#define LIMIT_TASKS         1024u /* tasks of one bag */
#define LIMIT_OFFERS        100000u
#define LIMIT_PEERS         128u

_Static_assert(LIMIT_TX_BYTES < LIMIT_BLOCK_BYTES, "a block holds a tx");
_Static_assert(LIMIT_BLOCK_BYTES + 64 * 1024 < LIMIT_MESSAGE_BYTES,
               "a block with its certificate fits a message");
_Static_assert(LIMIT_CHUNK_BYTES + 1024 < LIMIT_MESSAGE_BYTES,
               "a chunk fits a message");

#endif
