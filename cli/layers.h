#ifndef CLI_LAYERS_H
#define CLI_LAYERS_H

/* Puts the nodes of a directed graph into columns, so that most arcs lead from
 * left to right and few cross: the longest way to a node is its column, and in
 * a column nodes stand near those that they are joined with. */

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct layers_arc {
    uint32_t from;
    uint32_t to;
    bool order; /* decides columns; others only rows */
};

struct layers {
    uint32_t *column; /* of each node */
    uint32_t *row;    /* in its column, from 0 */
    uint32_t *height; /* of each column: how many nodes */
    uint32_t columns;
};

/* Where arcs make a circle, the node of the lowest number on it goes first.
 * out is given: layers_done. ERR_NOMEM. */
MUST_USE enum err layers_init(struct layers *out, uint32_t nodes,
                              const struct layers_arc *arcs, uint32_t count);
void layers_done(struct layers *layers); /* safe on a zeroed struct */

#endif
