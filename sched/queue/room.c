#include "sched/queue/room.h"

#include <string.h>

#include "base/check.h"

/* What of it a job wants in that profile. */
static struct portion portion_at(const struct room_want *want, uint32_t devices,
                                 uint32_t i)
{
    const struct resources *amounts = &want->amounts;
    if (i == ROOM_BODY)
        return (struct portion){amounts->cpu_milli, amounts->mem_mib};
    if (i == ROOM_SIDE)
        return (struct portion){amounts->disk_mib, amounts->nic_kbit};
    if (i == ROOM_SEAT)
        return (struct portion){1, 0};
    return (struct portion){
        (devices >> (i - ROOM_DEVICES) & 1) ? want->milli : 0, 0};
}

static bool is_nothing(const struct portion *portion)
{
    return portion->units == 0 && portion->mem_mib == 0;
}

static uint32_t profile_count(const struct room *room)
{
    return ROOM_DEVICES + room->device_count;
}

enum err room_init(struct room *room, const struct resources *total,
                   uint32_t slots, uint32_t device_count, uint64_t from_ms,
                   uint32_t jobs_max)
{
    const struct room_want all = {.amounts = *total, .milli = DEVICE_MILLI};
    struct room made = {.device_count = device_count};
    enum err err = OK;
    if (device_count > MACHINE_DEVICES_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < profile_count(&made) && err == OK; i++) {
        struct profile *profile = &made.parts[i];
        struct portion portion = portion_at(&all, UINT32_MAX, i);
        if (i == ROOM_SEAT)
            portion.units = slots;
        err = profile_init(profile, &portion, from_ms, jobs_max);
        if (err == OK)
            err = profile_expect(profile, jobs_max);
    }
    if (err != OK)
        room_done(&made);
    else
        *room = made;
    return err;
}

void room_done(struct room *room)
{
    for (uint32_t i = 0; i < profile_count(room); i++)
        profile_done(&room->parts[i]);
    memset(room, 0, sizeof(*room));
}

bool room_could(const struct room *room, const struct room_want *want)
{
    uint32_t could = 0;
    for (uint32_t i = 0; i < ROOM_DEVICES; i++) {
        struct portion portion = portion_at(want, 0, i);
        if (!portion_covers(&room->parts[i].total, &portion))
            return false;
    }
    for (uint32_t i = 0; i < room->device_count; i++)
        could += (want->among >> i & 1) != 0;
    return could >= want->devices;
}

/* ---- finding ---- */

/* The first moment from *at_ms on that all but the devices allow, each taken by
 * itself: not before that do all together. */
static enum err find_fixed(const struct room *room,
                           const struct room_want *want, uint64_t duration_ms,
                           uint64_t *at_ms)
{
    for (uint32_t i = 0; i < ROOM_DEVICES; i++) {
        struct portion portion = portion_at(want, 0, i);
        TRY(profile_find(&room->parts[i], &portion, duration_ms, *at_ms,
                         at_ms));
    }
    return OK;
}

static void insert(uint64_t *list, uint32_t *count, uint64_t value)
{
    uint32_t at = (*count)++;
    for (; at > 0 && list[at - 1] > value; at--)
        list[at] = list[at - 1];
    list[at] = value;
}

/* Of the devices that will do, each has its first moment; when the last of as
 * many as are wanted has come, there may be enough, and not before. */
static enum err find_devices(const struct room *room,
                             const struct room_want *want, uint64_t duration_ms,
                             uint64_t *at_ms, uint32_t *out_devices)
{
    uint64_t firsts[MACHINE_DEVICES_MAX];
    uint32_t count = 0;
    uint32_t chosen = 0;
    uint32_t devices = 0;
    struct portion portion = {want->milli, 0};
    *out_devices = 0;
    if (want->devices == 0)
        return OK;
    for (uint32_t i = 0; i < room->device_count; i++) {
        uint64_t first;
        if ((want->among >> i & 1) == 0 ||
            profile_find(&room->parts[ROOM_DEVICES + i], &portion, duration_ms,
                         *at_ms, &first) != OK)
            continue;
        insert(firsts, &count, first);
        if (first == *at_ms && chosen < want->devices) {
            devices |= UINT32_C(1) << i;
            chosen++;
        }
    }
    if (count < want->devices)
        return ERR_CAPACITY;
    *at_ms = firsts[want->devices - 1];
    *out_devices = devices;
    return OK;
}

