#include "sched/index/search_impl.h"

#include <string.h>

#include "base/check.h"

/* ---- which bitmaps ---- */

static uint64_t stir(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* A name for the question, for the table of those that nobody could answer:
 * two that are different have the same by accident only, once in 2^64. */
static uint64_t question_of(const struct query *q)
{
    uint64_t hash =
        stir(q->cost_max, (uint64_t)q->flags_on << 32 | q->flags_off);
    for (unsigned i = 0; i < DIM_COUNT; i++)
        hash = stir(hash, q->want[i]);
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        hash = stir(hash, q->mix[i]);
    for (uint32_t i = 0; i < q->tag_count; i++)
        hash = stir(hash, q->tags[i].tag + q->tags[i].absent);
    for (uint32_t i = 0; i < q->any_count; i++) {
        hash = stir(hash, i);
        for (uint32_t k = 0; k < q->any[i].count; k++)
            hash = stir(hash, q->any[i].tags[k]);
    }
    return hash;
}

static void use_flags(struct search *s)
{
    for (uint32_t i = 0; i < FLAG_COUNT; i++) {
        if (s->query->flags_on >> i & 1)
            s->with[s->with_count++] = BITMAP_FLAGS + i;
        if (s->query->flags_off >> i & 1)
            s->without[s->without_count++] = BITMAP_FLAGS + i;
    }
}

static void use_dimension(struct search *s, uint32_t dim)
{
    uint64_t want = s->query->want[dim];
    uint32_t may;
    uint32_t does;
    if (want == 0)
        return;
    catalog_bracket_wanted(s->catalog, (enum dimension)dim, want, &may, &does);
    if (may == BITMAP_COUNT)
        s->nobody = true;
    else if (may != BITMAP_THERE &&
             !catalog_all_reach(s->catalog, (enum dimension)dim, may))
        s->with[s->with_count++] = may;
    if (may != does)
        s->inexact[s->inexact_count++] = dim;
}

/* After the first tag no set is given up, lest it be one of this question. */
static void use_tags(struct search *s)
{
    CHECK(s->query->tag_count <= QUERY_TAGS_MAX);
    for (uint32_t i = 0; i < s->query->tag_count; i++) {
        uint32_t bitmap = catalog_set_of(s->catalog, s->query->tags[i].tag);
        if (bitmap == BITMAP_COUNT)
            s->loose |= UINT32_C(1) << i;
        else if (s->query->tags[i].absent)
            s->without[s->without_count++] = bitmap;
        else
            s->with[s->with_count++] = bitmap;
        s->catalog->held = true;
    }
}

static void use_lists(struct search *s)
{
    CHECK(s->query->any_count <= QUERY_ANY_MAX);
    for (uint32_t i = 0; i < s->query->any_count; i++) {
        const struct query_any *any = &s->query->any[i];
        CHECK(any->count > 0 && any->count <= QUERY_ANY_TAGS);
        for (uint32_t k = 0; k < any->count; k++) {
            s->any[i][k] = catalog_set_of(s->catalog, any->tags[k]);
            if (s->any[i][k] == BITMAP_COUNT)
                s->loose_any |= UINT32_C(1) << i;
            s->catalog->held = true;
        }
    }
    s->catalog->held = false;
}

/* What requests usually want decides where blocks are narrow. */
static void learn_mix(struct catalog *c, const struct tariff_mix *mix)
{
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint32_t mean = c->typical[i];
        c->typical[i] = mean - mean / 64 + mix->weight[i] / 64;
    }
}

/* ---- public ---- */

_Static_assert(QUERY_TAGS_MAX <= 32, "tags without a set are a mask");

void query_tag(struct query *query, uint64_t tag, bool absent)
{
    if (query->tag_count == QUERY_TAGS_MAX)
        return;
    query->tags[query->tag_count].tag = tag;
    query->tags[query->tag_count++].absent = absent;
}

