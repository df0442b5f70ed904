#include "sched/index/search.h"

#include <string.h>

#include "base/check.h"
#include "sched/index/catalog_impl.h"

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
    s->with[s->with_count++] = BITMAP_THERE;
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
    catalog_observe(s->catalog, (enum dimension)dim, FOLLOW_WANTS, want);
    catalog_bracket(s->catalog, (enum dimension)dim, want, &may, &does);
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

/* Takes out of an aisle's words who bears none of a list of tags. */
static void drop_without_any(struct search *s, uint32_t i, uint32_t aisle)
{
    uint64_t any[AISLE_BLOCKS] = {0};
    for (uint32_t k = 0; k < s->query->any[i].count; k++) {
        const uint64_t *one = lineup_word(s->order, s->any[i][k], aisle);
        for (uint32_t w = 0; w < AISLE_BLOCKS; w++)
            any[w] |= one[w];
    }
    for (uint32_t w = 0; w < AISLE_BLOCKS; w++)
        s->words[w] &= any[w];
}

/* What requests usually want decides where blocks are narrow. */
static void learn_mix(struct catalog *c, const struct tariff_mix *mix)
{
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint32_t mean = c->typical[i];
        c->typical[i] = mean - mean / 64 + mix->weight[i] / 64;
    }
}

/* ---- aisles, the best bound first: a heap ---- */

static bool is_better(const struct aisle_bound *a, const struct aisle_bound *b)
{
    return a->key != b->key ? a->key < b->key : a->floor < b->floor;
}

