#ifndef SCHED_LINK_LINK_METER_H
#define SCHED_LINK_LINK_METER_H

/* A link meter makes a link out of what is seen of it over time: round trips,
 * what was sent and lost, whether it is up, how fast bytes came through.
 *
 * Little evidence is not good evidence. Loss is (lost + 1) / (sent + 2), and
 * the share of time up is up / (up + down + LINK_METER_PRIOR_MS), so a new
 * link starts doubtful and earns its name. What is old counts less: loss is
 * halved at LINK_METER_SENT_MAX, times at LINK_METER_MEMORY_MS.
 *
 * Times are ms of one clock that never goes back. */

#include "sched/link/link.h"

#define LINK_METER_PRIOR_MS  60000u
#define LINK_METER_MEMORY_MS 604800000u
#define LINK_METER_SENT_MAX  1000000u

struct link_meter {
    uint64_t rtt_q;    /* us in sixteenths, smoothed by 1/8 */
    uint64_t spread_q; /* likewise */
    uint64_t sent;
    uint64_t lost;
    uint64_t up_ms;
    uint64_t down_ms;
    uint64_t since_ms; /* up_ms and down_ms are reckoned to here */
    bool counting;     /* it is known whether the link is up: */
    bool up;
    struct link seen; /* at_ms and samples of both kinds, volume */
};

void link_meter_init(struct link_meter *meter); /* nothing seen yet */

/* A round trip took so long. */
void link_meter_trip(struct link_meter *meter, uint64_t rtt_us,
                     uint64_t now_ms);
/* lost of `sent` did not come through at once; lost > sent counts as all. */
void link_meter_sent(struct link_meter *meter, uint64_t sent, uint64_t lost);
/* From now on the link is up, or down. */
void link_meter_up(struct link_meter *meter, bool up, uint64_t now_ms);
/* From now on nobody counts: the other end said goodbye, or we sleep. */
void link_meter_pause(struct link_meter *meter, uint64_t now_ms);
/* Bytes came through at this rate, `figure` LINK_OUT or LINK_IN (CHECKed).
 * full: the link set the pace, and the mean of the new and the known counts;
 * else something else may have, and it counts when it is more than known. */
void link_meter_volume(struct link_meter *meter, enum link_figure figure,
                       uint64_t kbps, bool full, uint64_t now_ms);

/* For how long it was seen up, and down; what is long past counts less. */
void link_meter_times(const struct link_meter *meter, uint64_t now_ms,
                      uint64_t *out_up_ms, uint64_t *out_down_ms);

/* What the link is, as far as it is known. Risk needs a trip, as all of its
 * kind does: without one, trips are not known. */
void link_meter_link(const struct link_meter *meter, uint64_t now_ms,
                     struct link *out);

#endif
