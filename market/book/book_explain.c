#include "market/book/book_index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Where a line stands: those that fit by rank, then the refused by the number
 * of reasons and how much is missing. */
struct line_key {
    uint64_t reasons;
    uint64_t shortage;
    struct rank rank;
};

static int key_compare(const void *left, const void *right)
{
    const struct line_key *a = left;
    const struct line_key *b = right;
    if (a->reasons != b->reasons)
        return a->reasons < b->reasons ? -1 : 1;
    if (a->shortage != b->shortage)
        return a->shortage < b->shortage ? -1 : 1;
    return rank_compare(&a->rank, &b->rank);
}

struct explaining {
    struct book *book;
    const struct request *request;
    const struct book_entry *entry; /* may be NULL */
    struct demand demand;
    uint64_t now_ms;
    struct ranking *ranking;
    bool fits;             /* lines are made for those that fit, or do not */
    struct line_key *keys; /* 2 * lines_max: sorted and halved when full */
    uint32_t count;
    uint32_t lines_max;
};

static void keys_trim(struct explaining *x)
{
    if (x->count > 1)
        qsort(x->keys, x->count, sizeof(*x->keys), key_compare);
    if (x->count > x->lines_max)
        x->count = x->lines_max;
}

static void key_add(struct explaining *x, const struct line_key *key)
{
    if (x->count == 2 * x->lines_max)
        keys_trim(x);
    x->keys[x->count++] = *key;
}

/* Who does not fit has a place in the order of a simple policy, and no score
 * of the others: there the price orders. */
static void key_rank(const struct explaining *x, const struct candidate *c,
                     uint32_t index, const struct verdict *verdict,
                     struct rank *out)
{
    if (verdict->reason == REASON_NONE || x->demand.policy <= POLICY_FASTEST) {
        ranking_rank(x->ranking, c, verdict->tasks, index, out);
        return;
    }
    *out = (struct rank){.key = {0, 0, amount_figure(c->hour)},
                         .provider = c->provider,
                         .index = index};
}

static void explain_slot(struct explaining *x, uint32_t index)
{
    struct book_view view;
    struct verdict verdict;
    struct line_key key;
    book_view(x->book, index, x->request, x->entry, x->now_ms, &view);
    feasible_check(&x->demand, &view.c, &verdict);
    if ((verdict.reason == REASON_NONE) != x->fits)
        return;
    key.reasons = reason_count(verdict.failing);
    key.shortage = explain_shortage(&x->demand, &view.c, verdict.failing);
    key_rank(x, &view.c, index, &verdict, &key.rank);
    key_add(x, &key);
}

/* The nearest miss as the survey found it, with what it lacks. */
enum err book_survey_run(struct book *book, const struct request *request,
                         const struct book_entry *entry,
                         const struct demand *demand, uint64_t now_ms,
                         struct explain *out)
{
    struct book_survey survey;
    uint32_t nearest;
    book_survey_make(book, request, entry, demand, now_ms, &survey);
    TRY(survey_run(&survey.survey, book->catalog, out, &nearest));
    if (!out->has_nearest)
        return OK;
    struct book_view view;
    book_view(book, nearest, request, entry, now_ms, &view);
    feasible_check(demand, &view.c, &out->nearest);
    out->nearest_provider = view.c.provider;
    CHECK(out->nearest.reason != REASON_NONE);
    return OK;
}

/* Once the best lines are known, what is worse than the last need not come. */
static void fits_bound(const struct explaining *x, enum policy order,
                       struct search *search)
{
    const struct line_key *last = &x->keys[x->lines_max - 1];
    uint64_t hour;
    if (order != x->request->policy || last->reasons > 0)
        return;
    uint32_t key = book_query_key(order, &last->rank, &hour);
    search_stop_above(search, key, hour);
}

/* Lines for those that fit, the best first. */
static enum err explain_fits(struct explaining *x)
{
    enum policy order = ranking_order(x->ranking);
    struct query query;
    struct search search;
    struct search_hit hit;
    if (!book_query(x->book, x->request, &query))
        return OK;
    TRY(search_begin(&search, x->book->catalog, book_query_order(order),
                     &query));
    x->fits = true;
    while (search_next(&search, &hit)) {
        explain_slot(x, hit.slot);
        if (x->count < 2 * x->lines_max)
            continue;
        keys_trim(x);
        fits_bound(x, order, &search);
    }
    return OK;
}

static void explain_miss(void *context, uint32_t slot)
{
    explain_slot(context, slot);
}

/* Lines for those that lack the least, as many as there is room for. */
static enum err explain_misses(struct explaining *x, uint32_t fits)
{
    struct book_survey survey;
    x->fits = false;
    if (fits >= x->lines_max)
        return OK;
    book_survey_make(x->book, x->request, x->entry, &x->demand, x->now_ms,
                     &survey);
    return survey_misses(&survey.survey, x->book->catalog, x->lines_max - fits,
                         explain_miss, x);
}

