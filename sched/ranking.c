#include "sched/ranking.h"

#include <string.h>

#include "base/check.h"
#include "base/short_hash.h"
#include "sched/fragment.h"

#define MILLION 1000000u
/* Ratios are in 1/2^20, at most 1. */
#define RATIO_ONE (UINT64_C(1) << 20)

/* ---- figures ---- */

static bool near_us(const struct ranking *r)
{
    return pubkey_is_zero(&r->terms.near);
}

static bool figure(const struct ranking *r, const struct candidate *c,
                   enum policy_part part, uint64_t *out)
{
    return figure_get(c, part, &r->demand->want, &r->terms, out);
}

static bool more_is_better(enum policy_part part)
{
    return part == PART_SPEED;
}

/* ---- setting up ---- */

static enum policy_divide divide_of(const struct demand *demand)
{
    return policy_divides(demand->policy, demand->terms);
}

bool ranking_keeps_loads(const struct demand *demand)
{
    return demand->policy == POLICY_BALANCED;
}

bool ranking_keeps_ways(const struct demand *demand)
{
    return demand->policy == POLICY_BALANCED && demand->want.nic_kbit > 0 &&
           policy_weight(demand->policy, demand->terms, PART_LINK) > 0;
}

bool ranking_reads_labels(enum policy policy, const struct policy_terms *terms)
{
    if (terms != NULL && terms->divide == POLICY_DIVIDE_STATIC)
        return true;
    if (policy != POLICY_BALANCED && policy != POLICY_COMPOSITE)
        return false;
    return policy_weight(policy, terms, PART_ENERGY) > 0;
}

void ranking_init(struct ranking *ranking, const struct demand *demand,
                  struct balance_load *loads, uint32_t load_cap)
{
    CHECK(policy_known(demand->policy));
    memset(ranking, 0, sizeof(*ranking));
    ranking->demand = demand;
    if (demand->terms != NULL) {
        CHECK(policy_terms_check(demand->policy, demand->terms) == OK);
        ranking->terms = *demand->terms;
    }
    ranking->divide = divide_of(demand);
    for (unsigned i = 0; i < PART_COUNT; i++) {
        ranking->weights[i] =
            policy_weight(demand->policy, demand->terms, (enum policy_part)i);
        ranking->weight_sum += ranking->weights[i];
    }
    balance_init(&ranking->nodes, loads, load_cap);
}

void ranking_ways(struct ranking *ranking, struct balance_load *ways,
                  uint32_t way_cap)
{
    CHECK(ranking_keeps_ways(ranking->demand));
    balance_init(&ranking->ways, ways, way_cap);
}

/* ---- the first pass ---- */

bool ranking_looks_first(const struct ranking *ranking)
{
    return ranking->demand->policy == POLICY_COMPOSITE ||
           ranking->demand->policy == POLICY_BALANCED;
}

/* The simple policy that goes by the figure; 0: there is none. */
static enum policy order_of(const struct ranking *r, enum policy_part part)
{
    if (part == PART_PRICE)
        return POLICY_CHEAPEST;
    if (part == PART_RTT && near_us(r))
        return POLICY_NEAREST;
    if (part == PART_SPEED && r->terms.speed == SPEED_MEAN)
        return POLICY_FASTEST;
    return (enum policy)0;
}

bool ranking_looks_in_order(const struct ranking *ranking)
{
    if (ranking->demand->policy != POLICY_COMPOSITE)
        return false;
    for (unsigned i = 0; i < PART_COUNT; i++) {
        if (ranking->weights[i] > 0 &&
            order_of(ranking, (enum policy_part)i) == (enum policy)0)
            return false;
    }
    return true;
}

enum policy ranking_look_order(const struct ranking *ranking, size_t n)
{
    for (unsigned i = 0; i < PART_COUNT; i++) {
        if (ranking->weights[i] > 0 && n-- == 0)
            return order_of(ranking, (enum policy_part)i);
    }
    return (enum policy)0;
}

static void look_at_part(struct ranking *r, const struct candidate *c,
                         enum policy_part part)
{
    uint64_t value = 0;
    if (!figure(r, c, part, &value))
        return;
    bool better =
        more_is_better(part) ? value > r->best[part] : value < r->best[part];
    if (!r->known[part] || better)
        r->best[part] = value;
    r->known[part] = true;
}

void ranking_look_way(struct ranking *ranking, uint32_t used)
{
    CHECK(!ranking->ready && used <= MILLION);
    balance_add(&ranking->ways, used);
}

