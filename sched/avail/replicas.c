#include "sched/avail/replicas.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

/* Rounding in the last digits does not cost a replica. */
#define ROUNDING 1e-12

static bool is_chance(double value)
{
    return value >= 0 && value <= 1;
}

/* -ln of a chance to fail: replicas add. */
static double strength(double down)
{
    return down > 0 ? -log(down) : INFINITY;
}

static bool enough(double has, double needed)
{
    return has >= needed * (1 - ROUNDING);
}

uint32_t replicas_equal(double down, double down_max)
{
    double n;
    CHECK(is_chance(down) && is_chance(down_max));
    if (down <= down_max)
        return 1;
    if (down == 1 || down_max == 0)
        return 0;
    n = ceil(strength(down_max) / strength(down) * (1 - ROUNDING));
    return n < UINT32_MAX ? (uint32_t)n : 0;
}

/* The search weighs prices against chances: in doubles, and in sums that
 * check has bounded. */
static uint64_t micro_of(const struct replicas_candidate *c)
{
    return c->price.micro; /* lint: micro (weighed, not booked) */
}

static enum err check(const struct replicas_candidate *candidates,
                      uint32_t count, double down_max)
{
    struct amount sum = {0};
    if (count == 0 || count > REPLICAS_CANDIDATES_MAX || !is_chance(down_max))
        return ERR_RANGE;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_chance(candidates[i].down) ||
            amount_add(sum, candidates[i].price, &sum) != OK)
            return ERR_RANGE;
    }
    return OK;
}

static void add_price(struct replicas *r, const struct replicas_candidate *c)
{
    CHECK(amount_add(r->price, c->price, &r->price) == OK); /* as check says */
}

/* ---- the fewest ---- */

static bool before(const struct replicas_candidate *c, uint32_t i, uint32_t j)
{
    if (c[i].down < c[j].down || c[i].down > c[j].down)
        return c[i].down < c[j].down;
    int order = amount_cmp(c[i].price, c[j].price);
    return order != 0 ? order < 0 : i < j;
}

static bool shares_domain(const struct replicas_candidate *c,
                          const uint32_t *picks, uint32_t count, uint32_t i)
{
    for (uint32_t p = 0; c[i].domain != 0 && p < count; p++) {
        if (c[picks[p]].domain == c[i].domain)
            return true;
    }
    return false;
}

static void by_strength(const struct replicas_candidate *c, uint32_t count,
                        uint32_t *out)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && before(c, i, out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
}

/* Takes the strongest that may stand together until they are `needed`; false:
 * they are never, and *out is all that may. */
static bool gather(const struct replicas_candidate *candidates, uint32_t count,
                   double needed, struct replicas *out)
{
    uint32_t order[REPLICAS_CANDIDATES_MAX];
    double has = 0;
    *out = (struct replicas){.down = 1};
    by_strength(candidates, count, order);
    for (uint32_t i = 0; i < count && out->count < REPLICAS_MAX; i++) {
        const struct replicas_candidate *c = &candidates[order[i]];
        if (shares_domain(candidates, out->picks, out->count, order[i]))
            continue;
        out->picks[out->count++] = order[i];
        out->down *= c->down;
        add_price(out, c);
        has += strength(c->down);
        if (enough(has, needed))
            return true;
    }
    return false;
}

enum err replicas_fewest(const struct replicas_candidate *candidates,
                         uint32_t count, double down_max, struct replicas *out)
{
    struct replicas r;
    TRY(check(candidates, count, down_max));
    if (!gather(candidates, count, strength(down_max), &r))
        return ERR_CAPACITY;
    *out = r;
    return OK;
}

enum err replicas_best(const struct replicas_candidate *candidates,
                       uint32_t count, struct replicas *out)
{
    TRY(check(candidates, count, 0));
    (void)gather(candidates, count, INFINITY, out); /* one that never fails is
                                                     * enough, or all */
    return OK;
}

/* ---- the cheapest ---- */

struct item {
    double strength; /* no more than is needed */
    uint64_t price;
    uint32_t index;
};

struct hunt {
    const struct replicas_candidate *candidates;
    struct item items[REPLICAS_CANDIDATES_MAX]; /* the best bargains first */
    uint32_t count;
    double needed;
    uint32_t steps_left;
    uint32_t picks[REPLICAS_MAX];
    uint32_t pick_count;
    uint32_t best_picks[REPLICAS_MAX];
    uint32_t best_count; /* 0: none yet */
    uint64_t best_price;
};

/* Does a give more for its price than b? */
static bool bargain(const struct item *a, const struct item *b)
{
    double x = (double)a->price * b->strength;
    double y = (double)b->price * a->strength;
    if (x < y || x > y)
        return x < y;
    return a->price != b->price ? a->price < b->price : a->index < b->index;
}

static void list_items(struct hunt *h, uint32_t count)
{
    h->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct replicas_candidate *c = &h->candidates[i];
        struct item item = {.strength = fmin(strength(c->down), h->needed),
                            .price = micro_of(c),
                            .index = i};
        uint32_t at = h->count;
        if (item.strength <= 0) /* it always fails: no help */
            continue;
        for (; at > 0 && bargain(&item, &h->items[at - 1]); at--)
            h->items[at] = h->items[at - 1];
        h->items[at] = item;
        h->count++;
    }
}

/* What the rest costs at least, if items could be cut: no choice of those from
 * `at` on is cheaper. UINT64_MAX: they are not enough. */
