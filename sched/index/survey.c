#include "sched/index/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/index/survey_impl.h"

void survey_init(struct survey *survey)
{
    memset(survey, 0, sizeof(*survey));
    survey->bill.den = 1;
}

struct survey_rule *survey_add(struct survey *survey, enum reason reason,
                               enum survey_kind kind)
{
    CHECK(survey->count < SURVEY_RULES_MAX);
    struct survey_rule *rule = &survey->rules[survey->count++];
    *rule = (struct survey_rule){
        .reason = reason, .kind = kind, .unless = DIM_COUNT};
    return rule;
}

/* ---- whom a rule refuses ---- */

static void refuse_bitmap(const struct surveying *x, uint32_t bitmap, bool on,
                          uint64_t *fails)
{
    const uint64_t *words = lineup_word(x->order, bitmap, 0);
    uint64_t turn = on ? 0 : UINT64_MAX;
    for (uint32_t i = 0; i < x->len; i++)
        fails[i] |= (words[i] ^ turn) & x->there[i];
}

static uint64_t bit_of(const struct surveying *x, uint32_t slot,
                       uint32_t *out_word)
{
    uint32_t place = x->order->place_of[slot];
    *out_word = place / BLOCK_PLACES;
    return UINT64_C(1) << place % BLOCK_PLACES;
}

/* Of tags without a set: offer by offer. */
static uint64_t bearers(const struct surveying *x, uint32_t word, uint64_t tag)
{
    const uint32_t *slots = &x->order->slot_at[(size_t)word * BLOCK_PLACES];
    uint64_t bear = 0;
    for (uint64_t bits = x->there[word]; bits != 0; bits &= bits - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(bits);
        bear |= (uint64_t)row_has_tag(&x->c->rows[slots[at]], tag) << at;
    }
    return bear;
}

static void refuse_tag(const struct surveying *x, uint64_t tag, bool on,
                       uint64_t *fails)
{
    uint32_t bitmap = catalog_set_of(x->c, tag);
    if (bitmap != BITMAP_COUNT) {
        refuse_bitmap(x, bitmap, on, fails);
        return;
    }
    for (uint32_t i = 0; i < x->len; i++) {
        uint64_t bear = bearers(x, i, tag);
        fails[i] |= on ? bear : x->there[i] & ~bear;
    }
}

/* `fails` holds nobody yet. */
static void refuse_without_any(const struct surveying *x,
                               const struct survey_rule *rule, uint64_t *fails)
{
    for (uint32_t k = 0; k < rule->tag_count; k++)
        refuse_tag(x, rule->tags[k], true, fails);
    for (uint32_t i = 0; i < x->len; i++)
        fails[i] = ~fails[i] & x->there[i];
}

static void refuse_slots(const struct surveying *x,
                         const struct survey_rule *rule, uint64_t *fails)
{
    for (uint32_t i = 0; i < rule->slot_count; i++) {
        uint32_t word;
        if (!catalog_has(x->c, rule->slots[i]))
            continue;
        uint64_t bit = bit_of(x, rule->slots[i], &word);
        fails[word] |= bit;
    }
}

static void refuse_all_but(const struct surveying *x,
                           const struct survey_rule *rule, uint64_t *fails)
{
    uint32_t word;
    for (uint32_t i = 0; i < x->len; i++)
        fails[i] |= x->there[i];
    if (rule->slot_count > 0 && catalog_has(x->c, rule->slots[0])) {
        uint64_t bit = bit_of(x, rule->slots[0], &word);
        fails[word] &= ~bit;
    }
}

/* Bits of a word whose offers have less than is wanted. */
static uint64_t look_up(const struct surveying *x, uint32_t word, uint64_t bits,
                        const struct survey_rule *rule)
{
    const uint64_t *have = x->c->have[rule->dimension];
    const uint32_t *slots = &x->order->slot_at[(size_t)word * BLOCK_PLACES];
    uint64_t fails = 0;
    for (; bits != 0; bits &= bits - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(bits);
        fails |= (uint64_t)(have[slots[at]] < rule->want) << at;
    }
    return fails;
}

static bool all_reach(const struct surveying *x, enum dimension dimension,
                      uint32_t bitmap)
{
    return bitmap == BITMAP_THERE || catalog_all_reach(x->c, dimension, bitmap);
}