void query_any(struct query *query, const uint64_t *tags, uint32_t count)
{
    if (count == 1)
        query_tag(query, tags[0], false);
    if (count < 2 || count > QUERY_ANY_TAGS ||
        query->any_count == QUERY_ANY_MAX)
        return;
    struct query_any *any = &query->any[query->any_count++];
    any->count = count;
    memcpy(any->tags, tags, count * sizeof(*tags));
}

static void search_clear(struct search *s)
{
    s->with_count = 0;
    s->without_count = 0;
    s->inexact_count = 0;
    s->loose = 0;
    s->loose_any = 0;
    s->nobody = false;
    s->waiting = 0;
    s->aisle = 0;
    s->block = 0;
    s->open = false;
    s->bits = 0;
    s->stopped = false;
    s->kept = false;
    s->hits = 0;
}

/* Is it known that nobody can, and has nothing been freed since? */
static bool is_known(const struct catalog *c, const struct query *query)
{
    if (c->nowhere_generation != c->generation)
        return false;
    uint64_t question = question_of(query);
    uint32_t at = (uint32_t)(question % NOWHERE_MAX);
    return c->nowhere[at].question == question &&
           c->nowhere[at].generation == c->generation;
}

enum err search_begin(struct search *search, struct catalog *catalog,
                      enum order_kind order, const struct query *query)
{
    struct search *s = search;
    s->catalog = catalog;
    s->query = query;
    search_clear(s);
    TRY(catalog_order(catalog, order, &s->order));
    if (is_known(catalog, query))
        return OK;
    tariff_mix_init(&s->mix, query->mix);
    learn_mix(catalog, &s->mix);
    lineup_adapt(catalog, s->order);
    s->cap = tariff_scale(&s->mix, query->cost_max);
    use_flags(s);
    for (uint32_t i = 0; i < DIM_SEARCHED; i++)
        use_dimension(s, i);
    use_tags(s);
    use_lists(s);
    if (s->with_count == 0) /* whoever is in another is there */
        s->with[s->with_count++] = BITMAP_THERE;
    if (!s->nobody)
        search_walk_begin(s);
    return OK;
}

static void nobody(const struct search *s)
{
    struct catalog *c = s->catalog;
    if (s->hits > 0 || s->stopped)
        return;
    uint64_t question = question_of(s->query);
    uint32_t at = (uint32_t)(question % NOWHERE_MAX);
    c->nowhere[at].question = question;
    c->nowhere[at].generation = c->generation;
    c->nowhere_generation = c->generation;
}

/* Is it worse than what need be shown? */
static bool is_worse(const struct search *s, const struct search_hit *hit)
{
    return s->stopped && (hit->key > s->stop_key || (hit->key == s->stop_key &&
                                                     hit->cost > s->stop_cost));
}

bool search_next(struct search *search, struct search_hit *out)
{
    struct search *s = search;
    uint32_t place;
    while (search_walk_next(s, &place)) {
        struct search_hit hit;
        if (!search_judge(s, place, &hit))
            continue;
        if (is_worse(s, &hit)) {
            s->kept = true;
            continue;
        }
        s->hits++;
        *out = hit;
        return true;
    }
    nobody(s);
    return false;
}

void search_stop_above(struct search *search, uint32_t key, uint64_t cost)
{
    struct search *s = search;
    if (s->stopped &&
        (key > s->stop_key || (key == s->stop_key && cost >= s->stop_cost)))
        return;
    s->stopped = true;
    s->stop_key = key;
    s->stop_cost = cost;
    s->stop_floor = tariff_scale(&s->mix, cost);
}

bool search_showed_all(const struct search *search)
{
    return !search->kept;
}

bool search_rest(const struct search *search, struct search_hit *out)
{
    const struct search *s = search;
    struct aisle_bound rest;
    if (!search_walk_rest(s, &rest))
        return false;
    *out = (struct search_hit){.key = rest.key,
                               .cost = tariff_unscale(&s->mix, rest.floor)};
    return true;
}
