#include "sched/index/search_impl.h"

#include <string.h>

#include "base/check.h"

/* Aisles are found by looking at all that wait; a search that takes more than
 * so many puts the rest into a heap. */
#define TAKEN_BY_LOOKING 4u
/* Blocks are found by the best of each eight. */
#define EIGHTS (AISLE_BLOCKS / 8)
#define NONE   UINT64_MAX

/* ---- aisles, the best bound first ---- */

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

/* Brings the best to the front. */
static void bring_best(struct search *s)
{
    struct aisle_bound *heap = s->order->heap;
    if (s->taken == TAKEN_BY_LOOKING) {
        for (uint32_t i = s->waiting / 2; i-- > 0;)
            sift_down(heap, s->waiting, i);
        return;
    }
    uint32_t best = 0;
    for (uint32_t i = 1; i < s->waiting; i++)
        best = is_better(&heap[i], &heap[best]) ? i : best;
    struct aisle_bound front = heap[0];
    heap[0] = heap[best];
    heap[best] = front;
}

/* The front goes. */
static void take_front(struct search *s)
{
    struct aisle_bound *heap = s->order->heap;
    heap[0] = heap[--s->waiting];
    if (s->waiting == 0)
        return;
    if (s->taken++ < TAKEN_BY_LOOKING)
        bring_best(s);
    else
        sift_down(heap, s->waiting, 0);
}

void search_walk_begin(struct search *s)
{
    struct lineup *o = s->order;
    s->taken = 0;
    for (uint32_t i = 0; i < o->aisle_count; i++) {
        const struct aisle_face *face = &o->faces[i];
        uint64_t floor = tariff_floor(&s->mix, face->low);
        if (floor <= s->cap)
            o->heap[s->waiting++] = (struct aisle_bound){
                .key = face->key_low, .aisle = i, .floor = floor};
    }
    if (s->waiting > 0)
        bring_best(s);
}

static bool is_beyond(const struct search *s, uint32_t key, uint64_t floor)
{
    if (!s->stopped || key < s->stop_key)
        return false;
    return key > s->stop_key || floor > s->stop_floor;
}

/* ---- the words and bounds of an aisle ---- */

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

/* Eight words, a line of each bitmap: they stay in registers. */
static void words_eight(const struct search *s, uint32_t aisle, uint32_t first,
                        uint64_t out[8])
{
    uint64_t eight[8];
    memcpy(eight, lineup_word(s->order, s->with[0], aisle) + first,
           sizeof(eight));
    for (uint32_t i = 1; i < s->with_count; i++) {
        const uint64_t *one = lineup_word(s->order, s->with[i], aisle) + first;
        for (uint32_t k = 0; k < 8; k++)
            eight[k] &= one[k];
    }
    for (uint32_t i = 0; i < s->without_count; i++) {
        const uint64_t *one =
            lineup_word(s->order, s->without[i], aisle) + first;
        for (uint32_t k = 0; k < 8; k++)
            eight[k] &= ~one[k];
    }
    memcpy(out, eight, sizeof(eight));
}

void search_words(struct search *s, uint32_t aisle)
{
    for (uint32_t k = 0; k < AISLE_BLOCKS; k += 8)
        words_eight(s, aisle, k, &s->words[k]);
    for (uint32_t i = 0; i < s->query->any_count; i++) {
        if ((s->loose_any >> i & 1) == 0)
            drop_without_any(s, i, aisle);
    }
}

static void aisle_floors(struct search *s, const struct aisle *aisle)
{
    uint64_t *floors = s->floors;
    uint64_t weight = s->mix.weight[0];
    for (uint32_t k = 0; k < AISLE_BLOCKS; k++)
        floors[k] = weight * aisle->block_low[0][k];
    for (unsigned i = 1; i < TARIFF_PARTS; i++) {
        weight = s->mix.weight[i];
        for (uint32_t k = 0; weight > 0 && k < AISLE_BLOCKS; k++)
            floors[k] += weight * aisle->block_low[i][k];
    }
}

static uint64_t least_of(const uint64_t *bounds)
{
    uint64_t least = bounds[0];
    for (uint32_t k = 1; k < 8; k++)
        least = bounds[k] < least ? bounds[k] : least;
    return least;
}

/* What blocks are taken by: the floor, or the key and what there is room for of
 * the floor behind it; NONE where nobody may fit. A floor is below 2^63. */
static bool aisle_bounds(struct search *s, const struct aisle *aisle)
{
    uint64_t least = NONE;
    bool keyed = s->order->kind != ORDER_PRICE;
    for (uint32_t k = 0; k < AISLE_BLOCKS; k++) {
        uint64_t bound = s->floors[k];
        if (keyed)
            bound = (uint64_t)aisle->block_key[k] << 32 | bound >> 31;
        s->bounds[k] = s->words[k] != 0 ? bound : NONE;
    }
    for (uint32_t k = 0; k < EIGHTS; k++) {
        s->least[k] = least_of(&s->bounds[8 * k]);
        least = s->least[k] < least ? s->least[k] : least;
    }
    return least != NONE;
}

static bool any_block(const struct search *s, uint32_t aisle)
{
    uint64_t blocks = UINT64_MAX;
    for (uint32_t i = 0; i < s->with_count; i++)
        blocks &= *lineup_summary(s->order, s->with[i], aisle);
    return blocks != 0;
}

