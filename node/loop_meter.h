#ifndef NODE_LOOP_METER_H
#define NODE_LOOP_METER_H

/* How long the loop was away: the work of each turn, what it waited for events
 * apart. Peers, people and timers wait as long as that. */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define LOOP_STALL_MS 200u /* a turn longer than that is logged */

struct loop_meter {
    uv_prepare_t prepare;  /* runs before each wait of the loop */
    uint64_t turn_ns;      /* when the last turn began; 0: not yet */
    uint64_t idle_ns;      /* all that the loop had waited by then */
    uint64_t cpu_ns;       /* of the loop's thread, likewise */
    uint64_t worst_us;     /* the longest turn */
    uint64_t worst_cpu_us; /* what it worked: the rest it waited for the disk,
                              a lock, or a processor */
    uint64_t worst_at_ms;  /* when it ended, wall clock */
    uint64_t most_cpu_us;  /* the most work of one turn */
    uint64_t stalls;       /* turns longer than LOOP_STALL_MS */
    bool open;
};

/* The loop must not have run yet: its waits are counted from here on. */
void loop_meter_count_waits(uv_loop_t *loop);
/* meter is lent until the loop has run after loop_meter_close. */
void loop_meter_open(struct loop_meter *meter, uv_loop_t *loop);
void loop_meter_close(struct loop_meter *meter);

#endif