static void line_end(const struct explaining *x, const struct book_slot *slot,
                     struct book_line *line)
{
    const struct book_exclusion *exclusion;
    line->why = OK;
    line->until_ms = 0;
    if (line->verdict.reason == REASON_EXCLUDED) {
        exclusion = book_exclusion_find(x->entry, &slot->provider);
        line->why = exclusion->why;
        line->until_ms = exclusion->until_ms;
    } else if (line->verdict.reason == REASON_UNREACHABLE) {
        line->until_ms = slot->unreachable_until_ms;
    }
}

static void line_fill(const struct explaining *x, uint32_t index,
                      struct book_line *line)
{
    const struct book_slot *slot = &x->book->slots[index];
    const char *name = book_card_name(slot->card);
    struct book_view view;
    book_view(x->book, index, x->request, x->entry, x->now_ms, &view);
    feasible_check(&x->demand, &view.c, &line->verdict);
    line->provider = slot->provider;
    (void)memcpy(line->name, name, strlen(name) + 1);
    line->offer_version = slot->version;
    line->hour = view.c.hour;
    line->bill = view.c.bill;
    line->rtt_us =
        candidate_rtt_known(&view.c) && !slot->rtt_guessed ? view.c.rtt_us : 0;
    if (line->verdict.reason == REASON_NONE)
        ranking_account(x->ranking, &view.c, &line->account);
    line_end(x, slot, line);
}

static enum err explain_run(struct explaining *x, uint32_t lines_max,
                            struct arena *arena, struct book_explanation *out)
{
    struct book_explanation result = {0};
    uint32_t live = x->book->live_count;
    x->lines_max = lines_max < live ? lines_max : live;
    x->keys = arena_calloc(arena, 2 * (size_t)x->lines_max, sizeof(*x->keys));
    result.lines = arena_calloc(arena, x->lines_max, sizeof(*result.lines));
    if (x->keys == NULL || result.lines == NULL)
        return ERR_NOMEM;
    TRY(book_ranking(x->book, &x->demand, arena, &x->ranking));
    const struct book_look look = {x->book,    x->request, x->entry,
                                   &x->demand, x->ranking, x->now_ms};
    book_index_refresh(x->book, x->now_ms);
    TRY(book_look(&look));
    TRY(book_survey_run(x->book, x->request, x->entry, &x->demand, x->now_ms,
                        &result.explain));
    book_later_missed(x->book, x->request, x->entry, &x->demand, x->now_ms,
                      &result.queues);
    if (x->lines_max > 0) {
        TRY(explain_fits(x));
        TRY(explain_misses(x, result.explain.fits));
    }
    keys_trim(x);
    result.count = x->count;
    for (uint32_t i = 0; i < x->count; i++)
        line_fill(x, x->keys[i].rank.index, &result.lines[i]);
    *out = result;
    return OK;
}

enum err book_explain(struct book *book, const struct hash *id,
                      uint32_t lines_max, uint64_t now_ms, struct arena *arena,
                      struct book_explanation *out)
{
    const struct book_entry *entry = book_entry_find(book, id);
    if (entry == NULL)
        return ERR_NOT_FOUND;
    struct explaining x = {.book = book,
                           .request = &book_class_of(book, entry)->request,
                           .entry = entry,
                           .now_ms = now_ms};
    book_entry_demand(book, entry, &x.demand);
    return explain_run(&x, lines_max, arena, out);
}

enum err book_explain_request(struct book *book, const struct request *request,
                              uint32_t lines_max, uint64_t now_ms,
                              struct arena *arena, struct book_explanation *out)
{
    TRY(book_askable(request));
    struct explaining x = {.book = book, .request = request, .now_ms = now_ms};
    book_demand(request, &x.demand);
    return explain_run(&x, lines_max, arena, out);
}

static void format_end(const struct book_line *line, uint64_t now_ms,
                       struct buf *out)
{
    if (line->until_ms == BOOK_FOREVER)
        buf_addf(out, "; not asked again");
    else if (line->until_ms > now_ms)
        buf_addf(out, "; asked again in %" PRIu64 " s",
                 (line->until_ms - now_ms + 999) / 1000);
}

void book_line_format(const struct book_line *line,
                      const struct request *request, uint64_t now_ms,
                      struct buf *out)
{
    struct demand demand;
    book_demand(request, &demand);
    verdict_format(&line->verdict, &demand, out);
    if (line->why != OK)
        buf_addf(out, ": %s", err_text(line->why));
    format_end(line, now_ms, out);
}
