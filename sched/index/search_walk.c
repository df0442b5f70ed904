#include "sched/index/search_impl.h"

#include <string.h>

#include "base/check.h"

/* Aisles are found by looking at all that wait; a search that takes more than
 * so many puts the rest into a heap. */
#define TAKEN_BY_LOOKING 4u
/* Blocks are found by the best of each eight. */
#define NONE UINT64_MAX

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

/* The bitmaps of an aisle that say anything there. */
static void lines_of(struct search *s, uint32_t aisle)
{
    const struct lineup *o = s->order;
    struct search_lines *out = &s->lines;
    out->blocks = UINT64_MAX;
    out->with_count = 0;
    out->without_count = 0;
    for (uint32_t i = 0; i < s->with_count; i++) {
        out->blocks &= *lineup_summary(o, s->with[i], aisle);
        out->with[out->with_count++] = lineup_word(o, s->with[i], aisle);
    }
    for (uint32_t i = 0; out->blocks != 0 && i < s->without_count; i++) {
        if ((*lineup_summary(o, s->without[i], aisle) & out->blocks) != 0)
            out->without[out->without_count++] =
                lineup_word(o, s->without[i], aisle);
    }
}

/* Takes out of eight words who bears none of a list of tags. */
static void drop_without_any(const struct search *s, uint32_t i, uint32_t first,
                             uint64_t words[8])
{
    uint64_t any[8] = {0};
    for (uint32_t k = 0; k < s->query->any[i].count; k++) {
        const uint64_t *one =
            lineup_word(s->order, s->any[i][k], s->aisle) + first;
        for (uint32_t w = 0; w < 8; w++)
            any[w] |= one[w];
    }
    for (uint32_t w = 0; w < 8; w++)
        words[w] &= any[w];
}

/* Eight words, a line of each bitmap: they stay in registers. False: they are
 * all zero. */
static bool words_eight(struct search *s, uint32_t first)
{
    const struct search_lines *lines = &s->lines;
    uint64_t eight[8];
    uint64_t any = UINT64_MAX;
    memcpy(eight, lines->with[0] + first, sizeof(eight));
    for (uint32_t i = 1; any != 0 && i < lines->with_count; i++) {
        const uint64_t *one = lines->with[i] + first;
        any = 0;
        for (uint32_t k = 0; k < 8; k++)
            any |= eight[k] &= one[k];
    }
    if (any == 0) {
        memset(&s->words[first], 0, sizeof(eight));
        return false;
    }
    for (uint32_t i = 0; i < lines->without_count; i++) {
        const uint64_t *one = lines->without[i] + first;
        for (uint32_t k = 0; k < 8; k++)
            eight[k] &= ~one[k];
    }
    for (uint32_t i = 0; i < s->query->any_count; i++) {
        if ((s->loose_any >> i & 1) == 0)
            drop_without_any(s, i, first, eight);
    }
    any = 0;
    for (uint32_t k = 0; k < 8; k++)
        any |= eight[k];
    memcpy(&s->words[first], eight, sizeof(eight));
    return any != 0;
}

static bool has_blocks(const struct search *s, uint32_t first)
{
    return (s->lines.blocks >> first & 255) != 0;
}