static void look_at_balance(struct ranking *r, const struct candidate *c)
{
    uint64_t added = 0;
    uint64_t full = 0;
    uint32_t way = 0;
    balance_add(&r->nodes, figure_load(c, NULL));
    if (ranking_keeps_ways(r->demand) && figure_way(c, NULL, &way))
        balance_add(&r->ways, way);
    if (!figure_energy(c, &r->demand->want, &added, &full))
        return;
    r->full_mw += full;
    if (full > r->worst_mw)
        r->worst_mw = full;
}

void ranking_look(struct ranking *ranking, const struct candidate *candidate)
{
    CHECK(!ranking->ready);
    for (unsigned i = 0; i < PART_COUNT; i++) {
        if (ranking->weights[i] > 0)
            look_at_part(ranking, candidate, (enum policy_part)i);
    }
    if (ranking_keeps_loads(ranking->demand))
        look_at_balance(ranking, candidate);
}

bool ranking_looked(const struct ranking *ranking, enum policy order,
                    uint64_t value)
{
    switch (order) {
    case POLICY_CHEAPEST:
        return ranking->known[PART_PRICE] && value >= ranking->best[PART_PRICE];
    case POLICY_NEAREST:
        return ranking->known[PART_RTT] && value >= ranking->best[PART_RTT];
    case POLICY_FASTEST: /* within a step there may be a faster one */
        return ranking->known[PART_SPEED] &&
               value < ranking->best[PART_SPEED] >> GRADE_STEP_SHIFT;
    case POLICY_BALANCED:
    case POLICY_COMPOSITE:
    case POLICY_FRAGMENTATION:
    case POLICY_SPREAD:
    case POLICY_PACK:
        return false;
    }
    return false;
}

void ranking_ready(struct ranking *ranking)
{
    CHECK(!ranking->ready);
    balance_ready(&ranking->nodes);
    balance_ready(&ranking->ways);
    ranking->ready = true;
}

/* ---- composite ---- */

/* 2^(-below / 65536) in 1/2^20, rounded down: one factor for each binary digit
 * of the exponent. */
static uint64_t power_of_two_below(uint64_t below)
{
    /* 2^(-1/2), 2^(-1/4), ... in 1/2^30 */
    static const uint32_t roots[16] = {
        759250124,  902905650,  984625593,  1028218693, 1050733750, 1062175491,
        1067942999, 1070838486, 1072289172, 1073015252, 1073378476, 1073560134,
        1073650975, 1073696398, 1073719111, 1073730467};
    uint64_t value = UINT64_C(1) << 30;
    uint64_t whole = below >> 16;
    if (whole > 20)
        return 0;
    for (unsigned i = 0; i < 16; i++) {
        if (below & (UINT64_C(0x8000) >> i))
            value = value * roots[i] >> 30;
    }
    return value >> 10 >> whole;
}

/* less / more in 1/2^20, rounded down; less <= more. */
static uint64_t quotient(uint64_t less, uint64_t more)
{
    if (less >= more)
        return RATIO_ONE;
    while (less >> 44 != 0) {
        less >>= 1;
        more >>= 1;
    }
    return (less << 20) / more;
}

/* How near a figure comes to the best, in 1/2^20. */
static uint64_t ratio(const struct ranking *r, enum policy_part part,
                      uint64_t value)
{
    uint64_t best = r->best[part];
    if (!r->known[part])
        return 0;
    if (part == PART_SPEED)
        return value >= best ? RATIO_ONE : power_of_two_below(best - value);
    return more_is_better(part) ? quotient(value, best) : quotient(best, value);
}

/* Thousandths of all weights. */
static uint32_t points(const struct ranking *r, uint64_t weighted)
{
    return (uint32_t)(weighted * 1000 / ((uint64_t)r->weight_sum << 20));
}

static uint32_t composite_score(const struct ranking *r,
                                const struct candidate *c)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < PART_COUNT; i++) {
        enum policy_part part = (enum policy_part)i;
        uint64_t value = 0;
        if (r->weights[i] > 0 && figure(r, c, part, &value))
            sum += r->weights[i] * ratio(r, part, value);
    }
    return points(r, sum);
}

/* ---- balanced ---- */

/* How uneven the use of ways is with the task on the candidate's, n x 10^6
 * times. */
static uint64_t way_cost(const struct ranking *r, const struct candidate *c,
                         uint64_t n)
{
    uint64_t ways = r->ways.count;
    uint32_t before = 0;
    uint32_t after = 0;
    if (!figure_way(c, NULL, &before) ||
        !figure_way(c, &r->demand->want, &after))
        return n * MILLION / 2;
    CHECK(ways > 0);
    return balance_moved(&r->ways, before, after) * n / ways;
}

