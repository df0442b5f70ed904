#include "sched/index/survey_impl.h"

#include "base/check.h"

/* ---- figures ---- */

static uint64_t have_of(const struct surveying *x, const struct group *group,
                        uint32_t slot)
{
    return x->c->have[group->rule->dimension][slot];
}

static uint64_t bill_of(const struct surveying *x, const struct tariff *tariff)
{
    uint64_t cost;
    if (!tariff_cost(&x->mix, tariff, &cost))
        return UINT64_MAX;
    return tariff_bill_of(&x->survey->bill, cost);
}

/* The lowest bill anybody of a block may have. */
static uint64_t block_bill(const struct surveying *x, uint32_t word)
{
    const struct aisle *aisle = &x->order->aisles[word / AISLE_BLOCKS];
    struct tariff low;
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        low.part[i] = aisle->block_low[i][word % AISLE_BLOCKS];
    return bill_of(x, &low);
}

static uint64_t block_most(const struct surveying *x, const struct group *group,
                           uint32_t word)
{
    const struct aisle *aisle = &x->order->aisles[word / AISLE_BLOCKS];
    return aisle->block_most[group->rule->dimension][word % AISLE_BLOCKS];
}

/* Those of a dimension that may have at least that much: the bitmap of the
 * highest rung not above it; NULL: everybody. */
static const uint64_t *rung_below(const struct surveying *x,
                                  enum dimension dimension, uint64_t amount)
{
    uint32_t reach = ladder_reach(&x->c->ladders[dimension], amount);
    if (reach == 0)
        return NULL;
    return lineup_word(x->order, dim_bitmap[dimension] + reach - 1, 0);
}

uint64_t survey_coded(const struct surveying *x, enum dimension dimension,
                      uint32_t word, uint64_t bits, uint16_t least)
{
    const struct figures *own = lineup_figures(x->order, dimension);
    if (own == NULL || bits == 0)
        return bits;
    uint64_t same;
    return bits & lanes_compare(own->codes + (size_t)word * BLOCK_PLACES, least,
                                &same);
}

static uint32_t slot_of(const struct surveying *x, uint32_t word, uint64_t bits)
{
    return x->order
        ->slot_at[word * BLOCK_PLACES + (uint32_t)__builtin_ctzll(bits)];
}

/* Was the owner asked about this one? */
static bool is_asked(const struct surveying *x, const struct group *group,
                     uint32_t slot)
{
    uint32_t place = x->order->place_of[slot];
    return group->asked &&
           (x->ask[place / BLOCK_PLACES] >> place % BLOCK_PLACES & 1) != 0;
}

/* ---- what relaxing one reason alone would need ---- */

/* Fills x->scratch with those that nothing else refuses, of them those on the
 * highest rung that any is on. */
static void highest_rung(const struct surveying *x, const struct group *group)
{
    enum dimension dimension = group->rule->dimension;
    uint64_t amount = group->rule->want - 1;
    uint32_t reach = ladder_reach(&x->c->ladders[dimension], amount);
    const uint64_t *fails = group->fails;
    uint64_t any = 0;
    while (any == 0 && reach > 0) {
        const uint64_t *rung =
            lineup_word(x->order, dim_bitmap[dimension] + --reach, 0);
        for (uint32_t i = 0; i < x->len; i++) {
            x->scratch[i] = fails[i] & x->once[i] & rung[i];
            any |= x->scratch[i];
        }
    }
    for (uint32_t i = 0; any == 0 && i < x->len; i++)
        x->scratch[i] = fails[i] & x->once[i];
}

/* The most there is among those that nothing else refuses, from the columns: of
 * those that have at least that code. */
static uint64_t most_of_columns(const struct surveying *x,
                                const struct group *group, uint16_t code)
{
    uint64_t best = 0;
    for (uint32_t i = 0; i < x->len && best + 1 < group->rule->want; i++) {
        uint64_t bits = group->fails[i] & x->once[i];
        if (bits == 0 || block_most(x, group, i) <= best)
            continue;
        bits = survey_coded(x, group->rule->dimension, i, bits, code);
        for (; bits != 0; bits &= bits - 1) {
            uint64_t have = have_of(x, group, slot_of(x, i, bits));
            best = have > best ? have : best;
        }
    }
    return best;
}

