#ifndef SCHED_INDEX_TAG_H
#define SCHED_INDEX_TAG_H

/* A tag is a fact about an offer that has a name: an architecture, a label, the
 * account that is paid. It stands for the name as a keyed hash of 64 bits: who
 * does not know the key cannot choose names whose tags are the same. */

#include "base/short_hash.h"

enum tag_kind {
    TAG_ARCH = 1,
    TAG_LABEL = 2,     /* key and value */
    TAG_LABEL_KEY = 3, /* some label of that key */
    TAG_PAYOUT = 4,
    TAG_ZONE = 5,        /* it lies in that zone, or in one inside of it */
    TAG_DEVICE_KIND = 6, /* it has a device of that kind */
    TAG_DEVICE = 7,      /* .. and of that model: kind and model */
};

uint64_t tag_bytes(const uint8_t key[SHORT_HASH_KEY_LEN], enum tag_kind kind,
                   struct bytes name);
/* Of an architecture, a kind of device: of what is a number. */
static inline uint64_t tag_number(const uint8_t key[SHORT_HASH_KEY_LEN],
                                  enum tag_kind kind, uint8_t number)
{
    return tag_bytes(key, kind, bytes_make(&number, 1));
}
/* Of a name in two parts; b may be "". Each is shorter than LIMIT_NAME
 * (CHECKed). */
uint64_t tag_text(const uint8_t key[SHORT_HASH_KEY_LEN], enum tag_kind kind,
                  const char *a, const char *b);

#endif