enum err room_find(const struct room *room, const struct room_want *want,
                   uint64_t duration_ms, uint64_t not_before_ms,
                   uint64_t *out_ms, uint32_t *out_devices)
{
    uint64_t begin_ms = room->parts[ROOM_BODY].steps[0].from_ms;
    uint64_t at_ms = not_before_ms > begin_ms ? not_before_ms : begin_ms;
    uint64_t from_ms;
    uint32_t devices;
    if (!room_could(room, want))
        return ERR_CAPACITY;
    do {
        from_ms = at_ms;
        TRY(find_fixed(room, want, duration_ms, &at_ms));
        TRY(find_devices(room, want, duration_ms, &at_ms, &devices));
    } while (at_ms != from_ms);
    *out_ms = at_ms;
    *out_devices = devices;
    return OK;
}

/* ---- taking ---- */

static void check_devices(const struct room_want *want, uint32_t devices)
{
    CHECK((uint32_t)__builtin_popcount(devices) == want->devices);
}

/* Of the profiles before `end`. */
static enum err give_until(struct room *room, const struct room_want *want,
                           uint32_t devices, uint64_t from_ms,
                           uint64_t until_ms, uint32_t end)
{
    for (uint32_t i = 0; i < end; i++) {
        struct portion portion = portion_at(want, devices, i);
        if (!is_nothing(&portion))
            TRY(profile_release(&room->parts[i], &portion, from_ms, until_ms));
    }
    return OK;
}

enum err room_take(struct room *room, const struct room_want *want,
                   uint32_t devices, uint64_t from_ms, uint64_t until_ms)
{
    check_devices(want, devices);
    for (uint32_t i = 0; i < profile_count(room); i++) {
        struct portion portion = portion_at(want, devices, i);
        enum err err = OK;
        if (!is_nothing(&portion))
            err = profile_reserve(&room->parts[i], &portion, from_ms, until_ms);
        if (err == OK)
            continue;
        TRY(give_until(room, want, devices, from_ms, until_ms, i));
        return err;
    }
    return OK;
}

static struct portion least_free(const struct profile *profile,
                                 uint64_t from_ms, uint64_t until_ms)
{
    struct portion least = profile_free_at(profile, from_ms);
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->from_ms <= from_ms || step->from_ms >= until_ms)
            continue;
        if (step->free.units < least.units)
            least.units = step->free.units;
        if (step->free.mem_mib < least.mem_mib)
            least.mem_mib = step->free.mem_mib;
    }
    return least;
}

enum err room_take_most(struct room *room, const struct room_want *want,
                        uint32_t devices, uint64_t from_ms, uint64_t until_ms)
{
    for (uint32_t i = 0; i < profile_count(room); i++) {
        struct profile *profile = &room->parts[i];
        struct portion portion = portion_at(want, devices, i);
        struct portion least = least_free(profile, from_ms, until_ms);
        if (portion.units > least.units)
            portion.units = least.units;
        if (portion.mem_mib > least.mem_mib)
            portion.mem_mib = least.mem_mib;
        if (!is_nothing(&portion))
            TRY(profile_reserve(profile, &portion, from_ms, until_ms));
    }
    return OK;
}

enum err room_give(struct room *room, const struct room_want *want,
                   uint32_t devices, uint64_t from_ms, uint64_t until_ms)
{
    check_devices(want, devices);
    return give_until(room, want, devices, from_ms, until_ms,
                      profile_count(room));
}
