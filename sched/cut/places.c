#include "sched/cut/places.h"

#include <string.h>

#include "base/check.h"

void cut_places_init(struct cut_places *places)
{
    memset(places, 0, sizeof(*places));
    places->devices = true;
}

static bool covers(const uint64_t a[RES_COUNT], const uint64_t b[RES_COUNT])
{
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        if (a[r] < b[r])
            return false;
    }
    return true;
}

static void set_box(struct cut_boxes *boxes, uint32_t i,
                    const uint64_t room[RES_COUNT])
{
    memcpy(boxes->room[i], room, sizeof(boxes->room[i]));
    boxes->known |= UINT64_C(1) << i;
    if (i >= boxes->count)
        boxes->count = i + 1;
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        if (room[r] > boxes->most[r])
            boxes->most[r] = room[r];
    }
}

static enum err add_to_site(struct cut_places *places,
                            const struct cut_offer *offer, uint32_t count)
{
    uint64_t room[RES_COUNT];
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        uint64_t more;
        if (__builtin_mul_overflow(offer->room[r], count, &more) ||
            __builtin_add_overflow(places->boxes[CUT_SITE].room[offer->site][r],
                                   more, &room[r]))
            return ERR_OVERFLOW;
    }
    set_box(&places->boxes[CUT_SITE], offer->site, room);
    return OK;
}

enum err cut_places_add(struct cut_places *places,
                        const struct cut_offer *offer, uint32_t count)
{
    static const uint64_t nothing[RES_COUNT];
    struct cut_boxes *offers = &places->boxes[CUT_OFFER];
    struct cut_boxes *devices = &places->boxes[CUT_DEVICE];
    uint32_t at = offers->count;
    if (offer->site >= CUT_SITES_MAX || count == 0)
        return ERR_RANGE;
    for (uint32_t i = 0; i < offers->count; i++) {
        if (places->site_of[i] != offer->site)
            continue;
        if (covers(offers->room[i], offer->room) &&
            covers(devices->room[i], offer->device)) {
            TRY(add_to_site(places, offer, count));
            places->told++;
            return OK;
        }
        if (at == offers->count && covers(offer->room, offers->room[i]) &&
            covers(offer->device, devices->room[i]))
            at = i; /* takes its place */
    }
    if (at == CUT_KINDS_MAX)
        return ERR_TOO_LARGE;
    TRY(add_to_site(places, offer, count));
    set_box(offers, at, offer->room);
    set_box(devices, at, offer->device);
    places->site_of[at] = offer->site;
    places->told_of[at] = places->told++;
    places->devices = places->devices && !covers(nothing, offer->device);
    return OK;
}

uint64_t cut_boxes_fit(const struct cut_boxes *boxes,
                       const uint64_t want[RES_COUNT],
                       const uint32_t least[RES_COUNT], uint64_t mask)
{
    uint64_t fits = 0;
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        if (want[r] > boxes->most[r] || least[r] > boxes->most[r])
            return 0;
    }
    for (uint32_t i = 0; i < boxes->count; i++) {
        const uint64_t *room = boxes->room[i];
        uint32_t r = 0;
        if ((boxes->known & mask) >> i == 0)
            break;
        if (((boxes->known & mask) >> i & 1) == 0)
            continue;
        while (r < RES_COUNT && room[r] >= want[r] && room[r] >= least[r])
            r++;
        if (r == RES_COUNT)
            fits |= UINT64_C(1) << i;
    }
    return fits;
}
