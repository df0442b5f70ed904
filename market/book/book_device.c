#include "market/book/book_device.h"

#include <string.h>

#include "base/check.h"
#include "sched/devices_machine.h"

bool book_gear_needed(const struct offer *offer)
{
    return offer->devices.group_count > 0 || offer->taint_count > 0;
}

void book_gear_fill(const struct offer *offer, struct book_gear *out)
{
    memset(out, 0, sizeof(*out));
    out->devices = offer->devices;
    out->taint_count = offer->taint_count;
    memcpy(out->taints, offer->taints, sizeof(out->taints));
}

void book_gear_forget(struct book_gear *gear)
{
    if (gear != NULL)
        memset(gear->reserved, 0, sizeof(gear->reserved));
}

void book_gear_view(const struct book_gear *gear, struct devices *out)
{
    *out = gear->devices;
    for (uint32_t i = 0; i < MACHINE_DEVICES_MAX; i++) {
        CHECK(gear->reserved[i] <= out->free_milli[i]);
        out->free_milli[i] = (uint16_t)(out->free_milli[i] - gear->reserved[i]);
    }
}

/* Those with the most free every time: so as many fit as were counted. */
void book_gear_take(struct book_gear *gear, const struct device_wish *wish,
                    uint32_t group, uint32_t tasks,
                    uint16_t taken[MACHINE_DEVICES_MAX])
{
    static const struct resources nothing;
    struct devices view;
    struct machine machine;
    struct ask ask;
    book_gear_view(gear, &view);
    devices_machine(&view, &nothing, &nothing, &machine);
    device_wish_ask(wish, &nothing, group, &ask);
    for (uint32_t i = 0; i < tasks; i++) {
        uint32_t mask = machine_choose(&machine, &ask, true);
        CHECK(machine_take(&machine, &ask, mask) == OK);
        for (; mask != 0; mask &= mask - 1) {
            unsigned device = (unsigned)__builtin_ctz(mask);
            gear->reserved[device] =
                (uint16_t)(gear->reserved[device] + wish->milli);
            taken[device] = (uint16_t)(taken[device] + wish->milli);
        }
    }
}

static unsigned most_taken(const uint16_t taken[MACHINE_DEVICES_MAX],
                           uint32_t but)
{
    unsigned best = MACHINE_DEVICES_MAX;
    for (unsigned i = 0; i < MACHINE_DEVICES_MAX; i++) {
        if (but >> i & 1)
            continue;
        if (best == MACHINE_DEVICES_MAX || taken[i] > taken[best])
            best = i;
    }
    return best;
}

/* Which task had which device is not kept: the devices most is taken of can
 * always be one's, for no task has a device twice. */
void book_gear_give(struct book_gear *gear, const struct device_wish *wish,
                    uint32_t tasks, uint16_t taken[MACHINE_DEVICES_MAX])
{
    for (uint32_t i = 0; i < tasks; i++) {
        uint32_t mask = 0;
        for (uint32_t k = 0; k < wish->count; k++) {
            unsigned device = most_taken(taken, mask);
            CHECK(device < MACHINE_DEVICES_MAX);
            CHECK(taken[device] >= wish->milli &&
                  gear->reserved[device] >= wish->milli);
            mask |= UINT32_C(1) << device;
            taken[device] = (uint16_t)(taken[device] - wish->milli);
            gear->reserved[device] =
                (uint16_t)(gear->reserved[device] - wish->milli);
        }
    }
}