/* Those between two rungs: by their figures, or in the columns. */
static void refuse_unsure(const struct surveying *x,
                          const struct survey_rule *rule,
                          const uint64_t *unsure, uint64_t *fails)
{
    const struct figures *own = lineup_figures(x->order, rule->dimension);
    if (own != NULL && amount_is_exact(amount_code(rule->want))) {
        lanes_short(own, unsure, x->len, rule->want, fails);
        return;
    }
    for (uint32_t i = 0; i < x->len; i++) {
        if (unsure[i] != 0)
            fails[i] |= look_up(x, i, unsure[i], rule);
    }
}

static void refuse_short(const struct surveying *x,
                         const struct survey_rule *rule, uint64_t *fails)
{
    uint32_t may;
    uint32_t does;
    uint64_t any = 0;
    catalog_bracket(x->c, rule->dimension, rule->want, &may, &does);
    if (may == BITMAP_COUNT) {
        refuse_bitmap(x, BITMAP_THERE, true, fails);
        return;
    }
    if (may == does && all_reach(x, rule->dimension, may))
        return;
    refuse_bitmap(x, may, false, fails);
    if (may == does)
        return;
    const uint64_t *above = lineup_word(x->order, may, 0);
    const uint64_t *sure =
        does != BITMAP_COUNT ? lineup_word(x->order, does, 0) : NULL;
    for (uint32_t i = 0; i < x->len; i++) {
        x->scratch[i] = above[i] & ~(sure != NULL ? sure[i] : 0);
        any |= x->scratch[i];
    }
    if (any != 0)
        refuse_unsure(x, rule, x->scratch, fails);
}

static void refuse(const struct surveying *x, const struct survey_rule *rule,
                   uint64_t *fails)
{
    switch (rule->kind) {
    case SURVEY_FLAG:
    case SURVEY_NO_FLAG:
        refuse_bitmap(x, BITMAP_FLAGS + rule->flag, rule->kind == SURVEY_FLAG,
                      fails);
        return;
    case SURVEY_TAG:
    case SURVEY_NO_TAG:
        refuse_tag(x, rule->tag, rule->kind == SURVEY_TAG, fails);
        return;
    case SURVEY_NO_TAG_OF:
        refuse_without_any(x, rule, fails);
        return;
    case SURVEY_ASK:
        return;
    case SURVEY_SLOTS:
        refuse_slots(x, rule, fails);
        return;
    case SURVEY_ALL_BUT:
        refuse_all_but(x, rule, fails);
        return;
    case SURVEY_ALL:
        refuse_bitmap(x, BITMAP_THERE, true, fails);
        return;
    case SURVEY_SHORT:
        refuse_short(x, rule, fails);
        return;
    case SURVEY_COST:
        survey_refuse_cost(x, fails);
        return;
    }
}

/* ---- reasons ---- */

/* Where the total is too small, that less is free says nothing. */
static void leave_out(const struct surveying *x, enum dimension unless,
                      uint64_t *fails)
{
    for (uint32_t g = 0; unless != DIM_COUNT && g < x->group_count; g++) {
        const struct group *group = &x->groups[g];
        if (group->rule->kind != SURVEY_SHORT ||
            group->rule->dimension != unless)
            continue;
        for (uint32_t i = 0; i < x->len; i++)
            fails[i] &= ~group->fails[i];
    }
}

static bool any_word(const uint64_t *words, uint32_t len)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < len; i++)
        any |= words[i];
    return any != 0;
}

/* Asks the owner about everybody there is to ask about. */
static void ask_owner(struct surveying *x)
{
    const struct survey *s = x->survey;
    for (uint32_t i = 0; i < x->len; i++) {
        uint64_t bits = 0;
        for (uint32_t k = 0; k < FLAG_COUNT && !s->ask_all; k++) {
            if (s->ask_flags >> k & 1)
                bits |= lineup_word(x->order, BITMAP_FLAGS + k, 0)[i];
        }
        x->ask[i] = s->ask_all ? x->there[i] : bits;
        for (bits = x->ask[i]; bits != 0; bits &= bits - 1) {
            uint32_t at = (uint32_t)__builtin_ctzll(bits);
            uint64_t mask =
                s->asked &
                s->ask(s->owner, x->order->slot_at[i * BLOCK_PLACES + at]);
            enum reason reason;
            while (reason_next(&mask, &reason))
                x->answers[reason][i] |= UINT64_C(1) << at;
        }
    }
}

