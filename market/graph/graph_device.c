/* Devices in the plans of graph_plan.h: which ones a task gets and what it pays
 * for them; and the judge of it. */

#include "market/graph/graph_desk.h"

#include <string.h>

#include "base/check.h"
#include "sched/devices_machine.h"

static const struct request *request_of(const struct desk *desk, uint32_t seat)
{
    return desk->ask->requests[desk->ask->seats[seat].part];
}

static uint32_t level_of(const struct desk *desk, uint32_t seat)
{
    return desk->parts[desk->ask->seats[seat].part].level;
}

/* ---- for the search ---- */

/* What those of the same level leave of the node's devices. One that waits may
 * be planned on a device that is not free now. */
static void devices_left(const struct desk *desk, uint32_t seat, uint16_t node,
                         struct devices *out)
{
    bool waits =
        desk_waits_at(desk, seat, node) &&
        desk_all_wait_at(desk, desk->node_of, level_of(desk, seat), node);
    *out = waits ? *desk->nodes[node].devices_all : *desk->nodes[node].devices;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        uint32_t mask = desk->share_of[i].devices;
        uint32_t milli = request_of(desk, i)->devices.milli;
        if (i == seat || desk->ask->seats[i].fixed ||
            desk->node_of[i] != node ||
            level_of(desk, i) != level_of(desk, seat))
            continue;
        for (; mask != 0; mask &= mask - 1) {
            uint16_t *left = &out->free_milli[__builtin_ctz(mask)];
            *left = (uint16_t)(*left > milli ? *left - milli : 0);
        }
    }
}

static bool pick(const struct devices *devices, const struct device_wish *wish,
                 struct desk_share *out)
{
    static const struct resources nothing;
    struct devices_verdict verdict;
    struct machine machine;
    struct ask ask;
    devices_check(devices, wish, &verdict);
    if (verdict.reason != REASON_NONE)
        return false;
    devices_machine(devices, &nothing, &nothing, &machine);
    device_wish_ask(wish, &nothing, verdict.group, &ask);
    out->devices = machine_choose(&machine, &ask, false);
    out->group = verdict.group;
    return true;
}

static bool is_paid(const struct desk *desk, uint32_t seat, struct amount bill)
{
    struct amount cap = desk->ask->cap[desk->ask->seats[seat].part];
    struct amount most = request_of(desk, seat)->price_max;
    return (amount_is_zero(cap) || amount_cmp(bill, cap) <= 0) &&
           (amount_is_zero(most) || amount_cmp(bill, most) <= 0);
}

bool desk_share(const struct desk *desk, uint32_t seat,
                const struct desk_option *option, struct desk_share *out,
                enum desk_fault *out_fault)
{
    const struct request *request = request_of(desk, seat);
    const struct desk_node *node = &desk->nodes[option->node];
    struct desk_share share = {.hour = option->place.hour,
                               .bill = option->place.bill};
    struct devices left;
    if (request->devices.count > 0) {
        *out_fault = DESK_DEVICES;
        if (node->devices == NULL)
            return false;
        devices_left(desk, seat, option->node, &left);
        if (!pick(&left, &request->devices, &share))
            return false;
        *out_fault = DESK_PRICE;
        if (price_per_hour_with(&node->price, &request->resources,
                                left.groups[share.group].hour,
                                &request->devices, &share.hour) != OK ||
            price_for_time(share.hour, request->time_ms_max, &share.bill) !=
                OK ||
            !is_paid(desk, seat, share.bill))
            return false;
    }
    *out = share;
    return true;
}

/* ---- the judge ---- */

/* The group a device is in, by counting; group_count: in none. */
static uint32_t home_of(const struct devices *devices, uint32_t device)
{
    uint32_t group = 0;
    while (group < devices->group_count &&
           device >= devices->groups[group].count)
        device -= devices->groups[group++].count;
    return group;
}

static bool model_is_wished(const struct device_wish *wish, const char *model)
{
    for (uint32_t i = 0; i < wish->model_count; i++)
        if (strcmp(wish->models[i], model) == 0)
            return true;
    return wish->model_count == 0;
}

/* As many as wished for, all of the one group, and that one will do. */
static bool is_as_wished(const struct desk *desk, uint32_t seat)
{
    const struct device_wish *wish = &request_of(desk, seat)->devices;
    const struct desk_share *share = &desk->best_share[seat];
    const struct devices *devices = desk->nodes[desk->best_node[seat]].devices;
    const struct device_group *group;
    uint32_t count = 0;
    if (wish->count == 0)
        return share->devices == 0;
    if (devices == NULL || share->group >= devices->group_count)
        return false;
    group = &devices->groups[share->group];
    for (uint32_t d = 0; d < MACHINE_DEVICES_MAX; d++) {
        if ((share->devices >> d & 1) == 0)
            continue;
        count++;
        if (home_of(devices, d) != share->group)
            return false;
    }
    return count == wish->count && group->kind == wish->kind &&
           group->mem_mib >= wish->mem_mib &&
           model_is_wished(wish, group->model);
}

/* What all of the seat's level take of one device of its node. */
static uint64_t taken_of(const struct desk *desk, uint32_t seat,
                         uint32_t device)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++)
        if (!desk->ask->seats[i].fixed &&
            desk->best_node[i] == desk->best_node[seat] &&
            level_of(desk, i) == level_of(desk, seat) &&
            (desk->best_share[i].devices >> device & 1) != 0)
            sum += request_of(desk, i)->devices.milli;
    return sum;
}

/* With what is free for the seat: who waits for its turn counts on all. */
static const struct devices *devices_of(const struct desk *desk, uint32_t seat)
{
    uint16_t node = desk->best_node[seat];
    return desk_waits_at(desk, seat, node) ? desk->nodes[node].devices_all
                                           : desk->nodes[node].devices;
}

bool desk_devices_hold(const struct desk *desk)
{
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        const struct devices *devices;
        if (desk->ask->seats[i].fixed)
            continue;
        if (!is_as_wished(desk, i))
            return false;
        devices = devices_of(desk, i);
        for (uint32_t d = 0; devices != NULL && d < MACHINE_DEVICES_MAX; d++)
            if ((desk->best_share[i].devices >> d & 1) != 0 &&
                taken_of(desk, i, d) > devices->free_milli[d])
                return false;
    }
    return true;
}
