#include "sched/cfn/encap.h"

void encap_wrap(const struct cfn_address *client,
                const struct service_instance *instance, struct encap *out)
{
    *out = (struct encap){.outer_source = *client,
                          .outer_target = instance->told.address,
                          .inner_source = *client,
                          .inner_target = instance->told.service};
}

enum err encap_open(const struct encap *encap, const struct cfn_address *here,
                    struct cfn_address *out_client,
                    struct service_id *out_service)
{
    if (!cfn_address_equal(&encap->outer_target, here))
        return ERR_NOT_FOUND;
    if (!cfn_address_equal(&encap->outer_source, &encap->inner_source))
        return ERR_RANGE;
    *out_client = encap->inner_source;
    *out_service = encap->inner_target;
    return OK;
}
