#include "tests/model/judge.h"

#include <string.h>

#include "base/check.h"

#define X(name, text, words) text,
static const char *const texts[] = {JUDGE_BROKEN(X)};
#undef X
#define X(name, text, words) words,
static const char *const all_words[] = {JUDGE_BROKEN(X)};
#undef X

const char *broken_text(enum broken broken)
{
    CHECK(broken < BROKEN_COUNT);
    return texts[broken];
}

const char *broken_words(enum broken broken)
{
    CHECK(broken < BROKEN_COUNT);
    return all_words[broken];
}

/* The blocks of the final proposals, each once. */
struct finals {
    uint8_t block[MODEL_REFS];
    uint32_t count;
};

static void finals_of(const struct bounds *bounds, const struct facts *facts,
                      struct finals *out)
{
    out->count = 0;
    for (uint32_t v = 0; v < bounds->views; v++)
        for (uint32_t s = 0; s < bounds->proposals; s++) {
            uint8_t block = facts->block[ref_make(v, s)];
            if ((facts->final[v] >> s & 1) != 0 &&
                memchr(out->block, block, out->count) == NULL)
                out->block[out->count++] = block;
        }
}

static bool descends(const struct facts *facts, uint8_t from, uint8_t to)
{
    while (from != to && from != 0)
        from = facts->up[from];
    return from == to;
}

