#include "market/standing.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "market/book/book_map.h"
#include "sched/target.h"

#define LOOKED_AT 8u

struct standing {
    struct pubkey provider;
    struct reliability reliability;
    uint64_t heard; /* grows with each word */
};

struct standings {
    struct standings_config config;
    struct standing *list;
    uint32_t count;
    uint32_t cap;
    uint32_t hand; /* where room is looked for next */
    uint64_t clock;
    struct book_map by_provider;
};

enum err standings_new(const struct standings_config *config,
                       struct standings **out)
{
    struct standings *s = calloc(1, sizeof(*s));
    CHECK(config->max > 0 && config->max <= STANDINGS_MAX);
    if (s == NULL)
        return ERR_NOMEM;
    s->config = *config;
    book_map_init(&s->by_provider, config->key);
    *out = s;
    return OK;
}

void standings_free(struct standings *standings)
{
    if (standings == NULL)
        return;
    book_map_done(&standings->by_provider);
    free(standings->list);
    free(standings);
}

/* ---- what a contract says ---- */

/* What costs the provider nothing a buyer can bring about: it says nothing of
 * the job, or sends what cannot be run. */
static bool refused_in_time(const struct contract *contract)
{
    return contract->settled_at_ms <= contract->start_by_ms &&
           contract->settled_at_ms <=
               contract->opened_at_ms + CONTRACT_REFUSE_FREE_MS;
}

static enum standing_word word_of(const struct contract *contract, bool own)
{
    switch (contract->reason) {
    case END_DONE:
    case END_JOB_FAILED:
    case END_TIME_LIMIT:
    case END_MEMORY_LIMIT:
    case END_OUTPUT_LIMIT:
        return STANDING_SERVED;
    case END_PROVIDER_LOST:
    case END_RESULT_MISSING:
    case END_PROVIDER_DRAIN:
        return STANDING_FAILED;
    case END_PROVIDER_REFUSED:
    case END_EXECUTOR_FAILED:
        return own || !refused_in_time(contract) ? STANDING_FAILED
                                                 : STANDING_NOTHING;
    case END_STAGING_FAILED:
    case END_NOT_STARTED:
    case END_GIVEN_UP:
        return own ? STANDING_FAILED : STANDING_NOTHING;
    case END_BUYER_CANCELLED:
    case END_BUYER_LOST:
    case END_NONE:
        break;
    }
    return STANDING_NOTHING;
}

enum standing_word standing_of(const struct contract *contract, bool own)
{
    if (contract->state != CONTRACT_SETTLED ||
        pubkey_equal(&contract->buyer, &contract->provider) ||
        pubkey_equal(&contract->buyer, &contract->payout) ||
        pubkey_equal(&contract->agent, &contract->provider))
        return STANDING_NOTHING;
    return word_of(contract, own);
}

/* ---- the table ---- */

static struct standing *find(const struct standings *s,
                             const struct pubkey *provider)
{
    uint32_t i = book_map_get(&s->by_provider, provider->b);
    return i != BOOK_MAP_NONE ? &s->list[i] : NULL;
}

/* A place for one more; somebody's who gives way, where there is no room. */
static uint32_t make_room(struct standings *s)
{
    uint32_t worst = s->hand;
    if (s->count < s->config.max)
        return s->count++;
    CHECK(s->count > 0);
    for (uint32_t i = 0; i < LOOKED_AT && i < s->count; i++) {
        uint32_t at = (s->hand + i) % s->count;
        if (s->list[at].heard < s->list[worst].heard)
            worst = at;
    }
    s->hand = (s->hand + LOOKED_AT) % s->count;
    CHECK(book_map_remove(&s->by_provider, s->list[worst].provider.b));
    return worst;
}

static enum err grow(struct standings *s)
{
    uint32_t cap = s->cap == 0 ? 16 : 2 * s->cap;
    struct standing *list;
    if (s->count < s->cap || s->count == s->config.max)
        return OK;
    if (cap > s->config.max)
        cap = s->config.max;
    list = realloc(s->list, cap * sizeof(*list));
    if (list == NULL)
        return ERR_NOMEM;
    s->list = list;
    s->cap = cap;
    return OK;
}

static enum err find_or_add(struct standings *s, const struct pubkey *provider,
                            struct standing **out)
{
    struct standing *found = find(s, provider);
    if (found == NULL) {
        TRY(grow(s));
        TRY(book_map_reserve(&s->by_provider));
        uint32_t at = make_room(s);
        CHECK(at < s->cap);
        found = &s->list[at];
        *found = (struct standing){.provider = *provider};
        book_map_add(&s->by_provider, provider->b, at);
    }
    found->heard = ++s->clock;
    *out = found;
    return OK;
}

enum err standings_note(struct standings *standings,
                        const struct contract *contract)
{
    bool own = pubkey_equal(&contract->agent, &standings->config.self);
    enum standing_word word = standing_of(contract, own);
    struct standing *s;
    if (word == STANDING_NOTHING)
        return OK;
    TRY(find_or_add(standings, &contract->provider, &s));
    if (word == STANDING_SERVED)
        reliability_served(&s->reliability, contract->time_ms_max, own);
    else
        reliability_failed(&s->reliability, own);
    return OK;
}

enum err standings_forged(struct standings *standings,
                          const struct pubkey *provider, bool forged)
{
    struct standing *s = find(standings, provider);
    if (s == NULL && !forged)
        return OK;
    TRY(find_or_add(standings, provider, &s));
    s->reliability.forged = forged;
    return OK;
}

void standings_link(struct standings *standings, const struct pubkey *provider,
                    uint64_t up_ms, uint64_t down_ms)
{
    struct standing *s = find(standings, provider);
    uint64_t all = up_ms + down_ms;
    if (s == NULL)
        return;
    if (all < STANDING_LINK_MIN_MS)
        all = STANDING_LINK_MIN_MS;
    while (all >> 32 != 0) { /* a month and more: the seconds say enough */
        all >>= 10;
        down_ms >>= 10;
    }
    s->reliability.link_ppb =
        (uint32_t)((down_ms < all ? down_ms : all) * TARGET_ONE / all);
}

void standings_clear(struct standings *standings)
{
    for (uint32_t i = 0; i < standings->count; i++) {
        struct reliability *r = &standings->list[i].reliability;
        *r = (struct reliability){.forged = r->forged, .link_ppb = r->link_ppb};
    }
}

const struct reliability *standings_get(const struct standings *standings,
                                        const struct pubkey *provider)
{
    const struct standing *s = find(standings, provider);
    return s != NULL ? &s->reliability : NULL;
}

uint32_t standings_count(const struct standings *standings)
{
    return standings->count;
}

bool standings_next(const struct standings *standings, uint32_t *cursor,
                    struct pubkey *out_provider, struct reliability *out)
{
    if (*cursor >= standings->count)
        return false;
    *out_provider = standings->list[*cursor].provider;
    *out = standings->list[*cursor].reliability;
    (*cursor)++;
    return true;
}
