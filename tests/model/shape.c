#include "tests/model/shape.h"

#include <string.h>

/* Honest validators in the order of their marks. Marks see nothing of names:
 * those of equal mark are tried in every order. */
struct order {
    uint8_t node[MODEL_HONEST];
    uint8_t group[MODEL_HONEST]; /* of the place: first place of equal mark */
};

static uint64_t mark_of(const struct bounds *bounds, const struct state *state,
                        uint32_t node)
{
    uint64_t mark = bounds->weight[node];
    for (uint32_t v = 0; v < bounds->views; v++) {
        uint32_t vote = vote_at(bounds, state, v, node);
        uint32_t notar = (uint32_t)__builtin_popcount(VOTE_NOTARIZES(vote));
        uint32_t final = (uint32_t)__builtin_popcount(VOTE_FINALIZES(vote));
        mark = mark * 32 + notar * 8 + final * 2 + ((vote & VOTE_NULLIFY) != 0);
    }
    return mark;
}

static void order_first(const struct bounds *bounds, const struct state *state,
                        struct order *order)
{
    uint64_t marks[MODEL_HONEST];
    for (uint32_t i = 0; i < bounds->honest; i++) {
        uint64_t mark = mark_of(bounds, state, i);
        uint32_t at = i;
        for (; at > 0 && marks[at - 1] < mark; at--) {
            marks[at] = marks[at - 1];
            order->node[at] = order->node[at - 1];
        }
        marks[at] = mark;
        order->node[at] = (uint8_t)i;
    }
    for (uint32_t i = 0; i < bounds->honest; i++)
        order->group[i] = i > 0 && marks[i] == marks[i - 1]
                              ? order->group[i - 1]
                              : (uint8_t)i;
}

static void swap(uint8_t *a, uint8_t *b)
{
    uint8_t kept = *a;
    *a = *b;
    *b = kept;
}

static void reverse(uint8_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++)
        swap(&list[i], &list[count - 1 - i]);
}

/* The next permutation in lexical order; after the last, false and the first.
 */
static bool permute(uint8_t *list, uint32_t count)
{
    uint32_t i = count - 1;
    uint32_t k = count - 1;
    while (i > 0 && list[i - 1] >= list[i])
        i--;
    if (i == 0) {
        reverse(list, count);
        return false;
    }
    while (list[k] <= list[i - 1])
        k--;
    swap(&list[i - 1], &list[k]);
    reverse(&list[i], count - i);
    return true;
}

static bool order_next(const struct bounds *bounds, struct order *order)
{
    uint32_t end = bounds->honest;
    while (end > 0) {
        uint32_t start = order->group[end - 1];
        if (permute(&order->node[start], end - start))
            return true;
        end = start;
    }
    return false;
}

/* names[v][old slot] = new slot. */
struct names {
    uint8_t to[MODEL_VIEWS][MODEL_PROPOSALS];
};

static uint8_t rename_plan(uint8_t plan, const struct names *names)
{
    uint32_t ref = plan == 0 ? 0 : plan_ref(plan);
    uint32_t view;
    if (ref == 0)
        return plan;
    view = ref_view(ref);
    return plan_make(plan_kind(plan),
                     ref_make(view, names->to[view][ref_slot(ref)]));
}

/* Who voted for it, in order; then what it is. Unmade ones have key 0. */
static uint32_t key_of(const struct bounds *bounds, const struct state *state,
                       const struct order *order, uint32_t view, uint32_t slot,
                       uint8_t plan)
{
    uint32_t notar = 0;
    uint32_t final = 0;
    for (uint32_t i = 0; i < bounds->honest; i++) {
        uint32_t vote = vote_at(bounds, state, view, order->node[i]);
        notar = notar * 2 + (vote >> slot & 1);
        final = final * 2 + (vote >> (slot + 3) & 1);
    }
    return plan == 0 ? 0 : notar << 16 | final << 8 | plan;
}

static uint8_t rename_vote(const struct bounds *bounds, uint8_t vote,
                           const uint8_t *to)
{
    uint32_t out = vote & VOTE_NULLIFY;
    for (uint32_t s = 0; s < bounds->proposals; s++) {
        if ((vote & VOTE_NOTARIZE(s)) != 0)
            out |= VOTE_NOTARIZE(to[s]);
        if ((vote & VOTE_FINALIZE(s)) != 0)
            out |= VOTE_FINALIZE(to[s]);
    }
    return (uint8_t)out;
}

static void rename_view(const struct bounds *bounds, const struct state *state,
                        const struct order *order, uint32_t view,
                        struct names *names, struct state *out)
{
    uint8_t plans[MODEL_PROPOSALS];
    uint32_t keys[MODEL_PROPOSALS];
    uint8_t *row = &out->at[view * bounds->row];
    uint8_t *to = names->to[view];
    for (uint32_t s = 0; s < bounds->proposals; s++) {
        plans[s] = rename_plan(plan_at(bounds, state, view, s), names);
        keys[s] = key_of(bounds, state, order, view, s, plans[s]);
        to[s] = (uint8_t)s;
        for (uint32_t t = 0; t < s; t++)
            if (keys[t] < keys[s]) {
                to[t]++;
                to[s]--;
            }
    }
    for (uint32_t s = 0; s < bounds->proposals; s++)
        row[bounds->honest + to[s]] = plans[s];
    for (uint32_t i = 0; i < bounds->honest; i++)
        row[i] = rename_vote(bounds,
                             vote_at(bounds, state, view, order->node[i]), to);
}

void shape_of(const struct bounds *bounds, const struct state *state,
              struct state *out_shape)
{
    struct order order;
    struct names names;
    struct state tried;
    bool first = true;
    order_first(bounds, state, &order);
    do {
        struct state *out = first ? out_shape : &tried;
        for (uint32_t v = 0; v < bounds->views; v++)
            rename_view(bounds, state, &order, v, &names, out);
        if (!first && memcmp(&tried, out_shape, bounds->width) < 0)
            memcpy(out_shape, &tried, bounds->width);
        first = false;
    } while (order_next(bounds, &order));
}