static uint64_t most_alone(const struct surveying *x, const struct group *group)
{
    if (lineup_figures(x->order, group->rule->dimension) == NULL)
        return most_of_columns(x, group, 0);
    const struct figures *own =
        lineup_figures(x->order, group->rule->dimension);
    uint16_t rest = 0;
    highest_rung(x, group);
    uint16_t code = lanes_highest(own->codes, x->scratch, x->len);
    if (!amount_is_exact(code))
        return most_of_columns(x, group, code);
    if (amount_has_rest(code)) {
        lanes_keep(own->codes, code, x->len, x->scratch);
        rest = lanes_highest(own->rests, x->scratch, x->len);
    }
    return amount_of(code, rest);
}

/* Of one block; no bill above *best is of interest. */
static void least_of_block(const struct surveying *x, uint32_t word,
                           uint64_t bits, uint64_t *best, uint64_t *bound)
{
    bits = survey_cheap(x, word, bits, *bound);
    for (; bits != 0; bits &= bits - 1) {
        uint64_t bill = bill_of(x, &x->c->tariffs[slot_of(x, word, bits)]);
        if (bill >= *best)
            continue;
        *best = bill;
        *bound = survey_bound(x, bill);
        bits = survey_cheap(x, word, bits, *bound) | (bits & -bits);
    }
}

static uint64_t least_alone(const struct surveying *x,
                            const struct group *group)
{
    uint64_t best = UINT64_MAX;
    uint64_t bound = UINT64_MAX;
    for (uint32_t i = 0; i < x->order->aisle_count; i++) {
        uint64_t blocks = survey_cheap_blocks(x, i, bound);
        for (; blocks != 0; blocks &= blocks - 1) {
            uint32_t word =
                i * AISLE_BLOCKS + (uint32_t)__builtin_ctzll(blocks);
            least_of_block(x, word, group->fails[word] & x->once[word], &best,
                           &bound);
        }
    }
    return best;
}

/* The figure of one that nothing else refuses; false when relaxing would not
 * free it. */
static bool figure_alone(const struct surveying *x, const struct group *group,
                         uint32_t slot, uint64_t *out_have)
{
    const struct survey *s = x->survey;
    enum reason reason = group->rule->reason;
    *out_have = 0;
    if (is_asked(x, group, slot)) {
        (void)s->ask_shortage(s->owner, slot, reason, out_have);
        return s->ask_helps(s->owner, slot, reason);
    }
    if (group->rule->kind == SURVEY_COST)
        *out_have = bill_of(x, &x->c->tariffs[slot]);
    return true;
}

/* Of a group that was asked about: offer by offer. */
static void relax_asked(const struct surveying *x, const struct group *group,
                        struct explain *out)
{
    enum reason reason = group->rule->reason;
    uint32_t alone = 0;
    uint64_t best = 0;
    for (uint32_t i = 0; i < x->len; i++) {
        uint64_t bits = group->fails[i] & x->once[i];
        for (; bits != 0; bits &= bits - 1) {
            uint64_t have;
            if (!figure_alone(x, group, slot_of(x, i, bits), &have))
                continue;
            bool easier = reason == REASON_PRICE ? have < best : have > best;
            if (alone++ == 0 || easier)
                best = have;
        }
    }
    out->alone[reason] = alone;
    out->relax_to[reason] = best;
}

void survey_relax(const struct surveying *x, struct explain *out)
{
    for (uint32_t g = 0; g < x->group_count; g++) {
        const struct group *group = &x->groups[g];
        enum reason reason = group->rule->reason;
        if (out->alone[reason] == 0)
            continue;
        if (group->asked)
            relax_asked(x, group, out);
        else if (group->rule->kind == SURVEY_SHORT)
            out->relax_to[reason] = most_alone(x, group);
        else if (group->rule->kind == SURVEY_COST)
            out->relax_to[reason] = least_alone(x, group);
    }
}

/* ---- the nearest miss ---- */

__extension__ typedef unsigned __int128 wide;

/* As feasible_shortage: thousandths, rounded up. */
static uint32_t thousandths(uint64_t part, uint64_t whole)
{
    CHECK(part <= whole && whole > 0);
    return (uint32_t)(((wide)part * 1000 + whole - 1) / whole);
}

static uint32_t short_of(uint64_t want, uint64_t have)
{
    return want > have ? thousandths(want - have, want) : 1;
}

static uint32_t dear_by(uint64_t cap, uint64_t bill)
{
    return bill > cap ? thousandths(bill - cap, bill) : 1;
}

