#include "tests/model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* --- bounds --- */

#define MODEL_LIARS 16u

static bool read_weights(const char **text, uint32_t *weights, uint32_t max,
                         uint32_t *out_count)
{
    uint32_t count = 0;
    do {
        char *end;
        unsigned long weight = strtoul(*text, &end, 10);
        if (end == *text || weight == 0 || weight > 1000 || count == max)
            return false;
        weights[count++] = (uint32_t)weight;
        *text = end + (*end == ',' ? 1 : 0);
    } while ((*text)[0] != '\0' && (*text)[-1] == ',');
    *out_count = count;
    return true;
}

static bool removed(const struct bounds *bounds, enum rule rule)
{
    return (bounds->removed & RULE_BIT(rule)) != 0;
}

static uint32_t quorum_of(const struct bounds *bounds, uint32_t total)
{
    if (removed(bounds, RULE_QUORUM_LESS))
        return total;
    return 2 * total / 3 + (removed(bounds, RULE_QUORUM) ? 0 : 1);
}

static void count_quorates(struct bounds *bounds)
{
    bool heads = removed(bounds, RULE_STAKE);
    uint32_t times = removed(bounds, RULE_SIGNER_ONCE) ? 2 : 1;
    uint32_t liars = heads ? bounds->liars : bounds->liar_weight;
    bounds->quorum = quorum_of(bounds, heads ? bounds->honest + bounds->liars
                                             : bounds->total);
    for (uint32_t set = 0; set < 1u << bounds->honest; set++) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < bounds->honest; i++)
            if ((set >> i & 1) != 0)
                sum += heads ? 1 : bounds->weight[i];
        if (times * (liars + sum) >= bounds->quorum)
            bounds->quorates |= UINT64_C(1) << set;
        if (times * sum >= bounds->quorum)
            bounds->alone |= UINT64_C(1) << set;
    }
}

static bool read_stake(const char *text, struct bounds *bounds)
{
    uint32_t liars[MODEL_LIARS] = {0};
    if (!read_weights(&text, bounds->weight, MODEL_HONEST, &bounds->honest))
        return false;
    if (*text == '+') {
        text++;
        if (!read_weights(&text, liars, MODEL_LIARS, &bounds->liars))
            return false;
    }
    for (uint32_t i = 0; i < bounds->liars; i++)
        bounds->liar_weight += liars[i];
    bounds->total = bounds->liar_weight;
    for (uint32_t i = 0; i < bounds->honest; i++)
        bounds->total += bounds->weight[i];
    return *text == '\0';
}

bool model_init(struct bounds *bounds, const struct choice *choice)
{
    memset(bounds, 0, sizeof(*bounds));
    if (choice->views == 0 || choice->views > MODEL_VIEWS ||
        choice->proposals == 0 || choice->proposals > MODEL_PROPOSALS ||
        !read_stake(choice->stake, bounds))
        return false;
    bounds->views = choice->views;
    bounds->proposals = choice->proposals;
    bounds->last = choice->last;
    bounds->removed = choice->removed;
    bounds->steps = choice->steps;
    bounds->row = bounds->honest + bounds->proposals;
    bounds->width = bounds->views * bounds->row;
    count_quorates(bounds);
    return true;
}

/* --- names --- */

uint8_t plan_make(enum plan_kind kind, uint32_t ref)
{
    _Static_assert(1 + MODEL_REFS * PLAN_KINDS <= 256, "a plan is a byte");
    return (uint8_t)(1 + (uint32_t)kind + PLAN_KINDS * ref);
}

enum plan_kind plan_kind(uint8_t plan)
{
    return (enum plan_kind)((plan - 1u) % PLAN_KINDS);
}

uint32_t plan_ref(uint8_t plan)
{
    return (plan - 1u) / PLAN_KINDS;
}

uint32_t ref_make(uint32_t view, uint32_t slot)
{
    return 1 + view * MODEL_PROPOSALS + slot;
}

uint32_t ref_view(uint32_t ref)
{
    return (ref - 1) / MODEL_PROPOSALS;
}

uint32_t ref_slot(uint32_t ref)
{
    return (ref - 1) % MODEL_PROPOSALS;
}

/* --- facts --- */

