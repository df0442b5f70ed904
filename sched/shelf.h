#ifndef SCHED_SHELF_H
#define SCHED_SHELF_H

/* A shelf keeps items sorted by a number: offers by price, timers by time. An
 * ordered set of (key, item), in blocks, so that adding and removing move at
 * most one block and walking is sequential. Memory stays within a constant
 * times what it holds. */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shelf_block;

struct shelf {
    struct shelf_block **blocks; /* in order, none empty */
    struct shelf_block *spare;
    uint32_t block_count;
    uint32_t block_cap;
    uint32_t len; /* items in all */
};

void shelf_init(struct shelf *shelf);
void shelf_done(struct shelf *shelf); /* safe on a zeroed struct */

/* After OK the next shelf_add cannot fail. ERR_NOMEM. */
MUST_USE enum err shelf_reserve(struct shelf *shelf);
/* Must have been reserved, and the pair must not be there yet (both CHECKed).
 * A key may have many items; they stand in the order of their numbers. */
void shelf_add(struct shelf *shelf, uint64_t key, uint32_t item);
/* False when the pair is not there. Never allocates. */
bool shelf_remove(struct shelf *shelf, uint64_t key, uint32_t item);

/* The lowest pair; false when empty, then the outputs are untouched. */
bool shelf_first(const struct shelf *shelf, uint64_t *out_key,
                 uint32_t *out_item);

/* A walk from the lowest up; any change to the shelf ends it. */
struct shelf_walk {
    const struct shelf *shelf;
    uint32_t block;
    uint32_t index;
};
void shelf_walk_init(struct shelf_walk *walk, const struct shelf *shelf);
/* False at the end, then the outputs are untouched. */
bool shelf_walk_next(struct shelf_walk *walk, uint64_t *out_key,
                     uint32_t *out_item);

#endif
