#ifndef MARKET_BOOK_MAP_H
#define MARKET_BOOK_MAP_H

/* A map from 32-byte names (keys of nodes, ids of requests) to numbers: open
 * addressing with a keyed hash, at most half full, no tombstones. */

#include "base/short_hash.h"

#define BOOK_MAP_NAME_LEN 32
#define BOOK_MAP_NONE     UINT32_MAX

struct book_map_cell {
    uint8_t name[BOOK_MAP_NAME_LEN];
    uint32_t value; /* BOOK_MAP_NONE = empty */
};

struct book_map {
    struct book_map_cell *cells;
    uint32_t cap; /* a power of two, or 0 */
    uint32_t len;
    uint8_t key[SHORT_HASH_KEY_LEN];
};

void book_map_init(struct book_map *map, const uint8_t key[SHORT_HASH_KEY_LEN]);
void book_map_done(struct book_map *map);
/* BOOK_MAP_NONE when it is not there. */
uint32_t book_map_get(const struct book_map *map,
                      const uint8_t name[BOOK_MAP_NAME_LEN]);
/* After OK the next book_map_add cannot fail. ERR_NOMEM. */
MUST_USE enum err book_map_reserve(struct book_map *map);
/* Reserved, and the name is not there yet (both CHECKed). */
void book_map_add(struct book_map *map, const uint8_t name[BOOK_MAP_NAME_LEN],
                  uint32_t value);
bool book_map_remove(struct book_map *map,
                     const uint8_t name[BOOK_MAP_NAME_LEN]);

#endif
