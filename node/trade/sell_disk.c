/* Room on the disk: what can still be promised when others fill it, too. */

#include "node/trade/sell_item.h"

void sell_disk(struct sell *sell, const struct sell_disk *disk)
{
    sell->disk = *disk;
}

/* Its volume is still to be made. One whose start nobody has confirmed counts,
 * though it may have its volume by now: twice is safe, not at all is not. */
static bool takes_later(const struct sell_item *item)
{
    return sell_item_reserves(item) && item->state != SELL_RUNNING &&
           item->state != SELL_PUBLISHING;
}

uint64_t sell_disk_promised_mib(const struct sell *sell)
{
    struct resources sum = {0};
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        if (takes_later(item) &&
            resources_add(&sum, &item->resources, &sum) != OK)
            return UINT64_MAX;
    }
    return sum.disk_mib;
}

static uint64_t largest_mib(const struct sell *sell)
{
    uint64_t largest = 0;
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        if (sell_item_reserves(item) && item->resources.disk_mib > largest)
            largest = item->resources.disk_mib;
    }
    return largest;
}

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

/* A job's outputs lie beside its volume until they are published: so much more
 * than all volumes is kept as the largest of them, the new one included. */
uint64_t sell_disk_room_mib(const struct sell *sell)
{
    const struct sell_disk *disk = &sell->disk;
    uint64_t largest = largest_mib(sell);
    uint64_t room;
    if (!disk->known)
        return UINT64_MAX;
    if (disk->is_short)
        return 0;
    room = less(disk->free_mib, disk->reserve_mib);
    room = less(room, disk->coming_mib);
    room = less(room, sell_disk_promised_mib(sell));
    return room / 2 >= largest ? room / 2 : less(room, largest);
}

void sell_free_now(const struct sell *sell, struct resources *out)
{
    struct sell_capacity capacity;
    uint64_t room = sell_disk_room_mib(sell);
    sell_capacity(sell, &capacity);
    *out = capacity.free;
    if (out->disk_mib > room)
        out->disk_mib = room;
}
