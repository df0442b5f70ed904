#ifndef SCHED_CUT_PLACES_H
#define SCHED_CUT_PLACES_H

/* What there is to run clusters on: sites, offers at them, and the devices that
 * an offer's machine is made of (sockets, cards with their share of the cores).
 *
 * The limit of a cluster is a box, and it must fit one: at the level of sites
 * all that a site has together, at that of offers one offer, at that of devices
 * one device. Boxes are kinds: a cluster needs one, whoever else wants it. */

#include "sched/cut/cutgraph.h"

#define CUT_SITES_MAX 64u
#define CUT_KINDS_MAX 64u

struct cut_offer {
    uint64_t room[RES_COUNT];
    uint64_t device[RES_COUNT]; /* of each of its devices, which are alike; all
                                   zero: not told */
    uint32_t site;              /* below CUT_SITES_MAX */
};

/* The boxes of one level; box i is bit i of a mask. */
struct cut_boxes {
    uint32_t count;
    uint64_t known; /* which there are */
    uint64_t room[CUT_KINDS_MAX][RES_COUNT];
    uint64_t most[RES_COUNT]; /* the largest room there is, by dimension */
};

struct cut_places {
    struct cut_boxes boxes[CUT_LEVELS]; /* by site; by offer; by offer: a device
                                           of it */
    uint32_t site_of[CUT_KINDS_MAX];    /* of each offer */
    uint32_t
        told_of[CUT_KINDS_MAX]; /* of each: which call told of it, from 0 */
    uint32_t told;              /* calls that were OK */
    bool devices;               /* every offer told of its devices */
};

void cut_places_init(struct cut_places *places);
/* `count` offers that are alike. One that another of its site covers, with its
 * devices, counts for its site and is no kind of its own. ERR_RANGE: the site;
 * ERR_TOO_LARGE: more than CUT_KINDS_MAX kinds; ERR_OVERFLOW. */
MUST_USE enum err cut_places_add(struct cut_places *places,
                                 const struct cut_offer *offer, uint32_t count);

/* Which boxes of the mask hold so much? 0: none. */
uint64_t cut_boxes_fit(const struct cut_boxes *boxes,
                       const uint64_t want[RES_COUNT],
                       const uint32_t least[RES_COUNT], uint64_t mask);

#endif
