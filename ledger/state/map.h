#ifndef LEDGER_STATE_MAP_H
#define LEDGER_STATE_MAP_H

/* An ordered map from bytes to the caller's structs: a crit-bit tree that
 * allocates nothing. Its depth is bounded by the key's length, whatever keys a
 * stranger picks, and its order is bytes_compare's: so iteration is the same on
 * every machine. */

#include "base/bytes.h"
#include "base/err.h"

/* An inner node. A tagged pointer (lowest bit 1) leads to another inner node,
 * an untagged one to a leaf. */
struct map_node {
    uintptr_t child[2];
    uint32_t byte; /* the first byte in which the two sides differ */
    uint32_t mask; /* the bit in it; 0x100: "the key has this byte" */
};

/* First member of whatever is mapped. The key is the caller's and must not
 * change while the leaf is in a map. */
struct map_leaf {
    struct bytes key;
    struct map_node node; /* the map's; often in use for other leaves */
    bool node_used;
};

struct map {
    uintptr_t root;
    size_t count;
};

/* A zeroed struct map is empty. Keys are at most 2^24 bytes (CHECKed). */
struct map_leaf *map_find(const struct map *map, struct bytes key);
/* NULL when inserted, else the leaf that has this key already. */
struct map_leaf *map_insert(struct map *map, struct map_leaf *leaf);
/* The leaf that was taken out, or NULL. */
struct map_leaf *map_remove(struct map *map, struct bytes key);

/* The neighbour of a key that need not be there: the first leaf with a key
 * >= (up) or <= (down). NULL: none. */
struct map_leaf *map_ceiling(const struct map *map, struct bytes key);
struct map_leaf *map_floor(const struct map *map, struct bytes key);
/* Strictly greater or smaller. */
struct map_leaf *map_after(const struct map *map, struct bytes key);
struct map_leaf *map_before(const struct map *map, struct bytes key);
struct map_leaf *map_first(const struct map *map);
struct map_leaf *map_last(const struct map *map);

/* All of them in order, faster than one step after the other; anything but OK
 * ends it and is given back. fn leaves the map as it is. */
typedef enum err (*map_each_fn)(void *ctx, struct map_leaf *leaf);
MUST_USE enum err map_each(const struct map *map, map_each_fn fn, void *ctx);

#endif
