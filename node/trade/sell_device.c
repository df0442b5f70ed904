/* Devices: which of them a hold gets, and what is left of each. */

#include "node/trade/sell_item.h"

#include "base/check.h"
#include "sched/devices_machine.h"

#include <stdio.h>
#include <string.h>

/* A device is known by its node: its number changes with the configuration. */
static uint32_t number_of(const struct sell *sell, const char *name)
{
    uint32_t count = devices_count(&sell->config.devices);
    uint32_t i = 0;
    while (i < count && strcmp(sell->config.device_names[i], name) != 0)
        i++;
    return i;
}

uint32_t sell_item_devices(const struct sell *sell,
                           const struct sell_item *item)
{
    uint32_t count = devices_count(&sell->config.devices);
    uint32_t mask = 0;
    for (uint32_t i = 0; i < item->wish.count; i++) {
        uint32_t number = number_of(sell, item->devices[i]);
        if (number < count)
            mask |= UINT32_C(1) << number;
    }
    return mask;
}

static void take(struct devices *devices, uint32_t mask, uint32_t milli)
{
    for (; mask != 0; mask &= mask - 1) {
        uint16_t *is_free = &devices->free_milli[__builtin_ctz(mask)];
        *is_free = (uint16_t)(*is_free > milli ? *is_free - milli : 0);
    }
}

void sell_devices_free(const struct sell *sell, struct devices *out)
{
    *out = sell->config.devices;
    devices_all_free(out);
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        if (item->wish.count > 0 && sell_item_reserves(item))
            take(out, sell_item_devices(sell, item), item->wish.milli);
    }
}

static void quote_group(const struct device_group *group,
                        struct quote_device *out)
{
    memcpy(out->model, group->model, sizeof(out->model));
    out->mem_mib = group->mem_mib;
    out->hour = group->hour;
}

/* Of the group the buyer's node picks, too; whole devices stay whole as long as
 * they can. */
enum err sell_devices_pick(const struct sell *sell,
                           const struct device_wish *wish, uint32_t *out_mask,
                           struct quote_device *out)
{
    static const struct resources nothing;
    struct devices_verdict verdict;
    struct devices devices;
    struct machine machine;
    struct ask ask;
    *out_mask = 0;
    memset(out, 0, sizeof(*out));
    if (wish->count == 0)
        return OK;
    sell_devices_free(sell, &devices);
    devices_check(&devices, wish, &verdict);
    if (verdict.reason != REASON_NONE)
        return ERR_CAPACITY;
    devices_machine(&devices, &nothing, &nothing, &machine);
    device_wish_ask(wish, &nothing, verdict.group, &ask);
    *out_mask = machine_choose(&machine, &ask, false);
    quote_group(&devices.groups[verdict.group], out);
    return OK;
}

enum err sell_devices_among(const struct sell *sell,
                            const struct device_wish *wish, uint32_t *out_mask,
                            struct quote_device *out)
{
    struct devices devices = sell->config.devices;
    struct devices_verdict verdict;
    *out_mask = 0;
    memset(out, 0, sizeof(*out));
    if (wish->count == 0)
        return OK;
    devices_all_free(&devices);
    devices_check(&devices, wish, &verdict);
    if (verdict.reason != REASON_NONE)
        return ERR_CAPACITY;
    *out_mask = devices_mask(&devices, verdict.group);
    quote_group(&devices.groups[verdict.group], out);
    return OK;
}

uint32_t sell_devices_like(const struct sell *sell,
                           const struct device_wish *wish,
                           const struct quote_device *quoted)
{
    const struct devices *devices = &sell->config.devices;
    uint32_t mask = 0;
    for (uint32_t g = 0; g < devices->group_count && wish->count > 0; g++) {
        const struct device_group *group = &devices->groups[g];
        if (device_group_allows(group, wish) &&
            strcmp(group->model, quoted->model) == 0 &&
            group->mem_mib == quoted->mem_mib)
            mask |= devices_mask(devices, g);
    }
    return mask;
}

void sell_item_assign(const struct sell *sell, struct sell_item *item,
                      uint32_t mask)
{
    uint32_t i = 0;
    CHECK((uint32_t)__builtin_popcount(mask) == item->wish.count);
    for (; mask != 0; mask &= mask - 1, i++)
        snprintf(item->devices[i], sizeof(item->devices[i]), "%s",
                 sell->config.device_names[__builtin_ctz(mask)]);
}

/* Nothing of a device is sold twice, whatever is configured meanwhile. */
void sell_devices_check(const struct sell *sell)
{
    uint32_t used[MACHINE_DEVICES_MAX] = {0};
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        uint32_t mask = sell_item_devices(sell, item);
        if (!sell_item_reserves(item))
            continue;
        for (; mask != 0; mask &= mask - 1) {
            unsigned device = (unsigned)__builtin_ctz(mask);
            used[device] += item->wish.milli;
            CHECK(used[device] <= DEVICE_MILLI);
        }
    }
}