static bool agree(const struct facts *facts, const struct finals *finals)
{
    for (uint32_t i = 0; i < finals->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (!descends(facts, finals->block[i], finals->block[k]) &&
                !descends(facts, finals->block[k], finals->block[i]))
                return false;
    return true;
}

/* A final block makes its ancestors final: no height twice. */
static bool heights_once(const struct facts *facts, const struct finals *finals)
{
    uint8_t at[MODEL_VIEWS + 1] = {0}; /* the root is alone at height 0 */
    for (uint32_t i = 0; i < finals->count; i++)
        for (uint8_t b = finals->block[i]; b != 0; b = facts->up[b]) {
            uint8_t height = facts->height[b];
            CHECK(height <= MODEL_VIEWS);
            if (height == 0 || (at[height] != 0 && at[height] != b))
                return false;
            at[height] = b;
        }
    return true;
}

static bool nothing_beyond(const struct bounds *bounds,
                           const struct facts *facts)
{
    for (uint32_t v = 0; v < bounds->views; v++)
        for (uint32_t s = 0; s < bounds->proposals; s++)
            if ((facts->notar[v] >> s & 1) != 0 &&
                facts->height[facts->block[ref_make(v, s)]] > bounds->last)
                return false;
    return true;
}

/* L4 by the block's header where that and the proposal disagree (mutants). */
static bool grounded(const struct bounds *bounds, const struct state *state,
                     const struct facts *facts, uint32_t view, uint32_t slot)
{
    uint8_t plan = plan_at(bounds, state, view, slot);
    enum plan_kind kind = plan_kind(plan);
    uint32_t ref = kind == PLAN_STRAY || kind == PLAN_FORGED
                       ? facts->up[facts->block[ref_make(view, slot)]]
                       : plan_ref(plan);
    uint32_t from = ref == 0 ? 0 : ref_view(ref) + 1;
    if (ref != 0 && (facts->notar[ref_view(ref)] >> ref_slot(ref) & 1) == 0)
        return false;
    for (uint32_t u = from; u < view; u++)
        if (!facts->null[u])
            return false;
    return true;
}

static bool all_grounded(const struct bounds *bounds, const struct state *state,
                         const struct facts *facts)
{
    for (uint32_t v = 0; v < bounds->views; v++)
        for (uint32_t s = 0; s < bounds->proposals; s++)
            if ((facts->notar[v] >> s & 1) != 0 &&
                !grounded(bounds, state, facts, v, s))
                return false;
    return true;
}

static bool single(uint32_t set)
{
    return (set & (set - 1)) == 0; /* or none */
}

static bool views_hold(const struct bounds *bounds, const struct facts *facts,
                       enum broken what)
{
    for (uint32_t v = 0; v < bounds->views; v++) {
        if (what == BROKEN_L1 && !single(facts->notar[v]))
            return false;
        if (what == BROKEN_L2 && facts->null[v] && facts->final[v] != 0)
            return false;
        if (what == BROKEN_L3 && (facts->final[v] & ~facts->notar[v]) != 0)
            return false;
    }
    return true;
}

/* The pairs of consensus evidence: two notarize, nullify and finalize, two
 * finalize, notarize P and finalize another. */
static bool keys_clean(const struct bounds *bounds, const struct state *state)
{
    for (uint32_t v = 0; v < bounds->views; v++)
        for (uint32_t i = 0; i < bounds->honest; i++) {
            uint8_t vote = vote_at(bounds, state, v, i);
            uint32_t notar = VOTE_NOTARIZES(vote);
            uint32_t final = VOTE_FINALIZES(vote);
            if (!single(notar) || !single(final) ||
                (final != 0 && (vote & VOTE_NULLIFY) != 0) ||
                (final != 0 && notar != 0 && notar != final))
                return false;
        }
    return true;
}

/* A view passes when all honest ones may give it up, without the liars; it is
 * held when an honest one has its notarization for sure, having finalized by
 * it: from there it reaches all. */
static bool passes(const struct bounds *bounds, const struct state *state,
                   const struct facts *facts, uint32_t view, bool *out_held)
{
    uint32_t nullify = 0;
    *out_held = false;
    for (uint32_t i = 0; i < bounds->honest; i++) {
        uint8_t vote = vote_at(bounds, state, view, i);
        nullify |= (uint32_t)model_nullifies(bounds, vote) << i;
        *out_held |= (VOTE_FINALIZES(vote) & facts->notar[view]) != 0;
    }
    return (bounds->alone >> nullify & 1) != 0;
}

/* The liars fall silent, what they said is lost, and all timers fire. The next
 * leader needs a notarization that is held, or the root, and nullifications
 * from there on. */
static bool goes_on(const struct bounds *bounds, const struct state *state,
                    const struct facts *facts)
{
    for (uint32_t v = bounds->views; v > 0; v--) {
        bool held;
        bool passed = passes(bounds, state, facts, v - 1, &held);
        if (held)
            break;
        if (!passed)
            return false;
    }
    return true;
}

enum broken judge(const struct bounds *bounds, const struct state *state,
                  const struct facts *facts, uint32_t asked)
{
    struct finals finals;
    bool holds[BROKEN_COUNT] = {[BROKEN_NOTHING] = true};
    finals_of(bounds, facts, &finals);
    holds[BROKEN_AGREEMENT] = agree(facts, &finals);
    holds[BROKEN_HEIGHT] = heights_once(facts, &finals);
    holds[BROKEN_BOUNDARY] = bounds->last == 0 || nothing_beyond(bounds, facts);
    holds[BROKEN_L1] = views_hold(bounds, facts, BROKEN_L1);
    holds[BROKEN_L2] = views_hold(bounds, facts, BROKEN_L2);
    holds[BROKEN_L3] = views_hold(bounds, facts, BROKEN_L3);
    holds[BROKEN_L4] = all_grounded(bounds, state, facts);
    holds[BROKEN_STUCK] = goes_on(bounds, state, facts);
    holds[BROKEN_EVIDENCE] = keys_clean(bounds, state);
    for (unsigned i = 0; i < BROKEN_COUNT; i++)
        if (!holds[i] && (asked & BROKEN_BIT(i)) != 0)
            return (enum broken)i;
    return BROKEN_NOTHING;
}

static void see_final(const struct bounds *bounds, const struct state *state,
                      const struct facts *facts, uint32_t view, uint32_t slot,
                      struct seen *seen)
{
    uint8_t block = facts->block[ref_make(view, slot)];
    if (facts->height[block] > seen->chain)
        seen->chain = facts->height[block];
    if (plan_kind(plan_at(bounds, state, view, slot)) != PLAN_AGAIN)
        return;
    if (bounds->last != 0 && facts->height[block] == bounds->last)
        seen->last_settled = true;
    for (uint32_t u = 0; u < view; u++)
        for (uint32_t s = 0; s < bounds->proposals; s++)
            if ((facts->final[u] >> s & 1) != 0 &&
                facts->block[ref_make(u, s)] == block)
                seen->final_again = true;
}

void judge_seen(const struct bounds *bounds, const struct state *state,
                const struct facts *facts, struct seen *seen)
{
    uint32_t finals = 0;
    for (uint32_t v = 0; v < bounds->views; v++) {
        finals += facts->final[v] != 0;
        seen->both |= facts->notar[v] != 0 && facts->null[v];
        seen->split |=
            bounds->proposals > 1 && plan_at(bounds, state, v, 1) != 0;
        for (uint32_t s = 0; s < bounds->proposals; s++)
            if ((facts->final[v] >> s & 1) != 0)
                see_final(bounds, state, facts, v, s, seen);
    }
    if (finals > seen->finals)
        seen->finals = finals;
}
