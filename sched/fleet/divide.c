#include "sched/fleet/divide.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const struct {
    enum divide_way way;
    const char *name;
} ways[] = {
    {DIVIDE_DUPLICATED, "duplicated"},
    {DIVIDE_STATIC, "static"},
    {DIVIDE_DYNAMIC, "dynamic"},
    {DIVIDE_AGGREGATED, "aggregated"},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* A place while it is decided about. */
struct share {
    uint32_t index;
    uint32_t weight;
    uint32_t available;
    uint32_t previous;
    uint32_t given;
    bool settled;       /* full: it takes part no more */
    uint64_t remainder; /* of its quota, in parts of the sum of weights */
};

/* ---- duplicated ---- */

static enum err duplicate(uint32_t replicas, struct share *shares,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (shares[i].available < replicas)
            return ERR_CAPACITY;
        shares[i].given = replicas;
    }
    return OK;
}

/* ---- by weight ---- */

static uint64_t weight_left(const struct share *shares, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += shares[i].settled ? 0 : shares[i].weight;
    return sum;
}

/* Fills the places whose quota is at least what they take; returns how many
 * replicas are left to divide, and whether any place was filled. */
static uint32_t fill_small(uint32_t left, struct share *shares, uint32_t count,
                           bool *out_any)
{
    uint64_t weights = weight_left(shares, count);
    uint32_t rest = left;
    *out_any = false;
    for (uint32_t i = 0; i < count; i++) {
        struct share *share = &shares[i];
        if (share->settled ||
            (uint64_t)left * share->weight / weights < share->available)
            continue;
        share->given = share->available;
        share->settled = true;
        rest -= share->given;
        *out_any = true;
    }
    return rest;
}