struct columns { /* of a view: bit i is honest validator i */
    uint8_t null;
    uint8_t notar[MODEL_PROPOSALS];
    uint8_t final[MODEL_PROPOSALS];
};

static void columns_of(const struct bounds *bounds, const struct state *state,
                       uint32_t view, struct columns *out)
{
    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; i < bounds->honest; i++) {
        uint8_t vote = vote_at(bounds, state, view, i);
        if ((vote & VOTE_NULLIFY) != 0)
            out->null |= (uint8_t)(1u << i);
        for (uint32_t s = 0; s < bounds->proposals; s++) {
            if ((vote & VOTE_NOTARIZE(s)) != 0)
                out->notar[s] |= (uint8_t)(1u << i);
            if ((vote & VOTE_FINALIZE(s)) != 0)
                out->final[s] |= (uint8_t)(1u << i);
        }
    }
}

static void block_of(struct facts *facts, uint32_t ref, uint8_t plan)
{
    uint8_t base = facts->block[plan_ref(plan)];
    enum plan_kind kind = plan_kind(plan);
    facts->block[ref] = kind == PLAN_AGAIN ? base : (uint8_t)ref;
    if (kind == PLAN_AGAIN)
        return;
    facts->up[ref] = kind == PLAN_FORGED  ? facts->up[base]
                     : kind == PLAN_STRAY ? 0
                                          : base;
    facts->height[ref] =
        (uint8_t)(facts->height[base] +
                  (kind == PLAN_FORGED || kind == PLAN_FLAT ? 0 : 1));
}

/* Mutants: votes that do not name what they should add up. */
static void blur(const struct bounds *bounds, const struct facts *facts,
                 const struct state *state, struct columns *columns)
{
    struct columns sharp[MODEL_VIEWS];
    memcpy(sharp, columns, sizeof(sharp));
    for (uint32_t v = 0; v < bounds->views; v++)
        for (uint32_t s = 0; s < bounds->proposals; s++) {
            if (plan_at(bounds, state, v, s) == 0)
                continue;
            for (uint32_t u = 0; u < bounds->views; u++)
                for (uint32_t t = 0; t < bounds->proposals; t++) {
                    bool same = plan_at(bounds, state, u, t) != 0 &&
                                facts->block[ref_make(u, t)] ==
                                    facts->block[ref_make(v, s)];
                    if ((removed(bounds, RULE_ONE_VIEW) && same) ||
                        (removed(bounds, RULE_ONE_PROPOSAL) && u == v)) {
                        columns[v].notar[s] |= sharp[u].notar[t];
                        columns[v].final[s] |= sharp[u].final[t];
                    }
                }
            if (removed(bounds, RULE_ONE_KIND))
                columns[v].final[s] |= columns[v].notar[s];
        }
}

static bool quorate(const struct bounds *bounds, uint8_t set)
{
    return (bounds->quorates >> set & 1) != 0;
}

void model_facts(const struct bounds *bounds, const struct state *state,
                 struct facts *out)
{
    const uint32_t blurring = RULE_BIT(RULE_ONE_VIEW) |
                              RULE_BIT(RULE_ONE_PROPOSAL) |
                              RULE_BIT(RULE_ONE_KIND);
    struct columns columns[MODEL_VIEWS];
    memset(out, 0, sizeof(*out));
    for (uint32_t v = 0; v < bounds->views; v++) {
        columns_of(bounds, state, v, &columns[v]);
        for (uint32_t s = 0; s < bounds->proposals; s++) {
            uint8_t plan = plan_at(bounds, state, v, s);
            if (plan != 0)
                block_of(out, ref_make(v, s), plan);
        }
    }
    if ((bounds->removed & blurring) != 0)
        blur(bounds, out, state, columns);
    for (uint32_t v = 0; v < bounds->views; v++) {
        out->null[v] = quorate(bounds, columns[v].null);
        for (uint32_t s = 0; s < bounds->proposals; s++) {
            if (plan_at(bounds, state, v, s) == 0)
                continue; /* nobody made it */
            if (quorate(bounds, columns[v].notar[s]))
                out->notar[v] |= (uint8_t)(1u << s);
            if (quorate(bounds, columns[v].final[s]))
                out->final[v] |= (uint8_t)(1u << s);
        }
    }
}

/* --- the rules --- */