static bool next_aisle(struct search *s)
{
    struct aisle_bound *heap = s->order->heap;
    while (s->waiting > 0 && !is_beyond(s, heap[0].key, heap[0].floor)) {
        s->aisle = heap[0].aisle;
        take_front(s);
        if (!any_block(s, s->aisle))
            continue;
        const struct aisle *aisle = &s->order->aisles[s->aisle];
        search_words(s, s->aisle);
        aisle_floors(s, aisle);
        s->open = aisle_bounds(s, aisle);
        if (s->open)
            return true;
    }
    s->kept = s->kept || s->waiting > 0;
    s->waiting = 0;
    return false;
}

/* ---- blocks of the aisle, the best bound first ---- */

static uint32_t best_block(const struct search *s)
{
    uint32_t eight = 0;
    for (uint32_t k = 1; k < EIGHTS; k++)
        eight = s->least[k] < s->least[eight] ? k : eight;
    uint32_t best = 8 * eight;
    for (uint32_t k = best + 1; k < 8 * eight + 8; k++)
        best = s->bounds[k] < s->bounds[best] ? k : best;
    return best;
}

/* Takes a block's members into s->bits; where prices stand by place, those that
 * are not too dear with their own bounds. */
static void block_open(struct search *s, uint32_t block)
{
    uint32_t word = s->aisle * AISLE_BLOCKS + block;
    uint64_t bits = s->floors[block] <= s->cap ? s->words[block] : 0;
    s->block = block;
    s->bits = 0;
    if (s->order->prices == NULL) {
        s->bits = bits;
        return;
    }
    const struct block_prices *prices = &s->order->prices[word];
    for (; bits != 0; bits &= bits - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(bits);
        uint64_t floor = 0;
        for (unsigned i = 0; i < TARIFF_PARTS; i++)
            floor += (uint64_t)s->mix.weight[i] * prices->part[i][at];
        s->own[at] = floor;
        s->bits |= (uint64_t)(floor <= s->cap) << at;
    }
}

/* Of blocks with one key the bound rounds their floors down, so one may be
 * beyond and another behind it not. */
static bool next_block(struct search *s)
{
    const struct aisle *aisle = &s->order->aisles[s->aisle];
    while (s->open) {
        uint32_t best = best_block(s);
        if (s->bounds[best] == NONE)
            break;
        bool keyed = s->order->kind != ORDER_PRICE;
        uint32_t key = keyed ? aisle->block_key[best] : 0;
        s->bounds[best] = NONE;
        s->least[best / 8] = least_of(&s->bounds[best / 8 * 8]);
        if (is_beyond(s, key, s->floors[best])) {
            s->kept = true;
            if (!keyed || key > s->stop_key)
                break;
            continue;
        }
        block_open(s, best);
        return true;
    }
    s->open = false;
    return false;
}

/* ---- members of the block ---- */

/* The cheapest of them by its bound; false when none is worth it. */
static bool next_by_price(struct search *s, uint32_t *out_at)
{
    uint32_t best = (uint32_t)__builtin_ctzll(s->bits);
    for (uint64_t left = s->bits & (s->bits - 1); left != 0; left &= left - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(left);
        best = s->own[at] < s->own[best] ? at : best;
    }
    if (s->stopped && (s->stop_key == 0 && s->own[best] > s->stop_floor)) {
        s->kept = true;
        s->bits = 0;
        return false;
    }
    *out_at = best;
    return true;
}

bool search_walk_next(struct search *s, uint32_t *out_place)
{
    do {
        while (s->bits != 0) {
            uint32_t at = (uint32_t)__builtin_ctzll(s->bits);
            if (s->order->prices != NULL && !next_by_price(s, &at))
                continue;
            s->bits &= ~(UINT64_C(1) << at);
            *out_place = s->aisle * AISLE_PLACES + s->block * BLOCK_PLACES + at;
            return true;
        }
    } while (next_block(s) || next_aisle(s));
    return false;
}

static void rest_add(struct aisle_bound *best, uint32_t key, uint64_t floor)
{
    const struct aisle_bound one = {.key = key, .floor = floor};
    if (is_better(&one, best))
        *best = one;
}

bool search_walk_rest(const struct search *s, struct aisle_bound *out)
{
    const struct aisle *aisle = &s->order->aisles[s->aisle];
    bool keyed = s->order->kind != ORDER_PRICE;
    struct aisle_bound best = {.key = UINT32_MAX, .floor = UINT64_MAX};
    if (s->bits != 0)
        rest_add(&best, aisle->block_key[s->block], s->floors[s->block]);
    for (uint32_t k = 0; s->open && k < EIGHTS; k++) {
        uint64_t bound = s->least[k];
        if (bound != NONE && keyed)
            rest_add(&best, (uint32_t)(bound >> 32),
                     (bound & UINT32_MAX) << 31);
        else if (bound != NONE)
            rest_add(&best, 0, bound);
    }
    if (s->waiting > 0)
        rest_add(&best, s->order->heap[0].key, s->order->heap[0].floor);
    *out = best;
    return s->bits != 0 || best.key != UINT32_MAX || best.floor != UINT64_MAX;
}