/* Weighted sum of the losses, n x 10^6 times as large. */
static uint64_t balanced_cost(const struct ranking *r,
                              const struct candidate *c)
{
    uint64_t n = r->nodes.count;
    uint64_t added = 0;
    uint64_t full = 0;
    uint32_t before = figure_load(c, NULL);
    uint32_t after = figure_load(c, &r->demand->want);
    uint64_t cost =
        r->weights[PART_LOAD] * balance_moved(&r->nodes, before, after);
    if (ranking_keeps_ways(r->demand))
        cost += r->weights[PART_LINK] * way_cost(r, c, n);
    if (!figure_energy(c, &r->demand->want, &added, &full))
        added = r->worst_mw;
    if (r->full_mw > 0)
        cost += r->weights[PART_ENERGY] * (added * n * MILLION / r->full_mw);
    return cost;
}

/* ---- the rest ---- */

static void rank_fragment(const struct ranking *r, const struct candidate *c,
                          struct rank *out)
{
    if (!demand_has_devices(r->demand)) {
        out->key[1] = fragment_left(c, &r->demand->want);
        return;
    }
    out->key[1] = fragment_growth(c, r->demand);
    out->key[2] = fragment_left(c, &r->demand->want);
}

static void rank_fastest(const struct ranking *r, const struct candidate *c,
                         struct rank *out)
{
    uint64_t value = 0;
    if (!figure_speed(&c->grade, r->terms.speed, &value))
        out->key[0] = 1;
    else
        out->key[1] = UINT64_MAX - (value >> GRADE_STEP_SHIFT);
}

static void rank_nearest(const struct ranking *r, const struct candidate *c,
                         struct rank *out)
{
    uint64_t value = 0;
    if (!figure(r, c, PART_RTT, &value))
        out->key[0] = 1;
    else
        out->key[1] = policy_rtt_step(value);
}

static void rank_keys(const struct ranking *r, const struct candidate *c,
                      struct rank *out)
{
    out->key[2] = amount_figure(c->hour);
    switch (r->demand->policy) {
    case POLICY_CHEAPEST:
        out->key[1] = amount_figure(c->hour);
        out->key[2] = 0;
        return;
    case POLICY_NEAREST:
        rank_nearest(r, c, out);
        return;
    case POLICY_FASTEST:
        rank_fastest(r, c, out);
        return;
    case POLICY_BALANCED:
        out->key[1] = balanced_cost(r, c);
        return;
    case POLICY_COMPOSITE:
        out->key[1] = 1000u - composite_score(r, c);
        return;
    case POLICY_FRAGMENTATION:
        rank_fragment(r, c, out);
        return;
    case POLICY_SPREAD:
        out->key[1] = figure_load(c, &r->demand->want);
        return;
    case POLICY_PACK:
        out->key[0] = figure_idle(c);
        out->key[1] = MILLION - figure_load(c, &r->demand->want);
        return;
    }
}

static uint32_t share_of(const struct ranking *r, const struct candidate *c)
{
    return policy_share_of(&r->terms, &c->provider, c->labels, c->label_count);
}

static uint64_t group_of(const struct ranking *r, const struct candidate *c,
                         uint32_t room)
{
    switch (r->divide) {
    case POLICY_DIVIDE_STATIC:
        return UINT32_MAX - share_of(r, c);
    case POLICY_DIVIDE_DYNAMIC:
    case POLICY_DIVIDE_AGGREGATED:
        return UINT32_MAX - room;
    case POLICY_DIVIDE_OWN:
    case POLICY_DIVIDE_FILL:
    case POLICY_DIVIDE_EVEN:
    case POLICY_DIVIDE_DUPLICATED:
        return 0;
    }
    return 0;
}

void ranking_rank(const struct ranking *ranking,
                  const struct candidate *candidate, uint32_t room,
                  uint32_t index, struct rank *out)
{
    CHECK(ranking->ready || !ranking_looks_first(ranking));
    memset(out, 0, sizeof(*out));
    rank_keys(ranking, candidate, out);
    out->group = group_of(ranking, candidate, room);
    out->tie =
        short_hash(ranking->demand->salt, BYTES_OF(candidate->provider.b));
    out->provider = candidate->provider;
    out->index = index;
}

uint32_t ranking_room(const struct ranking *ranking,
                      const struct candidate *candidate, uint32_t room)
{
    return ranking->divide == POLICY_DIVIDE_STATIC &&
                   share_of(ranking, candidate) == 0
               ? 0
               : room;
}

/* ---- walking ---- */

static bool is_grouped(const struct ranking *r)
{
    return r->divide == POLICY_DIVIDE_STATIC ||
           r->divide == POLICY_DIVIDE_DYNAMIC ||
           r->divide == POLICY_DIVIDE_AGGREGATED;
}