static uint32_t shortage(const struct surveying *x, const struct group *group,
                         uint32_t slot)
{
    uint64_t have = 0;
    if (is_asked(x, group, slot))
        return x->survey->ask_shortage(x->survey->owner, slot,
                                       group->rule->reason, &have);
    if (group->rule->kind == SURVEY_SHORT)
        return short_of(group->rule->want, have_of(x, group, slot));
    if (group->rule->kind == SURVEY_COST)
        return dear_by(x->survey->bill.cap, bill_of(x, &x->c->tariffs[slot]));
    return 1000;
}

/* The least a group's shortage can be in a block, where it refuses. */
static uint32_t block_shortage(const struct surveying *x,
                               const struct group *group, uint32_t word)
{
    if (group->asked)
        return 1;
    if (group->rule->kind == SURVEY_SHORT)
        return short_of(group->rule->want, block_most(x, group, word));
    if (group->rule->kind == SURVEY_COST)
        return dear_by(x->survey->bill.cap, block_bill(x, word));
    return 1000;
}

struct nearest {
    const struct surveying *x;
    uint32_t slot; /* UINT32_MAX: none yet */
    uint32_t sum;
    uint64_t name;
    /* By group: who is not on the rung, or has a lower code, is too far away.
     */
    const uint64_t *rung[REASON_COUNT];
    uint16_t code[REASON_COUNT];
    uint64_t bound; /* of a price: the floor of the dearest that is near */
};

/* Of all the best have missed, the others missed at least 1 each: so a group
 * may miss at most so much, and who may miss so little is on a rung. */
static void narrow(struct nearest *n)
{
    const struct surveying *x = n->x;
    uint64_t most = n->sum - (x->fewest - 1);
    for (uint32_t g = 0; g < x->group_count; g++) {
        const struct survey_rule *rule = x->groups[g].rule;
        if (rule->kind != SURVEY_SHORT || x->groups[g].asked || most >= 1000)
            continue;
        uint64_t less = (uint64_t)((wide)rule->want * most / 1000);
        n->rung[g] = rung_below(x, rule->dimension, rule->want - less);
        n->code[g] = amount_code(rule->want - less);
    }
}

static uint32_t shortage_sum(const struct nearest *n, uint32_t word,
                             uint64_t bit, uint32_t slot)
{
    uint32_t sum = 0;
    for (uint32_t g = 0; g < n->x->group_count; g++) {
        const struct group *group = &n->x->groups[g];
        if (group->class_ != REASON_NOTE && (group->fails[word] & bit) != 0)
            sum += shortage(n->x, group, slot);
    }
    return sum;
}

static bool comes_before(const struct nearest *n, uint32_t slot)
{
    const struct survey *survey = n->x->survey;
    uint64_t name = n->x->c->rows[slot].name;
    if (name != n->name || survey->before == NULL)
        return name < n->name;
    return survey->before(survey->owner, slot, n->slot);
}

static void consider(struct nearest *n, uint32_t word, uint64_t bits)
{
    uint32_t slot = slot_of(n->x, word, bits);
    uint32_t sum = shortage_sum(n, word, bits & -bits, slot);
    bool first = n->slot == UINT32_MAX;
    if (!first && (sum > n->sum || (sum == n->sum && !comes_before(n, slot))))
        return;
    bool nearer = first || sum < n->sum;
    n->slot = slot;
    n->sum = sum;
    n->name = n->x->c->rows[slot].name;
    if (nearer)
        narrow(n);
}

/* Of a word's bits those that this group does not rule out. */
static uint64_t not_too_far(const struct nearest *n, uint32_t g, uint32_t word,
                            uint64_t near)
{
    const struct surveying *x = n->x;
    const struct group *group = &x->groups[g];
    uint64_t fails = group->fails[word] & near;
    uint64_t near_enough = fails;
    if (fails == 0 || group->class_ == REASON_NOTE)
        return near;
    if (n->rung[g] != NULL)
        near_enough &= n->rung[g][word];
    uint32_t least = block_shortage(x, group, word) + x->fewest - 1;
    const struct aisle *aisle = &x->order->aisles[word / AISLE_BLOCKS];
    if (least > n->sum ||
        (least == n->sum && aisle->block_name[word % AISLE_BLOCKS] > n->name))
        near_enough = 0;
    if (n->code[g] != 0)
        near_enough = survey_coded(x, group->rule->dimension, word, near_enough,
                                   n->code[g]);
    return near & ~(fails & ~near_enough);
}

/* Can somebody of this word be nearer? Then the bits of those who might. */
static uint64_t hopeful(const struct nearest *n, uint32_t word)
{
    uint64_t near = n->x->near[word];
    if (n->slot == UINT32_MAX)
        return near;
    for (uint32_t g = 0; g < n->x->group_count && near != 0; g++)
        near = not_too_far(n, g, word, near);
    return near;
}