void search_words(struct search *s)
{
    lines_of(s, s->aisle);
    memset(s->words, 0, sizeof(s->words));
    for (uint32_t k = 0; k < AISLE_BLOCKS; k += 8) {
        if (has_blocks(s, k))
            (void)words_eight(s, k);
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
 * the floor behind it. A floor is below 2^63, so none is NONE. */
static uint64_t bound_of(bool keyed, uint32_t key, uint64_t floor)
{
    return keyed ? (uint64_t)key << 32 | floor >> 31 : floor;
}

/* Looks at eight blocks: NONE where nobody may fit. */
static void eight_open(struct search *s, uint32_t eight)
{
    const struct aisle *aisle = &s->order->aisles[s->aisle];
    uint32_t first = 8 * eight;
    uint64_t *floors = &s->floors[first];
    bool keyed = s->order->kind != ORDER_PRICE;
    s->opened |= 1u << eight;
    s->least[eight] = NONE;
    if (!words_eight(s, first))
        return;
    for (uint32_t k = 0; k < 8; k++)
        floors[k] = (uint64_t)s->mix.weight[0] * aisle->block_low[0][first + k];
    for (unsigned i = 1; i < TARIFF_PARTS; i++) {
        for (uint32_t k = 0; s->mix.weight[i] > 0 && k < 8; k++)
            floors[k] +=
                (uint64_t)s->mix.weight[i] * aisle->block_low[i][first + k];
    }
    for (uint32_t k = 0; k < 8; k++) {
        uint64_t bound =
            bound_of(keyed, aisle->block_key[first + k], floors[k]);
        s->bounds[first + k] = s->words[first + k] != 0 ? bound : NONE;
    }
    s->least[eight] = least_of(&s->bounds[first]);
}

/* Eights wait by the bounds of their boxes. False: nobody there may fit. */
static bool aisle_open(struct search *s)
{
    const struct aisle *aisle = &s->order->aisles[s->aisle];
    bool keyed = s->order->kind != ORDER_PRICE;
    s->opened = 0;
    lines_of(s, s->aisle);
    for (uint32_t k = 0; k < AISLE_EIGHTS; k++) {
        uint64_t floor = 0;
        for (unsigned i = 0; i < TARIFF_PARTS; i++)
            floor += (uint64_t)s->mix.weight[i] * aisle->eight_low[i][k];
        s->least[k] = has_blocks(s, 8 * k)
                          ? bound_of(keyed, aisle->eight_key[k], floor)
                          : NONE;
    }
    return s->lines.blocks != 0;
}

static bool next_aisle(struct search *s)
{
    struct aisle_bound *heap = s->order->heap;
    while (s->waiting > 0 && !is_beyond(s, heap[0].key, heap[0].floor)) {
        s->aisle = heap[0].aisle;
        take_front(s);
        s->open = aisle_open(s);
        if (s->open)
            return true;
    }
    s->kept = s->kept || s->waiting > 0;
    s->waiting = 0;
    return false;
}

/* ---- blocks of the aisle, the best bound first ---- */

static uint32_t best_eight(const struct search *s)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < AISLE_EIGHTS; k++)
        best = s->least[k] < s->least[best] ? k : best;
    return best;
}

static uint32_t take_block(struct search *s, uint32_t eight)
{
    uint32_t best = 8 * eight;
    for (uint32_t k = best + 1; k < 8 * eight + 8; k++)
        best = s->bounds[k] < s->bounds[best] ? k : best;
    s->bounds[best] = NONE;
    s->least[eight] = least_of(&s->bounds[8 * eight]);
    return best;
}

/* Is whoever is taken by that bound beyond, and so all behind it? */
static bool is_bound_beyond(const struct search *s, uint64_t bound)
{
    if (s->order->kind == ORDER_PRICE)
        return is_beyond(s, 0, bound);
    return is_beyond(s, (uint32_t)(bound >> 32), (bound & UINT32_MAX) << 31);
}

/* What search_judge will look at is asked for while prices are added up. */
static void fetch_ahead(const struct search *s, uint32_t word, uint64_t bits)
{
    size_t place =
        (size_t)word * BLOCK_PLACES + (uint32_t)__builtin_ctzll(bits);
    __builtin_prefetch(&s->order->slot_at[place]);
    for (uint32_t i = 0; i < s->inexact_count; i++) {
        const struct figures *own = lineup_figures(s->order, s->inexact[i]);
        if (own != NULL)
            __builtin_prefetch(&own->codes[place]);
    }
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
    if (bits != 0)
        fetch_ahead(s, word, bits);
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
        uint32_t eight = best_eight(s);
        if (s->least[eight] == NONE || is_bound_beyond(s, s->least[eight])) {
            s->kept = s->kept || s->least[eight] != NONE;
            break;
        }
        if ((s->opened >> eight & 1) == 0) {
            eight_open(s, eight);
            continue;
        }
        uint32_t block = take_block(s, eight);
        if (!is_beyond(s, aisle->block_key[block], s->floors[block])) {
            block_open(s, block);
            return true;
        }
        s->kept = true;
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
    for (uint32_t k = 0; s->open && k < AISLE_EIGHTS; k++) {
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
