#ifndef SCHED_CFN_ENCAP_H
#define SCHED_CFN_ENCAP_H

/* The two headers of a packet on its way from an ingress to a service node: the
 * outer one says from which client to which machine, the inner one from which
 * client to which service. The machine knows by the service which of its own is
 * meant, and answers the client. Addresses only: making packets is not done
 * here. */

#include "sched/cfn/service.h"

struct encap {
    struct cfn_address outer_source; /* the client */
    struct cfn_address outer_target; /* the service node */
    struct cfn_address inner_source; /* the client */
    struct service_id inner_target;
};

/* At the egress, which looks up the machine of an instance. */
void encap_wrap(const struct cfn_address *client,
                const struct service_instance *instance, struct encap *out);

/* At the machine `here`. Refuses, first match wins: ERR_NOT_FOUND (it is for
 * another machine), ERR_RANGE (the two headers name two clients). */
MUST_USE enum err encap_open(const struct encap *encap,
                             const struct cfn_address *here,
                             struct cfn_address *out_client,
                             struct service_id *out_service);

#endif
