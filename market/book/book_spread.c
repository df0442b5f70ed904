#include "market/book/book_spread.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void book_places_done(struct book_places *places)
{
    free(places->list);
    free(places->domains);
    free(places->used);
    memset(places, 0, sizeof(*places));
}

static uint64_t known_before(const struct book_places *places,
                             const struct pubkey *provider)
{
    for (uint32_t i = 0; i < places->count; i++) {
        if (pubkey_equal(&places->list[i].provider, provider) &&
            places->domains[i] != 0)
            return places->domains[i];
    }
    return 0;
}

static void count_used(struct book_places *places, uint64_t domain,
                       uint32_t tasks)
{
    uint32_t i = 0;
    if (domain == 0) {
        places->unknown += tasks;
        return;
    }
    while (i < places->used_count && places->used[i].id != domain)
        i++;
    if (i == places->used_count)
        places->used[places->used_count++] = (struct place_domain){domain, 0};
    places->used[i].used += tasks;
}

enum err book_places_set(struct book_places *places,
                         const struct book_there *list, const uint64_t *domains,
                         uint32_t count)
{
    struct book_places next = {.count = count};
    size_t room = count > 0 ? count : 1;
    CHECK(count <= BOOK_THERE_MAX);
    next.list = calloc(room, sizeof(*next.list));
    next.domains = calloc(room, sizeof(*next.domains));
    next.used = calloc(room, sizeof(*next.used));
    if (next.list == NULL || next.domains == NULL || next.used == NULL) {
        book_places_done(&next);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        next.list[i] = list[i];
        next.domains[i] = domains[i] != 0
                              ? domains[i]
                              : known_before(places, &list[i].provider);
        if (list[i].affinity == 0)
            count_used(&next, next.domains[i], list[i].tasks);
    }
    book_places_done(places);
    *places = next;
    return OK;
}

uint64_t book_domain(const uint8_t key[SHORT_HASH_KEY_LEN],
                     const struct spread *spread, const struct label *labels,
                     uint32_t count)
{
    const char *value;
    uint64_t hash;
    if (spread->per_value == 0)
        return 0;
    value = spread_value(spread, labels, count);
    if (value == NULL)
        return 0;
    hash = short_hash(key, bytes_str(value));
    return hash != 0 ? hash : 1;
}

static uint32_t used_at_provider(const struct book_places *places,
                                 const struct pubkey *provider)
{
    uint32_t used = 0;
    for (uint32_t i = 0; places != NULL && i < places->count; i++) {
        if (places->list[i].affinity == 0 &&
            pubkey_equal(&places->list[i].provider, provider))
            used += places->list[i].tasks;
    }
    return used;
}

static uint32_t used_in_domain(const struct book_places *places,
                               uint64_t domain)
{
    if (places == NULL)
        return 0;
    for (uint32_t i = 0; i < places->used_count; i++) {
        if (places->used[i].id == domain)
            return places->used[i].used + places->unknown;
    }
    return places->unknown;
}

static uint32_t left_of(uint32_t most, uint32_t used)
{
    return used < most ? most - used : 0;
}

static void view_spread(const struct book_places *places,
                        const struct spread *spread, uint64_t domain,
                        struct candidate *c)
{
    if (spread->per_provider != 0) {
        c->spread_most = spread->per_provider;
        c->spread_used = used_at_provider(places, &c->provider);
    }
    if (spread->per_value == 0)
        return;
    if (domain == 0) {
        c->refused |= reason_bit(REASON_DOMAIN);
        return;
    }
    uint32_t used = used_in_domain(places, domain);
    if (c->spread_most == 0 || left_of(spread->per_value, used) <
                                   left_of(c->spread_most, c->spread_used)) {
        c->spread_most = spread->per_value;
        c->spread_used = used;
    }
}

static bool is_there(const struct book_places *places, uint32_t affinity,
                     const struct pubkey *provider)
{
    for (uint32_t i = 0; i < places->count; i++) {
        if (places->list[i].affinity == affinity &&
            pubkey_equal(&places->list[i].provider, provider))
            return true;
    }
    return false;
}

void book_places_view(const struct book_places *places,
                      const struct request *request, uint64_t domain,
                      struct candidate *candidate)
{
    view_spread(places, &request->spread, domain, candidate);
    for (uint32_t i = 0; places != NULL && i < request->affinity_count; i++) {
        bool there = is_there(places, i + 1, &candidate->provider);
        if (there == request->affinities[i].apart)
            candidate->refused |= reason_bit(REASON_AFFINITY);
    }
}

uint32_t book_places_limit(const struct book_places *places,
                           const struct request *request)
{
    uint32_t unknown = places != NULL ? places->unknown : 0;
    if (request->spread.per_value == 0)
        return 0;
    /* Where nothing is left no candidate fits, and the limit is not asked. */
    uint32_t left = left_of(request->spread.per_value, unknown);
    return left != 0 ? left : 1;
}
