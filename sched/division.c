#include "sched/division.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/fleet/divide.h"

_Static_assert(2 * LIMIT_TASKS <= DIVIDE_PLACES_MAX,
               "a shortlist of tasks and spares can be divided over");

uint32_t division_room(enum policy_divide divide, uint32_t tasks,
                       uint32_t copies, uint32_t room)
{
    uint32_t most = room;
    CHECK(copies > 0 && tasks % copies == 0);
    switch (divide) {
    case POLICY_DIVIDE_EVEN:
    case POLICY_DIVIDE_STATIC:
    case POLICY_DIVIDE_DYNAMIC:
        most = 1;
        break;
    case POLICY_DIVIDE_DUPLICATED:
        most = tasks / copies;
        break;
    case POLICY_DIVIDE_OWN:
    case POLICY_DIVIDE_FILL:
    case POLICY_DIVIDE_AGGREGATED:
        break;
    }
    return room < most ? room : most;
}

/* One each, round after round. */
static uint32_t deal(struct place *place)
{
    uint32_t left = place->tasks;
    bool any = true;
    while (left > 0 && any) {
        any = false;
        for (uint32_t i = 0; i < place->count && left > 0; i++) {
            struct place_entry *entry = &place->entries[i];
            if (entry->tasks == entry->room)
                continue;
            entry->tasks++;
            left--;
            any = true;
        }
    }
    return left;
}

/* At most so many each, best first. */
static uint32_t fill(struct place *place, uint32_t at_most)
{
    uint32_t left = place->tasks;
    for (uint32_t i = 0; i < place->count; i++) {
        struct place_entry *entry = &place->entries[i];
        uint32_t room = entry->room < at_most ? entry->room : at_most;
        entry->tasks = room < left ? room : left;
        left -= entry->tasks;
    }
    return left;
}

static enum divide_way way_of(enum policy_divide divide)
{
    if (divide == POLICY_DIVIDE_STATIC)
        return DIVIDE_STATIC;
    return divide == POLICY_DIVIDE_DYNAMIC ? DIVIDE_DYNAMIC : DIVIDE_AGGREGATED;
}

/* The group of a rank is UINT32_MAX less the weight: see ranking.c. */
static uint32_t weight_of(const struct place_entry *entry)
{
    return UINT32_MAX - (uint32_t)entry->rank.group;
}

static enum err divide_up(struct place *place, enum policy_divide divide_by,
                          uint32_t *out_unplaced)
{
    struct divide_place *places = calloc(place->count, sizeof(*places));
    uint64_t room = 0;
    uint32_t tasks = place->tasks;
    enum err err;
    if (places == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < place->count; i++) {
        places[i].weight = weight_of(&place->entries[i]);
        places[i].available = place->entries[i].room;
        room += places[i].available;
    }
    if (room < tasks)
        tasks = (uint32_t)room;
    err = divide(way_of(divide_by), tasks, places, place->count);
    for (uint32_t i = 0; i < place->count && err == OK; i++)
        place->entries[i].tasks = places[i].given;
    free(places);
    if (err == OK)
        *out_unplaced = place->tasks - tasks;
    return err;
}

/* Those with tasks first, each part in its order. */
static void spares_last(struct place *place)
{
    uint32_t with = 0;
    for (uint32_t i = 0; i < place->count; i++) {
        struct place_entry entry = place->entries[i];
        if (entry.tasks == 0)
            continue;
        memmove(&place->entries[with + 1], &place->entries[with],
                (i - with) * sizeof(entry));
        place->entries[with++] = entry;
    }
}

static enum err hand_out(struct place *place, enum policy_divide divide,
                         uint32_t copies, uint32_t *out_unplaced)
{
    switch (divide) {
    case POLICY_DIVIDE_OWN:
    case POLICY_DIVIDE_FILL:
        *out_unplaced = fill(place, UINT32_MAX);
        return OK;
    case POLICY_DIVIDE_DUPLICATED:
        *out_unplaced = fill(place, place->tasks / copies);
        return OK;
    case POLICY_DIVIDE_EVEN:
        *out_unplaced = deal(place);
        return OK;
    case POLICY_DIVIDE_STATIC:
    case POLICY_DIVIDE_DYNAMIC:
    case POLICY_DIVIDE_AGGREGATED:
        return divide_up(place, divide, out_unplaced);
    }
    CHECK(false);
    return ERR_RANGE;
}

enum err division_hand_out(struct place *place, enum policy_divide divide,
                           uint32_t copies, const uint32_t *rooms,
                           uint32_t *out_unplaced)
{
    CHECK(copies > 0 && place->count <= DIVIDE_PLACES_MAX);
    if (place->count == 0) {
        *out_unplaced = place->tasks;
        return OK;
    }
    for (uint32_t i = 0; i < place->count; i++) {
        CHECK(rooms[i] > 0);
        place->entries[i].room = rooms[i];
        place->entries[i].tasks = 0;
    }
    TRY(hand_out(place, divide, copies, out_unplaced));
    spares_last(place);
    return OK;
}