static int by_remainder(const void *a, const void *b)
{
    const struct share *x = a;
    const struct share *y = b;
    if (x->settled != y->settled)
        return x->settled ? 1 : -1;
    if (x->remainder != y->remainder)
        return x->remainder > y->remainder ? -1 : 1;
    if (x->previous != y->previous)
        return x->previous > y->previous ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* No quota reaches what its place takes any more: whole parts to everybody,
 * then one each in the order of the remainders. */
static void give_quotas(uint32_t left, struct share *shares, uint32_t count)
{
    uint64_t weights = weight_left(shares, count);
    uint32_t rest = left;
    for (uint32_t i = 0; i < count && weights > 0; i++) {
        uint64_t quota = (uint64_t)left * shares[i].weight;
        if (shares[i].settled)
            continue;
        shares[i].given = (uint32_t)(quota / weights);
        shares[i].remainder = quota % weights;
        rest -= shares[i].given;
    }
    qsort(shares, count, sizeof(*shares), by_remainder);
    CHECK(rest < count || rest == 0);
    for (uint32_t i = 0; i < rest; i++) {
        CHECK(!shares[i].settled && shares[i].given < shares[i].available);
        shares[i].given++;
    }
}

static enum err by_weight(uint32_t replicas, struct share *shares,
                          uint32_t count)
{
    uint64_t room = 0;
    uint32_t left = replicas;
    bool any = true;
    for (uint32_t i = 0; i < count; i++) {
        shares[i].settled = shares[i].weight == 0;
        room += shares[i].settled ? 0 : shares[i].available;
    }
    if (room < replicas)
        return ERR_CAPACITY;
    while (any && left > 0)
        left = fill_small(left, shares, count, &any);
    give_quotas(left, shares, count);
    return OK;
}

/* ---- fewest places ---- */

static int by_room(const void *a, const void *b)
{
    const struct share *x = a;
    const struct share *y = b;
    if (x->available != y->available)
        return x->available > y->available ? -1 : 1;
    if (x->previous != y->previous)
        return x->previous > y->previous ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static int by_previous(const void *a, const void *b)
{
    const struct share *x = a;
    const struct share *y = b;
    if (x->previous != y->previous)
        return x->previous > y->previous ? -1 : 1;
    return by_room(a, b);
}

static uint64_t fewest(uint32_t replicas, const struct share *shares,
                       uint32_t count)
{
    uint64_t room = 0;
    uint32_t places = 0;
    while (room < replicas && places < count)
        room += shares[places++].available;
    return room < replicas ? UINT64_MAX : places;
}

/* What the largest `places` of those not chosen take; `shares` by room. */
static uint64_t room_of_best(const struct share *shares, uint32_t count,
                             const bool *chosen, uint64_t places)
{
    uint64_t room = 0;
    for (uint32_t i = 0; i < count && places > 0; i++) {
        if (chosen[shares[i].index])
            continue;
        room += shares[i].available;
        places--;
    }
    return room;
}

/* Chooses `places` places: those with most before first, as long as the largest
 * of the rest can make up what is missing. `keep` is in the order of the
 * previous shares, `shares` in that of room. */
static void choose(uint32_t replicas, uint64_t places, const struct share *keep,
                   const struct share *shares, uint32_t count, bool *chosen)
{
    uint64_t room = 0;
    for (uint32_t i = 0; i < count && places > 0; i++) {
        chosen[keep[i].index] = true;
        if (room + keep[i].available +
                room_of_best(shares, count, chosen, places - 1) <
            replicas) {
            chosen[keep[i].index] = false;
            continue;
        }
        room += keep[i].available;
        places--;
    }
    CHECK(places == 0 && room >= replicas);
}

static enum err aggregate(uint32_t replicas, struct share *shares,
                          uint32_t count)
{
    struct share *keep = calloc(count, sizeof(*keep));
    bool *chosen = calloc(count, sizeof(*chosen));
    enum err err = keep == NULL || chosen == NULL ? ERR_NOMEM : OK;
    uint64_t places = 0;
    if (err == OK) {
        memcpy(keep, shares, count * sizeof(*keep));
        qsort(keep, count, sizeof(*keep), by_previous);
        qsort(shares, count, sizeof(*shares), by_room);
        places = fewest(replicas, shares, count);
        if (places == UINT64_MAX)
            err = ERR_CAPACITY;
    }
    if (err == OK)
        choose(replicas, places, keep, shares, count, chosen);
    for (uint32_t i = 0; err == OK && i < count; i++) {
        struct share *share = &shares[i];
        if (!chosen[share->index])
            continue;
        share->given =
            share->available < replicas ? share->available : replicas;
        replicas -= share->given;
    }
    free(keep);
    free(chosen);
    return err;
}

/* ---- all ---- */

static enum err divide_shares(enum divide_way way, uint32_t replicas,
                              struct share *shares, uint32_t count)
{
    switch (way) {
    case DIVIDE_DUPLICATED:
        return duplicate(replicas, shares, count);
    case DIVIDE_STATIC:
        return by_weight(replicas, shares, count);
    case DIVIDE_DYNAMIC:
        for (uint32_t i = 0; i < count; i++)
            shares[i].weight = shares[i].available;
        return by_weight(replicas, shares, count);
    case DIVIDE_AGGREGATED:
        return aggregate(replicas, shares, count);
    }
    return ERR_RANGE;
}

enum err divide(enum divide_way way, uint32_t replicas,
                struct divide_place *places, uint32_t count)
{
    struct share *shares;
    enum err err;
    if (count == 0 || count > DIVIDE_PLACES_MAX)
        return ERR_RANGE;
    shares = calloc(count, sizeof(*shares));
    if (shares == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        shares[i] = (struct share){.index = i,
                                   .weight = places[i].weight,
                                   .available = places[i].available,
                                   .previous = places[i].previous};
    err = divide_shares(way, replicas, shares, count);
    for (uint32_t i = 0; err == OK && i < count; i++) {
        CHECK(shares[i].given <= shares[i].available);
        places[shares[i].index].given = shares[i].given;
    }
    free(shares);
    return err;
}

const char *divide_text(enum divide_way way)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (ways[i].way == way)
            return ways[i].name;
    }
    return "?";
}

enum err divide_parse(const char *text, enum divide_way *out)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (strcmp(text, ways[i].name) == 0) {
            *out = ways[i].way;
            return OK;
        }
    }
    return ERR_PARSE;
}
