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
                   uint32_t room, uint64_t domain)
{
    struct place_entry *slot = &place->entries[at];
    memmove(slot + 1, slot, (place->count - at) * sizeof(*slot));
    *slot = (struct place_entry){
        .rank = *rank, .domain = domain, .room = room, .share = room};
    place->count++;
}

/* ---- domains ---- */

uint32_t place_table_needed(uint32_t tasks, uint32_t spares,
                            uint32_t known_count)
{
    size_t least = 2 * (place_entries_needed(tasks, spares) + known_count);
    uint32_t size = 2;
    while (size < least)
        size *= 2;
    return size;
}

void place_spread(struct place *place, uint32_t per_domain,
                  const struct place_domain *known, uint32_t known_count,
                  struct place_domain *table)
{
    CHECK(per_domain > 0);
    CHECK(place->count == 0);
    place->per_domain = per_domain;
    place->known = known;
    place->known_count = known_count;
    place->table = table;
    place->table_size =
        place_table_needed(place->tasks, place->spares, known_count);
}

static struct place_domain *row_of(const struct place *place, uint64_t id)
{
    uint32_t mask = place->table_size - 1;
    uint32_t i = (uint32_t)(id ^ id >> 32) & mask;
    CHECK(id != 0);
    while (place->table[i].id != 0 && place->table[i].id != id)
        i = (i + 1) & mask;
    place->table[i].id = id;
    return &place->table[i];
}

static void table_reset(struct place *place)
{
    memset(place->table, 0, place->table_size * sizeof(*place->table));
    for (uint32_t i = 0; i < place->known_count; i++)
        row_of(place, place->known[i].id)->used += place->known[i].used;
}

/* Deals the room of the domains out, best places first, and drops those that
 * get none. */
static void share_out(struct place *place)
{
    uint32_t kept = 0;
    table_reset(place);
    for (uint32_t i = 0; i < place->count; i++) {
        struct place_entry *entry = &place->entries[i];
        struct place_domain *row = row_of(place, entry->domain);
        uint32_t left =
            row->used < place->per_domain ? place->per_domain - row->used : 0;
        entry->share = entry->room < left ? entry->room : left;
        row->used += entry->share;
        if (entry->share > 0)
            place->entries[kept++] = *entry;
    }
    place->count = kept;
}

/* Finds how many entries from the front take all tasks, all of them if they do
 * not suffice, and drops what stands behind the spares. Each covered entry but
 * the last has room for one task at least and is not enough, so `covered` never
 * exceeds `tasks`, and place_entries_needed() holds. */
static void trim(struct place *place)
{
    uint32_t i = 0;
    if (place->per_domain > 0)
        share_out(place);
    place->room = 0;
    while (i < place->count && place->room < place->tasks)
        place->room += place->entries[i++].share;
    place->covered = i;
    if (place->count - i > place->spares)
        place->count = i + place->spares;
    CHECK(place->covered <= place->tasks);
}

bool place_consider(struct place *place, const struct rank *rank, uint32_t room,
                    uint64_t domain)
{
    if (room == 0 || place_closed(place, rank))
        return false;
    uint32_t at = position_of(place, rank);
    insert(place, at, rank, room, domain);
    trim(place);
    return at < place->count &&
           rank_compare(&place->entries[at].rank, rank) == 0;
}

uint32_t place_finish(struct place *place)
{
    uint32_t left = place->tasks;
    for (uint32_t i = 0; i < place->count; i++) {
        struct place_entry *entry = &place->entries[i];
        entry->tasks = entry->share < left ? entry->share : left;
        left -= entry->tasks;
    }
    return left;
}