static uint64_t price_floor(const struct hunt *h, uint32_t at, double needed)
{
    double price = 0;
    for (; at < h->count && needed > 0; at++) {
        const struct item *item = &h->items[at];
        double part = fmin(1, needed / item->strength);
        price += part * (double)item->price;
        needed -= item->strength;
    }
    if (needed > h->needed * ROUNDING)
        return UINT64_MAX;
    return (uint64_t)ceil(price * (1 - 1e-9));
}

static void keep(struct hunt *h, uint64_t price)
{
    h->best_price = price;
    h->best_count = h->pick_count;
    memcpy(h->best_picks, h->picks, sizeof(h->picks));
}

/* Looks at the items from `at` on; `needed` is missing, `price` is spent. */
static void look(struct hunt *h, uint32_t at, double needed, uint64_t price)
{
    for (; at < h->count && h->steps_left > 0; at++) {
        const struct item *item = &h->items[at];
        uint64_t floor_price = price_floor(h, at, needed);
        if (floor_price == UINT64_MAX || h->pick_count == REPLICAS_MAX ||
            (h->best_count > 0 && floor_price >= h->best_price - price))
            return;
        h->steps_left--;
        if (shares_domain(h->candidates, h->picks, h->pick_count, item->index))
            continue;
        h->picks[h->pick_count++] = item->index;
        double left = needed - item->strength;
        uint64_t spent = price + item->price;
        if (left > h->needed * ROUNDING)
            look(h, at + 1, left, spent);
        else if (h->best_count == 0 || spent < h->best_price)
            keep(h, spent);
        h->pick_count--;
    }
}

static void read_out(const struct hunt *h, struct replicas *out)
{
    const struct replicas_candidate *c = h->candidates;
    struct replicas r = {.down = 1};
    for (uint32_t i = 0; i < h->best_count; i++) {
        uint32_t pick = h->best_picks[i];
        uint32_t at = r.count++;
        for (; at > 0 && before(c, pick, r.picks[at - 1]); at--)
            r.picks[at] = r.picks[at - 1];
        r.picks[at] = pick;
        r.down *= c[pick].down;
        add_price(&r, &c[pick]);
    }
    *out = r;
}

enum err replicas_cheapest(const struct replicas_candidate *candidates,
                           uint32_t count, double down_max, uint32_t steps_max,
                           struct replicas *out)
{
    struct hunt h = {.candidates = candidates, .steps_left = steps_max};
    struct replicas fewest;
    uint64_t least;
    TRY(replicas_fewest(candidates, count, down_max, &fewest));
    h.needed = strength(down_max);
    if (!(h.needed > 0) || isinf(h.needed)) {
        /* One is enough, or only one that never fails is. */
        h.needed = 1;
        for (uint32_t i = 0; i < count; i++) {
            if (candidates[i].down <= down_max &&
                (h.best_count == 0 ||
                 micro_of(&candidates[i]) < h.best_price)) {
                h.picks[0] = i;
                h.pick_count = 1;
                keep(&h, micro_of(&candidates[i]));
            }
        }
        CHECK(h.best_count == 1);
        read_out(&h, out);
        out->price_least = out->price;
        return OK;
    }
    memcpy(h.picks, fewest.picks, sizeof(h.picks));
    h.pick_count = fewest.count;
    keep(&h, fewest.price.micro); /* lint: micro (weighed) */
    h.pick_count = 0;
    list_items(&h, count);
    least = price_floor(&h, 0, h.needed);
    look(&h, 0, h.needed, 0);
    read_out(&h, out);
    out->price_least = h.steps_left > 0 ? out->price : amount_micro(least);
    return OK;
}

/* ---- in somebody's order ---- */

struct line_up {
    const struct replicas_candidate *candidates;
    uint32_t count;
    uint32_t strongest[REPLICAS_CANDIDATES_MAX];
    struct replicas has;
    double strength;
};

static bool taken(const struct line_up *l, uint32_t i)
{
    for (uint32_t p = 0; p < l->has.count; p++) {
        if (l->has.picks[p] == i)
            return true;
    }
    return shares_domain(l->candidates, l->has.picks, l->has.count, i);
}

static void take(struct line_up *l, uint32_t i)
{
    const struct replicas_candidate *c = &l->candidates[i];
    l->has.picks[l->has.count++] = i;
    l->has.down *= c->down;
    l->strength += strength(c->down);
    add_price(&l->has, c);
}

/* Are there enough others to make `copies` that reach the target? */
static bool can_be(struct line_up l, uint32_t copies, double needed)
{
    for (uint32_t i = 0; i < l.count && l.has.count < copies; i++) {
        if (!taken(&l, l.strongest[i]))
            take(&l, l.strongest[i]);
    }
    return l.has.count == copies && enough(l.strength, needed);
}

enum err replicas_in_order(const struct replicas_candidate *candidates,
                           uint32_t count, double down_max, uint32_t copies,
                           struct replicas *out)
{
    struct line_up l = {
        .candidates = candidates, .count = count, .has = {.down = 1}};
    CHECK(copies > 0 && copies <= REPLICAS_MAX);
    TRY(check(candidates, count, down_max));
    by_strength(candidates, count, l.strongest);
    if (!can_be(l, copies, strength(down_max)))
        return ERR_CAPACITY;
    for (uint32_t i = 0; i < count && l.has.count < copies; i++) {
        struct line_up with = l;
        if (taken(&l, i))
            continue;
        take(&with, i);
        if (can_be(with, copies, strength(down_max)))
            l = with;
    }
    CHECK(l.has.count == copies);
    *out = l.has;
    return OK;
}