static bool parent_certified(const struct facts *facts, uint32_t ref)
{
    uint32_t v = ref == 0 ? 0 : ref_view(ref);
    return ref == 0 ||
           ((facts->notar[v] | facts->final[v]) >> ref_slot(ref) & 1) != 0;
}

static bool gap_nullified(const struct bounds *bounds,
                          const struct facts *facts, uint32_t from,
                          uint32_t view, bool root)
{
    if (removed(bounds, root ? RULE_SKIP_ROOT : RULE_SKIP_PARENT))
        return true;
    for (uint32_t u = from; u < view; u++) {
        bool asked = !(u == from && removed(bounds, RULE_SKIP_FIRST)) &&
                     !(u == view - 1 && removed(bounds, RULE_SKIP_LAST));
        if (asked && !facts->null[u])
            return false;
    }
    return true;
}

static bool kind_allowed(const struct bounds *bounds, const struct facts *facts,
                         enum plan_kind kind, uint32_t ref)
{
    uint32_t block = facts->block[ref];
    bool last = bounds->last != 0 && facts->height[block] == bounds->last &&
                !removed(bounds, RULE_LAST_BLOCK);
    switch (kind) {
    case PLAN_NEW:
        return !last;
    case PLAN_AGAIN:
        return true;
    case PLAN_FORGED:
        return removed(bounds, RULE_SAME_BODY) && block != 0;
    case PLAN_STRAY:
        return removed(bounds, RULE_PARENT_HASH) && block != 0 && !last;
    case PLAN_FLAT:
        return removed(bounds, RULE_HEIGHT) && block != 0 && !last;
    case PLAN_KINDS:
        break;
    }
    CHECK(false);
}

/* try_verify: the proposal carries its justification. */
static bool justified(const struct bounds *bounds, const struct facts *facts,
                      uint32_t view, uint8_t plan, bool leader)
{
    uint32_t ref = plan_ref(plan);
    uint32_t from = ref == 0 ? 0 : ref_view(ref) + 1;
    if (!kind_allowed(bounds, facts, plan_kind(plan), ref))
        return false;
    if (leader && removed(bounds, RULE_LEADER_CHECKS))
        return true;
    return (parent_certified(facts, ref) ||
            removed(bounds, RULE_PARENT_NOTARIZED)) &&
           gap_nullified(bounds, facts, from, view, ref == 0);
}

/* sign(notarize), of a proposal in slot or of one yet to be made. */
static bool may_notarize(const struct bounds *bounds, uint8_t vote)
{
    return (VOTE_NOTARIZES(vote) == 0 || removed(bounds, RULE_NOTARIZE_ONCE)) &&
           ((vote & VOTE_NULLIFY) == 0 ||
            removed(bounds, RULE_NOTARIZE_UNNULLIFIED)) &&
           (VOTE_FINALIZES(vote) == 0 ||
            removed(bounds, RULE_NOTARIZE_UNFINALIZED));
}

static bool may_nullify(const struct bounds *bounds, uint8_t vote)
{
    return (vote & VOTE_NULLIFY) == 0 && /* else the stored vote is re-sent */
           (VOTE_FINALIZES(vote) == 0 ||
            removed(bounds, RULE_NULLIFY_UNFINALIZED)) &&
           (VOTE_NOTARIZES(vote) == 0 ||
            !removed(bounds, RULE_NULLIFY_NOTARIZED));
}

bool model_nullifies(const struct bounds *bounds, uint8_t vote)
{
    return (vote & VOTE_NULLIFY) != 0 || may_nullify(bounds, vote);
}

static bool may_finalize(const struct bounds *bounds, const struct facts *facts,
                         uint8_t vote, uint32_t view, uint32_t slot)
{
    uint32_t own = VOTE_NOTARIZES(vote); /* two (mutants): one is remembered */
    return (VOTE_FINALIZES(vote) >> slot & 1) == 0 &&
           ((vote & VOTE_NULLIFY) == 0 ||
            removed(bounds, RULE_FINALIZE_UNNULLIFIED)) &&
           (own == 0 || (own >> slot & 1) != 0 ||
            removed(bounds, RULE_FINALIZE_OWN)) &&
           ((facts->notar[view] >> slot & 1) != 0 ||
            removed(bounds, RULE_FINALIZE_NOTARIZED)) &&
           (VOTE_FINALIZES(vote) == 0 || removed(bounds, RULE_FINALIZE_ONCE));
}

