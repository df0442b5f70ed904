#ifndef NODE_METER_CHAIN_H
#define NODE_METER_CHAIN_H

/* A chain of SHA-256: each link hashes 1 KiB that begins with the one before,
 * so none can be known early, and who checks it does it again. */

#include "base/hash.h"

#define CHAIN_LINK_BYTES 1024u
#define CHAIN_LINKS_MAX  (UINT32_C(1) << 22)

/* state: 32 bytes, replaced `links` times. */
void chain_run(uint8_t state[HASH_LEN], uint32_t links);
/* Where the chain of a challenge begins. */
void chain_begin(const struct hash *nonce, uint32_t links, uint32_t index,
                 uint8_t out[HASH_LEN]);

#endif