/* Words for the answers, and the answers. */
static uint64_t *answers_make(struct surveying *x, uint64_t *words)
{
    uint64_t asked = x->survey->asked;
    enum reason reason;
    uint64_t *first = words;
    if (asked == 0)
        return words;
    x->ask = words;
    words += x->len;
    while (reason_next(&asked, &reason)) {
        x->answers[reason] = words;
        words += x->len;
    }
    memset(first, 0, (size_t)(words - first) * sizeof(*words));
    ask_owner(x);
    return words;
}

/* Of those the owner was asked about, its word. */
static void overrule(const struct surveying *x, enum reason reason,
                     uint64_t *fails)
{
    const uint64_t *answers = x->answers[reason];
    if (answers == NULL)
        return;
    for (uint32_t i = 0; i < x->len; i++)
        fails[i] = (fails[i] & ~x->ask[i]) | answers[i];
}

/* One group for each reason that refuses anybody; the words of those that do
 * not are used again. */
static void groups_make(struct surveying *x)
{
    x->scratch = x->c->survey;
    uint64_t *words = answers_make(x, x->scratch + x->len);
    const struct survey *s = x->survey;
    for (uint32_t i = 0; i < s->count;) {
        const struct survey_rule *first = &s->rules[i];
        memset(words, 0, x->len * sizeof(*words));
        for (; i < s->count && s->rules[i].reason == first->reason; i++)
            refuse(x, &s->rules[i], words);
        leave_out(x, first->unless, words);
        overrule(x, first->reason, words);
        if (!any_word(words, x->len))
            continue;
        x->groups[x->group_count++] =
            (struct group){.rule = first,
                           .class_ = reason_class_of(first->reason),
                           .asked = x->answers[first->reason] != NULL,
                           .fails = words};
        words += x->len;
    }
    x->once = words;
    x->near = words + x->len;
}

/* Words of all groups, of answers, and four more. */
static enum err words_reserve(struct surveying *x)
{
    size_t rows = x->survey->count + 4 + reason_count(x->survey->asked);
    size_t need = rows * x->len;
    if (need <= x->c->survey_words)
        return OK;
    void *words = realloc(x->c->survey, need * sizeof(uint64_t));
    if (words == NULL)
        return ERR_NOMEM;
    x->c->survey = words;
    x->c->survey_words = need;
    return OK;
}

/* What the catalog's rungs should be is learnt from whoever asks. */
static void observe(struct surveying *x)
{
    for (uint32_t i = 0; i < x->survey->count; i++) {
        const struct survey_rule *rule = &x->survey->rules[i];
        if (rule->kind == SURVEY_SHORT && rule->want > 0)
            catalog_observe(x->c, rule->dimension, FOLLOW_WANTS, rule->want);
    }
}

static enum err begin(struct surveying *x, const struct survey *survey,
                      struct catalog *catalog)
{
    *x = (struct surveying){.survey = survey, .c = catalog};
    TRY(catalog_order(catalog, ORDER_PRICE, &x->order));
    x->len = x->order->aisle_count * AISLE_BLOCKS;
    x->there = lineup_word(x->order, BITMAP_THERE, 0);
    TRY(words_reserve(x));
    tariff_mix_init(&x->mix, survey->mix);
    x->cost_max = tariff_bill_cost_max(&survey->bill);
    observe(x);
    groups_make(x);
    return OK;
}

enum err survey_run(const struct survey *survey, struct catalog *catalog,
                    struct explain *out, uint32_t *out_nearest)
{
    struct surveying x;
    TRY(begin(&x, survey, catalog));
    explain_init(out);
    survey_tally(&x, out);
    survey_relax(&x, out);
    *out_nearest = survey_nearest(&x, out);
    return OK;
}

enum err survey_misses(const struct survey *survey, struct catalog *catalog,
                       uint32_t need,
                       void (*visit)(void *context, uint32_t slot),
                       void *context)
{
    struct surveying x;
    uint32_t visited = 0;
    TRY(begin(&x, survey, catalog));
    for (uint32_t reasons = 1; reasons < REASON_COUNT && visited < need;
         reasons++) {
        for (uint32_t i = 0; i < x.len; i++) {
            uint64_t bits = survey_refused(&x, i, reasons);
            for (; bits != 0; bits &= bits - 1, visited++)
                visit(context,
                      x.order->slot_at[i * BLOCK_PLACES +
                                       (uint32_t)__builtin_ctzll(bits)]);
        }
    }
    return OK;
}
