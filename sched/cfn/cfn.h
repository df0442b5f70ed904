#ifndef SCHED_CFN_CFN_H
#define SCHED_CFN_CFN_H

/* The names of a computing-aware network (RFC 10053 calls it CATS): a service
 * is known by an id, runs as instances, and each of these is reached through
 * the node at whose edge it stands. All are compared as bytes. */

#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* Which service: what a client asks for (CS-ID). */
struct service_id {
    uint8_t b[16];
};

/* Which instance of it, unique behind one egress (CSCI-ID). */
struct instance_id {
    uint8_t b[16];
};

/* Where: IPv6, or IPv4 mapped into it. */
struct cfn_address {
    uint8_t b[16];
};

static inline int service_id_equal(const struct service_id *a,
                                   const struct service_id *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline int instance_id_equal(const struct instance_id *a,
                                    const struct instance_id *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline int cfn_address_equal(const struct cfn_address *a,
                                    const struct cfn_address *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

#endif
