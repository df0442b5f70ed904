#include "tests/model/tell.h"

#include <stdio.h>
#include <string.h>

/* "2b": the second proposal of view 2. A block is called as the proposal that
 * brought it. */
struct name {
    char text[12];
};

static struct name name_of(uint32_t ref)
{
    struct name name;
    if (ref == 0)
        snprintf(name.text, sizeof(name.text), "the root");
    else
        snprintf(name.text, sizeof(name.text), "%u%c", ref_view(ref) + 1,
                 (char)('a' + ref_slot(ref)));
    return name;
}

static void tell_plan(const struct facts *facts, uint8_t plan)
{
    uint32_t ref = plan_ref(plan);
    struct name parent = name_of(ref);
    struct name block = name_of(facts->block[ref]);
    const char *via = facts->block[ref] == ref ? "" : ", as proposed in ";
    const char *which = facts->block[ref] == ref ? "" : parent.text;
    switch (plan_kind(plan)) {
    case PLAN_NEW:
        printf(", a new block on %s", block.text);
        break;
    case PLAN_AGAIN:
        printf(", block %s again", block.text);
        break;
    case PLAN_FORGED:
        printf(", another block that claims to be %s again", block.text);
        break;
    case PLAN_STRAY:
        printf(", whose header names the root but whose proposal names %s",
               block.text);
        break;
    case PLAN_FLAT:
        printf(", a new block on %s and of its height", block.text);
        break;
    case PLAN_KINDS:
        break;
    }
    printf("%s%s", via, which);
}

/* The certificates that this vote completed. */
static void tell_news(const struct bounds *bounds, const struct facts *before,
                      const struct facts *after)
{
    for (uint32_t v = 0; v < bounds->views; v++) {
        if (after->null[v] && !before->null[v])
            printf("  => view %u is nullified", v + 1);
        for (uint32_t s = 0; s < bounds->proposals; s++) {
            struct name name = name_of(ref_make(v, s));
            if (((after->notar[v] & ~before->notar[v]) >> s & 1) != 0)
                printf("  => %s is notarized", name.text);
            if (((after->final[v] & ~before->final[v]) >> s & 1) != 0)
                printf("  => %s is final", name.text);
        }
    }
}

static void tell_move(const struct facts *facts, uint32_t step,
                      const struct move *move)
{
    struct name name = name_of(ref_make(move->view, move->slot));
    bool one = (move->nodes & (move->nodes - 1)) == 0;
    printf("  %2u  honest", step);
    for (unsigned i = 0; i < MODEL_HONEST; i++)
        if ((move->nodes >> i & 1) != 0)
            printf(" %u", i + 1);
    switch ((enum act)move->act) {
    case ACT_NOTARIZE:
        printf(" notarize%s %s", one ? "s" : "", name.text);
        break;
    case ACT_NULLIFY:
        printf(" nullif%s view %u", one ? "ies" : "y", move->view + 1u);
        break;
    case ACT_FINALIZE:
        printf(" finalize%s %s", one ? "s" : "", name.text);
        break;
    }
    if (move->plan != 0)
        tell_plan(facts, move->plan);
}

static void tell_bounds(const struct bounds *bounds)
{
    printf("  honest weights");
    for (uint32_t i = 0; i < bounds->honest; i++)
        printf(" %u", bounds->weight[i]);
    if (bounds->liars > 0)
        printf(", %u Byzantine of weight %u, who cast every vote",
               bounds->liars, bounds->liar_weight);
    printf("; quorum %u of %u\n", bounds->quorum, bounds->total);
}

void tell_trace(const struct search *search)
{
    struct move moves[MODEL_STEPS];
    struct state state = {{0}};
    struct facts before;
    struct facts after;
    uint32_t count = search_trace(search, moves);
    tell_bounds(search->bounds);
    model_facts(search->bounds, &state, &before);
    for (uint32_t i = 0; i < count; i++) {
        model_apply(search->bounds, &state, &moves[i]);
        model_facts(search->bounds, &state, &after);
        tell_move(&before, i + 1, &moves[i]);
        tell_news(search->bounds, &before, &after);
        printf("\n");
        before = after;
    }
    printf("  broken: %s: %s\n", broken_text(search->broken),
           broken_words(search->broken));
}