static void sift_down(struct aisle_bound *heap, uint32_t len, uint32_t at)
{
    struct aisle_bound moved = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < len; at = child) {
        if (child + 1 < len && is_better(&heap[child + 1], &heap[child]))
            child++;
        if (!is_better(&heap[child], &moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static uint64_t aisle_blocks(const struct search *s, uint32_t aisle)
{
    uint64_t blocks = UINT64_MAX;
    for (uint32_t i = 0; i < s->with_count; i++)
        blocks &= *lineup_summary(s->order, s->with[i], aisle);
    return blocks;
}

static void heap_fill(struct search *s)
{
    struct lineup *o = s->order;
    for (uint32_t i = 0; i < o->aisle_count; i++) {
        const struct aisle *aisle = &o->aisles[i];
        uint64_t floor = tariff_floor(&s->mix, aisle->box.low);
        if (aisle_blocks(s, i) != 0 && floor <= s->cap)
            o->heap[s->waiting++] = (struct aisle_bound){
                .key = aisle->key_low, .aisle = i, .floor = floor};
    }
    for (uint32_t i = s->waiting / 2; i-- > 0;)
        sift_down(o->heap, s->waiting, i);
}

static bool is_beyond(const struct search *s, uint32_t key, uint64_t floor)
{
    if (!s->stopped || key < s->stop_key)
        return false;
    return key > s->stop_key || floor > s->stop_floor;
}

/* The words of an aisle's blocks: everybody who may fit. */
static void aisle_words(struct search *s, uint32_t aisle)
{
    uint64_t *words = s->words;
    const uint64_t *one = lineup_word(s->order, s->with[0], aisle);
    memcpy(words, one, sizeof(s->words));
    for (uint32_t i = 1; i < s->with_count; i++) {
        one = lineup_word(s->order, s->with[i], aisle);
        for (uint32_t k = 0; k < AISLE_BLOCKS; k++)
            words[k] &= one[k];
    }
    for (uint32_t i = 0; i < s->without_count; i++) {
        one = lineup_word(s->order, s->without[i], aisle);
        for (uint32_t k = 0; k < AISLE_BLOCKS; k++)
            words[k] &= ~one[k];
    }
    for (uint32_t i = 0; i < s->query->any_count; i++) {
        if ((s->loose_any >> i & 1) == 0)
            drop_without_any(s, i, aisle);
    }
}

static void aisle_floors(struct search *s, const struct aisle *aisle)
{
    memset(s->floors, 0, sizeof(s->floors));
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        uint64_t weight = s->mix.weight[i];
        for (uint32_t k = 0; k < AISLE_BLOCKS; k++)
            s->floors[k] += weight * aisle->block_low[i][k];
    }
}

static bool next_aisle(struct search *s)
{
    struct aisle_bound *heap = s->order->heap;
    while (s->waiting > 0 && !is_beyond(s, heap[0].key, heap[0].floor)) {
        uint64_t blocks = aisle_blocks(s, heap[0].aisle);
        s->aisle = heap[0].aisle;
        heap[0] = heap[--s->waiting];
        if (s->waiting > 0)
            sift_down(heap, s->waiting, 0);
        aisle_words(s, s->aisle);
        s->left = 0;
        for (uint32_t k = 0; k < AISLE_BLOCKS; k++)
            s->left |= (uint64_t)(s->words[k] != 0) << k;
        s->left &= blocks;
        if (s->left == 0)
            continue;
        aisle_floors(s, &s->order->aisles[s->aisle]);
        return true;
    }
    s->kept = s->kept || s->waiting > 0;
    s->waiting = 0;
    return false;
}

/* The block with the best bound of those left. */
static bool next_block(struct search *s)
{
    const struct aisle *aisle = &s->order->aisles[s->aisle];
    uint32_t best = AISLE_BLOCKS;
    if (s->left == 0)
        return false;
    for (uint64_t left = s->left; left != 0; left &= left - 1) {
        uint32_t k = (uint32_t)__builtin_ctzll(left);
        if (best == AISLE_BLOCKS ||
            aisle->block_key[k] < aisle->block_key[best] ||
            (aisle->block_key[k] == aisle->block_key[best] &&
             s->floors[k] < s->floors[best]))
            best = k;
    }
    if (is_beyond(s, aisle->block_key[best], s->floors[best])) {
        s->kept = true;
        s->left = 0;
        return false;
    }
    s->left &= ~(UINT64_C(1) << best);
    s->block = best;
    s->bits = s->floors[best] <= s->cap ? s->words[best] : 0;
    return true;
}

/* ---- one offer ---- */

static bool has_enough(const struct search *s, uint32_t slot)
{
    for (uint32_t i = 0; i < s->inexact_count; i++) {
        uint32_t dim = s->inexact[i];
        if (s->catalog->have[dim][slot] < s->query->want[dim])
            return false;
    }
    return true;
}

static bool bears_one(const struct row *row, const struct query_any *any)
{
    for (uint32_t i = 0; i < any->count; i++) {
        if (row_has_tag(row, any->tags[i]))
            return true;
    }
    return false;
}

/* Of the tags that have no bitmap. */
static bool bears_tags(const struct search *s, uint32_t slot)
{
    const struct row *row = &s->catalog->rows[slot];
    const struct query *q = s->query;
    for (uint32_t left = s->loose; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        if (row_has_tag(row, q->tags[i].tag) == q->tags[i].absent)
            return false;
    }
    for (uint32_t left = s->loose_any; left != 0; left &= left - 1) {
        if (!bears_one(row, &q->any[__builtin_ctz(left)]))
            return false;
    }
    return true;
}

static bool is_wanted(struct search *s, uint32_t place, struct search_hit *out)
{
    const struct catalog *c = s->catalog;
    out->slot = s->order->slot_at[place];
    if (!has_enough(s, out->slot) || !bears_tags(s, out->slot) ||
        !tariff_cost(&s->mix, &c->tariffs[out->slot], &out->cost) ||
        out->cost > s->query->cost_max)
        return false;
    out->key = c->rows[out->slot].key[s->order->kind];
    bool worse =
        s->stopped && (out->key > s->stop_key ||
                       (out->key == s->stop_key && out->cost > s->stop_cost));
    s->kept = s->kept || worse;
    return !worse;
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

enum err search_begin(struct search *search, struct catalog *catalog,
                      enum order_kind order, const struct query *query)
{
    struct search *s = search;
    s->catalog = catalog;
    s->query = query;
    s->with_count = 0;
    s->without_count = 0;
    s->inexact_count = 0;
    s->loose = 0;
    s->loose_any = 0;
    s->nobody = false;
    s->waiting = 0;
    s->aisle = 0;
    s->block = 0;
    s->left = 0;
    s->bits = 0;
    s->stopped = false;
    s->kept = false;
    s->hits = 0;
    s->question = question_of(query);
    TRY(catalog_order(catalog, order, &s->order));
    uint32_t at = (uint32_t)(s->question % NOWHERE_MAX);
    if (catalog->nowhere[at].question == s->question &&
        catalog->nowhere[at].generation == catalog->generation)
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
    if (!s->nobody)
        heap_fill(s);
    return OK;
}

static void nobody(struct search *s)
{
    uint32_t at = (uint32_t)(s->question % NOWHERE_MAX);
    if (s->hits > 0 || s->stopped)
        return;
    s->catalog->nowhere[at].question = s->question;
    s->catalog->nowhere[at].generation = s->catalog->generation;
}

bool search_next(struct search *search, struct search_hit *out)
{
    struct search *s = search;
    do {
        uint32_t first = s->aisle * AISLE_PLACES + s->block * BLOCK_PLACES;
        while (s->bits != 0) {
            uint32_t place = first + (uint32_t)__builtin_ctzll(s->bits);
            struct search_hit hit;
            s->bits &= s->bits - 1;
            if (is_wanted(s, place, &hit)) {
                s->hits++;
                *out = hit;
                return true;
            }
        }
    } while (next_block(s) || next_aisle(s));
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

static void rest_add(struct aisle_bound *best, uint32_t key, uint64_t floor)
{
    const struct aisle_bound one = {.key = key, .floor = floor};
    if (is_better(&one, best))
        *best = one;
}

bool search_rest(const struct search *search, struct search_hit *out)
{
    const struct search *s = search;
    const struct aisle *aisle = &s->order->aisles[s->aisle];
    struct aisle_bound best = {.key = UINT32_MAX, .floor = UINT64_MAX};
    if (s->bits == 0 && s->left == 0 && s->waiting == 0)
        return false;
    if (s->bits != 0)
        rest_add(&best, aisle->block_key[s->block], s->floors[s->block]);
    for (uint64_t left = s->left; left != 0; left &= left - 1) {
        uint32_t k = (uint32_t)__builtin_ctzll(left);
        rest_add(&best, aisle->block_key[k], s->floors[k]);
    }
    if (s->waiting > 0)
        rest_add(&best, s->order->heap[0].key, s->order->heap[0].floor);
    *out = (struct search_hit){.key = best.key,
                               .cost = tariff_unscale(&s->mix, best.floor)};
    return true;
}

/* Takes out of an aisle's words who has too little of a dimension: only those
 * between two rungs are looked up. */
static void drop_short(struct search *s, uint32_t dim)
{
    const struct catalog *c = s->catalog;
    const uint64_t *enough = NULL;
    uint32_t may;
    uint32_t does;
    catalog_bracket(c, (enum dimension)dim, s->query->want[dim], &may, &does);
    if (does != BITMAP_COUNT)
        enough = lineup_word(s->order, does, s->aisle);
    for (uint32_t k = 0; k < AISLE_BLOCKS; k++) {
        uint64_t unsure = s->words[k] & ~(enough != NULL ? enough[k] : 0);
        uint32_t first = s->aisle * AISLE_PLACES + k * BLOCK_PLACES;
        for (; unsure != 0; unsure &= unsure - 1) {
            uint32_t at = (uint32_t)__builtin_ctzll(unsure);
            uint32_t slot = s->order->slot_at[first + at];
            if (c->have[dim][slot] < s->query->want[dim])
                s->words[k] &= ~(UINT64_C(1) << at);
        }
    }
}

/* Of a block's word, those that are not too dear, and bear what had to be
 * looked up. */
static uint64_t drop_dear(struct search *s, uint32_t k)
{
    const struct aisle *aisle = &s->order->aisles[s->aisle];
    uint64_t word = s->words[k];
    uint32_t high[TARIFF_PARTS];
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        high[i] = aisle->block_high[i][k];
    if (s->loose == 0 && s->loose_any == 0 &&
        tariff_within(&s->mix, high, s->query->cost_max))
        return word;
    uint32_t first = s->aisle * AISLE_PLACES + k * BLOCK_PLACES;
    for (uint64_t left = word; left != 0; left &= left - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(left);
        struct search_hit hit;
        if (!is_wanted(s, first + at, &hit))
            word &= ~(UINT64_C(1) << at);
    }
    return word;
}

uint32_t search_count(struct catalog *catalog, const struct query *query)
{
    struct search s;
    uint32_t count = 0;
    CHECK(search_begin(&s, catalog, ORDER_PRICE, query) == OK);
    for (uint32_t i = 0; i < s.waiting; i++) {
        s.aisle = s.order->heap[i].aisle;
        aisle_words(&s, s.aisle);
        for (uint32_t k = 0; k < s.inexact_count; k++)
            drop_short(&s, s.inexact[k]);
        for (uint32_t k = 0; k < AISLE_BLOCKS; k++) {
            if (s.words[k] != 0)
                count += (uint32_t)__builtin_popcountll(drop_dear(&s, k));
        }
    }
    return count;
}