static enum policy_part heaviest(const struct ranking *r)
{
    enum policy_part best = PART_COUNT;
    for (unsigned i = 0; i < PART_COUNT; i++) {
        enum policy_part part = (enum policy_part)i;
        if (r->weights[i] == 0 || order_of(r, part) == (enum policy)0)
            continue;
        if (best == PART_COUNT || r->weights[i] > r->weights[best])
            best = part;
    }
    return best;
}

enum policy ranking_order(const struct ranking *ranking)
{
    enum policy policy = ranking->demand->policy;
    if (is_grouped(ranking))
        return (enum policy)0;
    switch (policy) {
    case POLICY_CHEAPEST:
        return policy;
    case POLICY_NEAREST:
        return order_of(ranking, PART_RTT);
    case POLICY_FASTEST:
        return order_of(ranking, PART_SPEED);
    case POLICY_COMPOSITE:
        return order_of(ranking, heaviest(ranking));
    case POLICY_BALANCED:
    case POLICY_FRAGMENTATION:
    case POLICY_SPREAD:
    case POLICY_PACK:
        return (enum policy)0;
    }
    return (enum policy)0;
}

static enum policy_part part_of(enum policy order)
{
    if (order == POLICY_CHEAPEST)
        return PART_PRICE;
    return order == POLICY_NEAREST ? PART_RTT : PART_SPEED;
}

/* The best of all other figures, and this one as given. */
static void composite_floor(const struct ranking *r, enum policy order,
                            enum figure known, uint64_t value, struct rank *out)
{
    enum policy_part given = part_of(order);
    uint64_t sum = 0;
    if (given == PART_SPEED) /* a step's fastest */
        value = value << GRADE_STEP_SHIFT | ((1u << GRADE_STEP_SHIFT) - 1);
    for (unsigned i = 0; i < PART_COUNT; i++) {
        enum policy_part part = (enum policy_part)i;
        if (r->weights[i] == 0 || !r->known[i])
            continue;
        if (part != given)
            sum += r->weights[i] * RATIO_ONE;
        else if (known == FIGURE_KNOWN)
            sum += r->weights[i] * ratio(r, part, value);
    }
    out->key[1] = 1000u - points(r, sum);
}

void ranking_floor(const struct ranking *ranking, enum policy order,
                   enum figure known, uint64_t value, struct rank *out)
{
    memset(out, 0, sizeof(*out));
    if (order == (enum policy)0 || is_grouped(ranking))
        return;
    if (ranking->demand->policy == POLICY_COMPOSITE)
        composite_floor(ranking, order, known, value, out);
    else if (order == ranking->demand->policy)
        policy_floor(order, known, value, out);
}

/* ---- accounts ---- */

static bool looks_at(const struct ranking *r, enum policy_part part)
{
    switch (r->demand->policy) {
    case POLICY_CHEAPEST:
        return part == PART_PRICE;
    case POLICY_NEAREST:
        return part == PART_RTT || part == PART_PRICE;
    case POLICY_FASTEST:
        return part == PART_SPEED || part == PART_PRICE;
    case POLICY_BALANCED:
    case POLICY_COMPOSITE:
        return r->weights[part] > 0;
    case POLICY_FRAGMENTATION:
    case POLICY_SPREAD:
    case POLICY_PACK:
        return part == PART_LOAD || part == PART_PRICE;
    }
    return false;
}

void ranking_account(const struct ranking *ranking,
                     const struct candidate *candidate,
                     struct ranking_account *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < PART_COUNT; i++) {
        enum policy_part part = (enum policy_part)i;
        struct ranking_part *line = &out->parts[out->count];
        if (!looks_at(ranking, part))
            continue;
        line->part = part;
        line->weight = ranking->weights[i];
        line->known = figure(ranking, candidate, part, &line->value);
        line->guessed =
            line->known && part == PART_RTT && candidate->rtt_guessed;
        line->best = ranking->known[i] ? ranking->best[i] : 0;
        if (ranking->demand->policy == POLICY_COMPOSITE && line->known)
            line->points = points(
                ranking, line->weight * ratio(ranking, part, line->value));
        out->count++;
    }
    out->speed = ranking->terms.speed;
    out->has_score = ranking->demand->policy == POLICY_COMPOSITE;
    if (out->has_score)
        out->score = composite_score(ranking, candidate);
}

void ranking_account_format(const struct ranking_account *account,
                            struct buf *out)
{
    const char *before = "";
    for (uint32_t i = 0; i < account->count; i++) {
        const struct ranking_part *line = &account->parts[i];
        buf_addf(out, "%s%s ", before, policy_part_text(line->part));
        if (line->guessed)
            buf_addf(out, "about ");
        if (line->known)
            figure_format(line->part, account->speed, line->value, out);
        else
            buf_addf(out, "not known");
        if (account->has_score)
            buf_addf(out, " (%u)", line->points);
        before = ", ";
    }
}
