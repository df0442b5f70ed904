#ifndef NODE_NET_ROAD_H
#define NODE_NET_ROAD_H

/* What the system knows of a TCP connection's way out. */

#include <stdbool.h>
#include <stdint.h>

struct road {
    uint64_t kbps;     /* how fast bytes arrived of late; 0: not known */
    bool idle;         /* we had too few to send for that to be all it can */
    uint64_t segments; /* sent with data, since the beginning */
    uint64_t again;    /* of them, sent again */
};

/* False where the system does not tell; then out is untouched. */
bool road_read(int fd, struct road *out);

#endif
