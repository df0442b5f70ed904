/* What an order says of its policy's terms: availability, class of work, and
 * whom it is to be near. */

#include "cli/order.h"

#include "base/address.h"
#include "sched/target.h"

#include <stdio.h>
#include <string.h>

bool order_set_availability(struct order *order, const char *value,
                            char error[ORDER_ERROR_MAX])
{
    enum err err = target_parse(value, &order->down_ppb);
    if (err == OK)
        return true;
    snprintf(error, ORDER_ERROR_MAX,
             "\"%.20s\" is not an availability, such as 99.9%% or 0.999%s",
             value, err == ERR_RANGE ? ": above 0 and below 1" : "");
    return false;
}

bool order_set_class(struct order *order, const char *value,
                     char error[ORDER_ERROR_MAX])
{
    struct policy_terms terms = {.speed = SPEED_MEAN};
    if (policy_terms_set(&terms, "speed", value) != OK) {
        snprintf(error, ORDER_ERROR_MAX, "\"%.20s\" is not a class of work: %s",
                 value, policy_terms_shape("speed"));
        return false;
    }
    order->has_class = true;
    order->class_ = terms.speed;
    return true;
}