/* --- moves --- */

struct moves {
    const struct bounds *bounds;
    const struct state *state;
    const struct facts *facts;
    struct move *list;
    uint32_t count;
};

static void push(struct moves *moves, const struct move *move, uint32_t nodes)
{
    CHECK(moves->count < MODEL_MOVES);
    moves->list[moves->count] = *move;
    moves->list[moves->count++].nodes = (uint8_t)nodes;
}

static bool just_enough(const struct bounds *bounds, uint32_t set)
{
    if (!quorate(bounds, (uint8_t)set))
        return false;
    for (uint32_t i = 0; i < bounds->honest; i++)
        if ((set >> i & 1) != 0 && quorate(bounds, (uint8_t)(set & ~(1u << i))))
            return false;
    return true;
}

static void push_each(struct moves *moves, const struct move *move,
                      uint32_t able)
{
    for (uint32_t i = 0; i < moves->bounds->honest; i++)
        if ((able >> i & 1) != 0)
            push(moves, move, 1u << i);
}

/* able: who may cast this vote now; certified: there is no need to, any more.
 */
static void push_steps(struct moves *moves, const struct move *move,
                       uint32_t able, bool certified)
{
    const struct bounds *bounds = moves->bounds;
    if (bounds->steps != STEPS_CERTIFICATES)
        push_each(moves, move, able);
    if (bounds->steps == STEPS_VOTES || certified)
        return;
    for (uint32_t set = 1; set < 1u << bounds->honest; set++)
        if ((set & ~able) == 0 && just_enough(bounds, set) &&
            (bounds->steps == STEPS_CERTIFICATES || (set & (set - 1)) != 0))
            push(moves, move, set);
}

struct able { /* bit i: honest validator i may now, in a view */
    uint32_t notarize;
    uint32_t nullify;
    uint32_t finalize[MODEL_PROPOSALS];
};

static void able_in(const struct moves *moves, uint32_t view, struct able *out)
{
    const struct bounds *bounds = moves->bounds;
    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; i < bounds->honest; i++) {
        uint8_t vote = vote_at(bounds, moves->state, view, i);
        out->notarize |= (uint32_t)may_notarize(bounds, vote) << i;
        out->nullify |= (uint32_t)may_nullify(bounds, vote) << i;
        for (uint32_t s = 0; s < bounds->proposals; s++)
            out->finalize[s] |=
                (uint32_t)may_finalize(bounds, moves->facts, vote, view, s)
                << i;
    }
}

/* Who has notarized this proposal: the stored vote is re-sent, no new one. */
static uint32_t notarizers(const struct moves *moves, uint32_t view,
                           uint32_t slot)
{
    uint32_t set = 0;
    for (uint32_t i = 0; i < moves->bounds->honest; i++) {
        uint8_t vote = vote_at(moves->bounds, moves->state, view, i);
        set |= (uint32_t)((vote & VOTE_NOTARIZE(slot)) != 0) << i;
    }
    return set;
}

/* The same block again on the same view is the same proposal: not a new one. */
static bool made_already(const struct moves *moves, uint32_t view, uint8_t plan)
{
    if (plan_kind(plan) != PLAN_AGAIN)
        return false;
    for (uint32_t s = 0; s < moves->bounds->proposals; s++)
        if (plan_at(moves->bounds, moves->state, view, s) == plan)
            return true;
    return false;
}

static bool made(const struct moves *moves, uint32_t ref)
{
    return ref == 0 || (ref_slot(ref) < moves->bounds->proposals &&
                        plan_at(moves->bounds, moves->state, ref_view(ref),
                                ref_slot(ref)) != 0);
}

/* The leader alone, or others with it. */
static void push_plan(struct moves *moves, struct move *move,
                      const struct able *able)
{
    const struct bounds *bounds = moves->bounds;
    move->act = ACT_NOTARIZE;
    if (!justified(bounds, moves->facts, move->view, move->plan, false)) {
        if (justified(bounds, moves->facts, move->view, move->plan, true))
            push_each(moves, move, able->notarize);
        return;
    }
    push_steps(moves, move, able->notarize, false);
    move->act = ACT_FINALIZE;
    push_steps(moves, move, able->finalize[move->slot], false);
}

