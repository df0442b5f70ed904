#ifndef SCHED_CFN_KEYMAP_H
#define SCHED_CFN_KEYMAP_H

/* A keymap finds a number by sixteen bytes: open addressing, of fixed size, by
 * a keyed hash, so that nobody outside can make keys that collide. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/short_hash.h"

#define KEYMAP_KEY_LEN  16u
#define KEYMAP_KEYS_MAX (1u << 24)

struct keymap_slot;

struct keymap {
    struct keymap_slot *slots;
    uint32_t mask;
    uint32_t count;
    uint32_t count_max;
    uint8_t secret[SHORT_HASH_KEY_LEN];
};

/* Room for 1 to KEYMAP_KEYS_MAX keys (CHECKed), all of it taken now. secret is
 * copied. ERR_NOMEM. */
MUST_USE enum err keymap_init(struct keymap *map, uint32_t count_max,
                              const uint8_t secret[SHORT_HASH_KEY_LEN]);
void keymap_done(struct keymap *map); /* safe on a zeroed struct */

/* False when it is not there; then out is untouched. */
bool keymap_find(const struct keymap *map, const uint8_t key[KEYMAP_KEY_LEN],
                 uint32_t *out);
/* Must not be there, and there must be room (both CHECKed). */
void keymap_add(struct keymap *map, const uint8_t key[KEYMAP_KEY_LEN],
                uint32_t value);
/* Must be there (CHECKed). */
void keymap_remove(struct keymap *map, const uint8_t key[KEYMAP_KEY_LEN]);

#endif
