#include "sched/cfn/keymap.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define NONE UINT32_MAX

struct keymap_slot {
    uint8_t key[KEYMAP_KEY_LEN];
    uint32_t value; /* NONE: empty */
    uint32_t home;  /* where its hash points */
};

enum err keymap_init(struct keymap *map, uint32_t count_max,
                     const uint8_t secret[SHORT_HASH_KEY_LEN])
{
    uint32_t slots = 8;
    CHECK(count_max >= 1 && count_max <= KEYMAP_KEYS_MAX);
    while (slots < 2 * count_max)
        slots *= 2;
    *map = (struct keymap){.mask = slots - 1, .count_max = count_max};
    memcpy(map->secret, secret, sizeof(map->secret));
    map->slots = malloc(slots * sizeof(*map->slots));
    if (map->slots == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < slots; i++)
        map->slots[i].value = NONE;
    return OK;
}

void keymap_done(struct keymap *map)
{
    free(map->slots);
    *map = (struct keymap){0};
}

static uint32_t home_of(const struct keymap *map, const uint8_t *key)
{
    return (uint32_t)short_hash(map->secret, bytes_make(key, KEYMAP_KEY_LEN)) &
           map->mask;
}

/* Where the key stands, or the empty slot where it would. At most half of the
 * slots are in use, so there is one. */
static uint32_t slot_of(const struct keymap *map, const uint8_t *key,
                        uint32_t home)
{
    uint32_t at = home;
    while (map->slots[at].value != NONE &&
           memcmp(map->slots[at].key, key, KEYMAP_KEY_LEN) != 0)
        at = (at + 1) & map->mask;
    return at;
}

bool keymap_find(const struct keymap *map, const uint8_t key[KEYMAP_KEY_LEN],
                 uint32_t *out)
{
    uint32_t at = slot_of(map, key, home_of(map, key));
    if (map->slots[at].value == NONE)
        return false;
    *out = map->slots[at].value;
    return true;
}

void keymap_add(struct keymap *map, const uint8_t key[KEYMAP_KEY_LEN],
                uint32_t value)
{
    uint32_t home = home_of(map, key);
    struct keymap_slot *slot = &map->slots[slot_of(map, key, home)];
    CHECK(map->count < map->count_max);
    CHECK(slot->value == NONE && value != NONE);
    memcpy(slot->key, key, KEYMAP_KEY_LEN);
    slot->value = value;
    slot->home = home;
    map->count++;
}

/* Whoever stands behind the hole and was pushed past it moves into it. */
void keymap_remove(struct keymap *map, const uint8_t key[KEYMAP_KEY_LEN])
{
    uint32_t hole = slot_of(map, key, home_of(map, key));
    uint32_t at = hole;
    CHECK(map->slots[hole].value != NONE);
    for (;;) {
        at = (at + 1) & map->mask;
        const struct keymap_slot *slot = &map->slots[at];
        if (slot->value == NONE)
            break;
        if (((at - slot->home) & map->mask) >= ((at - hole) & map->mask)) {
            map->slots[hole] = *slot;
            hole = at;
        }
    }
    map->slots[hole].value = NONE;
    map->count--;
}