/* ---- where everybody near is refused for one reason ---- */

/* The least that a group's shortage is, where the owner is not asked: whoever
 * needs the least of it is known already. */
static uint32_t least_shortage(const struct surveying *x,
                               const struct group *group,
                               const struct explain *e)
{
    uint64_t best = e->relax_to[group->rule->reason];
    if (group->rule->kind == SURVEY_SHORT)
        return short_of(group->rule->want, best);
    if (group->rule->kind == SURVEY_COST)
        return dear_by(x->survey->bill.cap, best);
    return 1000;
}

/* The most that a bill may be that is dearer than the cap by so much. */
static uint64_t bill_near(uint64_t cap, uint32_t thousandths)
{
    if (thousandths >= 1000)
        return UINT64_MAX;
    wide bill = (wide)cap * 1000 / (1000 - thousandths);
    return bill < UINT64_MAX ? (uint64_t)bill : UINT64_MAX;
}

/* Of a word's bits those whose shortage may be n->sum. */
static uint64_t maybe_nearest(const struct nearest *n, uint32_t g,
                              uint32_t word, uint64_t bits)
{
    const struct survey_rule *rule = n->x->groups[g].rule;
    if (rule->kind == SURVEY_COST)
        return survey_cheap(n->x, word, bits, n->bound);
    return n->code[g] != 0
               ? survey_coded(n->x, rule->dimension, word, bits, n->code[g])
               : bits;
}

/* Among those of a group whose shortage is n->sum the first by name: of one
 * block. */
static void first_of_block(struct nearest *n, uint32_t g, uint32_t word)
{
    const struct surveying *x = n->x;
    const struct group *group = &x->groups[g];
    uint64_t bits =
        maybe_nearest(n, g, word, group->fails[word] & x->once[word]);
    for (; bits != 0; bits &= bits - 1) {
        uint32_t slot = slot_of(x, word, bits);
        bool first = n->slot == UINT32_MAX || comes_before(n, slot);
        if (!first || shortage(x, group, slot) != n->sum)
            continue;
        n->slot = slot;
        n->name = x->c->rows[slot].name;
    }
}

static void first_by_name(struct nearest *n, uint32_t g)
{
    const struct surveying *x = n->x;
    bool cost = x->groups[g].rule->kind == SURVEY_COST;
    for (uint32_t i = 0; i < x->order->aisle_count; i++) {
        const struct aisle *aisle = &x->order->aisles[i];
        uint64_t blocks =
            cost ? survey_cheap_blocks(x, i, n->bound) : UINT64_MAX;
        for (; blocks != 0; blocks &= blocks - 1) {
            uint32_t block = (uint32_t)__builtin_ctzll(blocks);
            if (aisle->block_name[block] <= n->name)
                first_of_block(n, g, i * AISLE_BLOCKS + block);
        }
    }
}

/* False: where the owner is asked there is no such short cut. */
static bool nearest_alone(struct nearest *n, const struct explain *e)
{
    const struct surveying *x = n->x;
    uint32_t least[REASON_COUNT] = {0};
    n->sum = UINT32_MAX;
    for (uint32_t g = 0; g < x->group_count; g++) {
        const struct group *group = &x->groups[g];
        if (group->asked || x->fewest != 1)
            return false;
        if (e->alone[group->rule->reason] == 0)
            continue;
        least[g] = least_shortage(x, group, e);
        n->sum = least[g] < n->sum ? least[g] : n->sum;
    }
    n->name = UINT64_MAX;
    n->bound = survey_bound(x, bill_near(x->survey->bill.cap, n->sum));
    narrow(n);
    for (uint32_t g = 0; g < x->group_count; g++) {
        if (least[g] == n->sum)
            first_by_name(n, g);
    }
    return true;
}

static void nearest_of_all(struct nearest *n)
{
    const struct surveying *x = n->x;
    for (uint32_t i = 0; x->fewest > 0 && i < x->len; i++) {
        if (x->near[i] == 0)
            continue;
        for (uint64_t bits = hopeful(n, i); bits != 0; bits &= bits - 1)
            consider(n, i, bits);
    }
}

uint32_t survey_nearest(const struct surveying *x, struct explain *out)
{
    struct nearest n = {.x = x, .slot = UINT32_MAX};
    if (!nearest_alone(&n, out))
        nearest_of_all(&n);
    out->has_nearest = n.slot != UINT32_MAX;
    out->nearest_shortage = out->has_nearest ? n.sum : 0;
    return n.slot;
}
