#include "tests/model/search.h"

#include <string.h>

#include "base/check.h"
#include "tests/model/shape.h"

static void draw(struct search *search, const struct state *state,
                 const struct facts *facts)
{
    struct bounds bounds;
    struct state picture;
    struct state shape;
    model_picture(search->bounds, state, facts, &bounds, &picture);
    shape_of(&bounds, &picture, &shape);
    table_add(&search->pictures, shape.at, 0);
}

/* Keeps the state if it is new; true when it breaks something. */
static bool keep(struct search *search, const struct state *state,
                 uint32_t parent, uint32_t asked)
{
    struct facts facts;
    struct state shape;
    if (search->bounds->named)
        shape = *state;
    else
        shape_of(search->bounds, state, &shape);
    if (!table_add(&search->table, shape.at, parent))
        return false;
    model_facts(search->bounds, &shape, &facts);
    judge_seen(search->bounds, &shape, &facts, &search->seen);
    if (search->draw)
        draw(search, &shape, &facts);
    search->broken = judge(search->bounds, &shape, &facts, asked);
    search->broken_at = search->table.count - 1;
    return search->broken != BROKEN_NOTHING;
}

static void load(const struct search *search, uint32_t number,
                 struct state *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->at, table_get(&search->table, number), search->bounds->width);
}

/* All states one vote further; true when one breaks something. */
static bool expand(struct search *search, uint32_t number, uint32_t asked)
{
    struct move moves[MODEL_MOVES];
    struct facts facts;
    struct state from;
    struct state to;
    uint32_t count;
    load(search, number, &from);
    model_facts(search->bounds, &from, &facts);
    count = model_moves(search->bounds, &from, &facts, moves);
    for (uint32_t i = 0; i < count; i++) {
        to = from;
        model_apply(search->bounds, &to, &moves[i]);
        if (keep(search, &to, number, asked))
            return true;
    }
    return false;
}

void search_run(struct search *search, const struct bounds *bounds,
                uint32_t asked, uint32_t max_states, bool draw_pictures)
{
    struct state root = {{0}};
    uint32_t level_end = 1; /* states before it are at this depth or above */
    memset(search, 0, sizeof(*search));
    search->bounds = bounds;
    search->draw = draw_pictures;
    table_init(&search->table, bounds->width);
    table_init(&search->pictures, bounds->views * (1 + bounds->proposals));
    if (keep(search, &root, 0, asked))
        return;
    for (uint32_t next = 0; next < search->table.count; next++) {
        if (search->table.count >= max_states)
            return;
        if (next == level_end) {
            level_end = search->table.count;
            search->depth++;
        }
        if (expand(search, next, asked)) {
            search->depth++;
            return;
        }
    }
    search->exhausted = true;
}

void search_done(struct search *search)
{
    table_done(&search->table);
    table_done(&search->pictures);
}

bool search_same_pictures(const struct search *one, const struct search *other)
{
    const struct table *drawn = &one->pictures;
    if (!one->draw || !other->draw || drawn->count != other->pictures.count)
        return false;
    for (uint32_t i = 0; i < drawn->count; i++)
        if (!table_has(&other->pictures, table_get(drawn, i)))
            return false;
    return true;
}

bool search_same_shapes(const struct search *named, const struct search *other)
{
    struct table shapes;
    bool same = true;
    table_init(&shapes, named->bounds->width);
    for (uint32_t i = 0; i < named->table.count; i++) {
        struct state state;
        struct state shape;
        load(named, i, &state);
        shape_of(named->bounds, &state, &shape);
        table_add(&shapes, shape.at, 0);
        same &= table_has(&other->table, shape.at);
    }
    same &= shapes.count == other->table.count;
    table_done(&shapes);
    return same;
}

/* Shapes have no names: the same path is walked again with names kept. */
static void walk(const struct search *search, struct state *state,
                 uint32_t number, struct move *out_move)
{
    struct move moves[MODEL_MOVES];
    struct facts facts;
    uint32_t count;
    model_facts(search->bounds, state, &facts);
    count = model_moves(search->bounds, state, &facts, moves);
    for (uint32_t i = 0; i < count; i++) {
        struct state next = *state;
        struct state shape;
        model_apply(search->bounds, &next, &moves[i]);
        shape_of(search->bounds, &next, &shape);
        if (memcmp(shape.at, table_get(&search->table, number),
                   search->bounds->width) == 0) {
            *out_move = moves[i];
            *state = next;
            return;
        }
    }
    CHECK(false); /* a state was found by a move of the one before */
}

uint32_t search_trace(const struct search *search,
                      struct move out_moves[MODEL_STEPS])
{
    uint32_t path[MODEL_STEPS];
    uint32_t count = 0;
    struct state state = {{0}};
    CHECK(search->broken != BROKEN_NOTHING);
    for (uint32_t at = search->broken_at; at != 0;
         at = search->table.parents[at]) {
        CHECK(count < MODEL_STEPS);
        path[count++] = at;
    }
    for (uint32_t i = 0; i < count; i++)
        walk(search, &state, path[count - 1 - i], &out_moves[i]);
    return count;
}
