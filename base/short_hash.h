#ifndef BASE_SHORT_HASH_H
#define BASE_SHORT_HASH_H

/* A short keyed hash (SipHash-2-4, 64 bits) for tables and for breaking ties:
 * whoever does not know the key cannot choose inputs that collide or win. Not
 * for anything that is stored, signed or shown. */

#include "base/bytes.h"

#define SHORT_HASH_KEY_LEN 16

uint64_t short_hash(const uint8_t key[SHORT_HASH_KEY_LEN], struct bytes data);

#endif