/* Votes on a proposal that nobody has voted for so far. */
static void push_new(struct moves *moves, uint32_t view, uint32_t slot,
                     const struct able *able)
{
    struct move move = {.view = (uint8_t)view, .slot = (uint8_t)slot};
    for (uint32_t ref = 0; ref < ref_make(view, 0); ref++) {
        for (uint32_t k = 0; k < PLAN_KINDS && made(moves, ref); k++) {
            move.plan = plan_make((enum plan_kind)k, ref);
            if (!made_already(moves, view, move.plan))
                push_plan(moves, &move, able);
        }
    }
}

static void push_made(struct moves *moves, uint32_t view, uint32_t slot,
                      const struct able *able)
{
    uint8_t plan = plan_at(moves->bounds, moves->state, view, slot);
    struct move move = {
        .act = ACT_NOTARIZE, .view = (uint8_t)view, .slot = (uint8_t)slot};
    if (justified(moves->bounds, moves->facts, view, plan, false))
        push_steps(moves, &move,
                   able->notarize & ~notarizers(moves, view, slot),
                   (moves->facts->notar[view] >> slot & 1) != 0);
    move.act = ACT_FINALIZE;
    push_steps(moves, &move, able->finalize[slot],
               (moves->facts->final[view] >> slot & 1) != 0);
}

static void push_view(struct moves *moves, uint32_t view)
{
    struct move nullify = {.act = ACT_NULLIFY, .view = (uint8_t)view};
    struct able able;
    uint32_t slot = 0;
    able_in(moves, view, &able);
    push_steps(moves, &nullify, able.nullify, moves->facts->null[view]);
    for (; slot < moves->bounds->proposals &&
           plan_at(moves->bounds, moves->state, view, slot) != 0;
         slot++)
        push_made(moves, view, slot, &able);
    if (slot < moves->bounds->proposals)
        push_new(moves, view, slot, &able);
}

uint32_t model_moves(const struct bounds *bounds, const struct state *state,
                     const struct facts *facts,
                     struct move out_moves[MODEL_MOVES])
{
    struct moves moves = {
        .bounds = bounds, .state = state, .facts = facts, .list = out_moves};
    for (uint32_t v = 0; v < bounds->views; v++)
        push_view(&moves, v);
    return moves.count;
}

static uint8_t vote_of(const struct move *move)
{
    switch ((enum act)move->act) {
    case ACT_NOTARIZE:
        return (uint8_t)VOTE_NOTARIZE(move->slot);
    case ACT_NULLIFY:
        return VOTE_NULLIFY;
    case ACT_FINALIZE:
        return (uint8_t)VOTE_FINALIZE(move->slot);
    }
    CHECK(false);
}

void model_apply(const struct bounds *bounds, struct state *state,
                 const struct move *move)
{
    uint8_t *row = &state->at[move->view * bounds->row];
    CHECK(move->view < bounds->views && move->slot < bounds->proposals);
    CHECK(move->nodes != 0 && move->nodes >> bounds->honest == 0);
    if (move->plan != 0)
        row[bounds->honest + move->slot] = move->plan;
    for (uint32_t i = 0; i < bounds->honest; i++)
        if ((move->nodes >> i & 1) != 0)
            row[i] |= vote_of(move);
}

void model_picture(const struct bounds *bounds, const struct state *state,
                   const struct facts *facts, struct bounds *out_bounds,
                   struct state *out_picture)
{
    *out_bounds = *bounds;
    out_bounds->honest = 1;
    out_bounds->row = 1 + bounds->proposals;
    out_bounds->width = bounds->views * out_bounds->row;
    memset(out_picture, 0, sizeof(*out_picture));
    for (uint32_t v = 0; v < bounds->views; v++) {
        uint8_t *row = &out_picture->at[v * out_bounds->row];
        uint32_t known = facts->notar[v] | facts->final[v];
        row[0] = (uint8_t)(facts->notar[v] | (uint32_t)facts->final[v] << 3 |
                           (facts->null[v] ? VOTE_NULLIFY : 0u));
        for (uint32_t s = 0; s < bounds->proposals; s++)
            if ((known >> s & 1) != 0)
                row[1 + s] = plan_at(bounds, state, v, s);
    }
}
