#ifndef NODE_NODE_DISK_H
#define NODE_NODE_DISK_H

/* The disk this node lives on, which others fill, too: how much of it is never
 * sold, and whether there is enough to sell any. Loop thread only. */

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct node;

/* What jobs that run already leave behind is published from the reserve, too,
 * but for this part of it. */
#define NODE_DISK_LAST 4u

struct node_disk {
    uint64_t reserve_mib; /* for records, chain, log; never sold */
    uint64_t free_mib;    /* when it was last looked at */
    bool is_short;        /* with hysteresis: sense_disk_short */
};

/* After config and sensed. */
void node_disk_init(struct node *node);
/* Looks, and tells the blob store and the selling engine. Cheap: before each
 * message that may ask for room, and once a second. */
void node_disk_look(struct node *node);
/* Bytes of blobs and of unpacked images that are kept, by the configuration or
 * as a share of the disk. */
uint64_t node_disk_blobs_max(const struct node *node);
uint64_t node_disk_images_max(const struct node *node);

#endif
