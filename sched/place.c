#include "sched/place.h"

#include <string.h>

#include "base/check.h"

void place_init(struct place *place, uint32_t tasks, uint32_t spares,
                struct place_entry *entries)
{
    CHECK(tasks >= 1);
    CHECK(entries != NULL);
    *place =
        (struct place){.entries = entries, .tasks = tasks, .spares = spares};
}

bool place_full(const struct place *place)
{
    return place->count - place->covered == place->spares &&
           place->room >= place->tasks;
}

bool place_closed(const struct place *place, const struct rank *floor)
{
    return place_full(place) &&
           rank_compare(&place->entries[place->count - 1].rank, floor) < 0;
}

static uint32_t position_of(const struct place *place, const struct rank *rank)
{
    uint32_t low = 0;
    uint32_t high = place->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (rank_compare(&place->entries[mid].rank, rank) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void insert(struct place *place, uint32_t at, const struct rank *rank,
                   uint32_t room)
{
    struct place_entry *slot = &place->entries[at];
    memmove(slot + 1, slot, (place->count - at) * sizeof(*slot));
    *slot = (struct place_entry){.rank = *rank, .room = room};
    place->count++;
}

/* Finds how many entries from the front take all tasks, all of them if they do
 * not suffice, and drops what stands behind the spares. Each covered entry but
 * the last has room for one task at least and is not enough, so `covered` never
 * exceeds `tasks`, and place_entries_needed() holds. */
static void trim(struct place *place)
{
    uint32_t i = 0;
    place->room = 0;
    while (i < place->count && place->room < place->tasks)
        place->room += place->entries[i++].room;
    place->covered = i;
    if (place->count - i > place->spares)
        place->count = i + place->spares;
    CHECK(place->covered <= place->tasks);
}

bool place_consider(struct place *place, const struct rank *rank, uint32_t room)
{
    if (room == 0 || place_closed(place, rank))
        return false;
    uint32_t at = position_of(place, rank);
    insert(place, at, rank, room);
    trim(place);
    return at < place->count;
}

uint32_t place_finish(struct place *place)
{
    uint32_t left = place->tasks;
    for (uint32_t i = 0; i < place->count; i++) {
        struct place_entry *entry = &place->entries[i];
        entry->tasks = entry->room < left ? entry->room : left;
        left -= entry->tasks;
    }
    return left;
}
