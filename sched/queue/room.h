#ifndef SCHED_QUEUE_ROOM_H
#define SCHED_QUEUE_ROOM_H

/* The room of a machine over time: what of everything it has is free, from when
 * to when. Several profiles of availability (profile.h) side by side: cores and
 * memory, disk and network, places for jobs, and one for each device. A job
 * has room where all of them have it.
 *
 *   room_init -> room_take (what runs) -> room_find -> room_take -> ... */

#include "sched/devices.h"
#include "sched/queue/profile.h"
#include "sched/resources.h"

struct room_want {
    struct resources amounts;
    uint32_t devices; /* how many; 0 = none */
    uint32_t milli;   /* of each */
    uint32_t among;   /* a mask: any of these will do */
};

enum room_part {
    ROOM_BODY = 0,    /* cores, memory */
    ROOM_SIDE = 1,    /* disk, network */
    ROOM_SEAT = 2,    /* places for jobs */
    ROOM_DEVICES = 3, /* thousandths; from here on one for each */
};
struct room {
    struct profile parts[ROOM_DEVICES + MACHINE_DEVICES_MAX];
    uint32_t device_count;
};

/* All of it is free from from_ms on.
 *
 * slots      jobs at a time
 * jobs_max   reservations at a time; up to there no memory is asked for later
 *
 * ERR_RANGE (too many devices, what profile_init refuses), ERR_NOMEM. */
MUST_USE enum err room_init(struct room *room, const struct resources *total,
                            uint32_t slots, uint32_t device_count,
                            uint64_t from_ms, uint32_t jobs_max);
void room_done(struct room *room); /* safe on a zeroed struct */

/* Would it ever have room, were the machine empty? */
bool room_could(const struct room *room, const struct room_want *want);
/* The first moment from not_before_ms on at which there is room for as long,
 * and the devices it is on: those with the lowest numbers. ERR_CAPACITY: never.
 */
MUST_USE enum err room_find(const struct room *room,
                            const struct room_want *want, uint64_t duration_ms,
                            uint64_t not_before_ms, uint64_t *out_ms,
                            uint32_t *out_devices);
/* Takes it on those devices (as many as wanted, CHECKed), all or nothing.
 * ERR_CAPACITY (not free all the while), ERR_RANGE, ERR_TOO_LARGE, ERR_NOMEM as
 * of profile_reserve. */
MUST_USE enum err room_take(struct room *room, const struct room_want *want,
                            uint32_t devices, uint64_t from_ms,
                            uint64_t until_ms);
/* Of what is wanted, as much as there is all the while: for what runs already
 * on a machine whose owner sells less by now. */
MUST_USE enum err room_take_most(struct room *room,
                                 const struct room_want *want, uint32_t devices,
                                 uint64_t from_ms, uint64_t until_ms);
/* Gives back what room_take took. */
MUST_USE enum err room_give(struct room *room, const struct room_want *want,
                            uint32_t devices, uint64_t from_ms,
                            uint64_t until_ms);

#endif
