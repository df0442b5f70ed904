/* Who together keeps to an availability: the candidates with what is known of
 * them, put to sched/avail/crew.h. */

#include "market/book/book_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/avail/crew.h"
#include "sched/target.h"

/* Gathered before the weakest are left out. */
#define GATHER_MAX (2 * CREW_CANDIDATES_MAX)

_Static_assert(POLICY_COPIES_MAX <= CREW_MAX, "as many copies");

struct member {
    struct rank rank; /* index: the slot */
    struct reliability_account account;
    struct amount bill;
};

struct gathered {
    const struct book_crew_ask *ask;
    struct member *list; /* GATHER_MAX */
    uint32_t count;
    struct pubkey there[CREW_THERE_MAX];
    struct crew_there there_known[CREW_THERE_MAX];
    uint32_t there_count;
    struct book_crew *out;
};

/* ---- what is known of one ---- */

bool book_reliability(const struct book *book, const struct pubkey *provider,
                      uint64_t time_ms, struct reliability_account *out)
{
    const struct reliability *known =
        book->standings != NULL ? standings_get(book->standings, provider)
                                : NULL;
    return known != NULL && reliability_reckon(known, time_ms, out);
}

/* Providers that are paid into one account are one owner's. */
static uint32_t domain_of(const struct book *book,
                          const struct pubkey *provider)
{
    uint32_t slot = book_slot_find(book, provider);
    const struct pubkey *owner = provider;
    if (slot != BOOK_NONE && book->slots[slot].state == SLOT_LIVE &&
        !pubkey_is_zero(&book->slots[slot].card->payout))
        owner = &book->slots[slot].card->payout;
    return (uint32_t)short_hash(book->config.key, BYTES_OF(owner->b)) | 1u;
}

/* ---- candidates ---- */

static int by_strength(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    if (a->account.down_ppb != b->account.down_ppb)
        return a->account.down_ppb < b->account.down_ppb ? -1 : 1;
    return rank_compare(&a->rank, &b->rank);
}

static int by_rank(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    return rank_compare(&a->rank, &b->rank);
}

static void trim(struct gathered *g)
{
    if (g->count > 1)
        qsort(g->list, g->count, sizeof(*g->list), by_strength);
    if (g->count > CREW_CANDIDATES_MAX)
        g->count = CREW_CANDIDATES_MAX;
}

static void consider(struct gathered *g, uint32_t index)
{
    const struct book_crew_ask *ask = g->ask;
    struct member *m;
    struct book_view view;
    struct verdict verdict;
    book_view(ask->book, index, ask->request, ask->entry, ask->now_ms, &view);
    feasible_check(ask->demand, &view.c, &verdict);
    if (verdict.reason != REASON_NONE)
        return;
    g->out->fits++;
    if (g->count == GATHER_MAX)
        trim(g);
    m = &g->list[g->count];
    if (!book_reliability(ask->book, &view.c.provider,
                          ask->request->time_ms_max, &m->account))
        return;
    g->out->known++;
    ranking_rank(ask->ranking, &view.c, verdict.tasks, index, &m->rank);
    m->bill = view.c.bill;
    g->count++;
}

static enum err gather(struct gathered *g)
{
    const struct book_crew_ask *ask = g->ask;
    struct book *book = ask->book;
    struct query query;
    struct search search;
    struct search_hit hit;
    if (!pubkey_is_zero(&ask->request->only_seller)) {
        uint32_t slot = book_slot_find(book, &ask->request->only_seller);
        if (slot != BOOK_NONE && book->slots[slot].state == SLOT_LIVE)
            consider(g, slot);
        return OK;
    }
    if (!book_query(book, ask->request, &query))
        return OK;
    TRY(search_begin(&search, book->catalog, book_query_order((enum policy)0),
                     &query));
    while (search_next(&search, &hit))
        consider(g, hit.slot);
    trim(g);
    if (g->count > 1)
        qsort(g->list, g->count, sizeof(*g->list), by_rank);
    return OK;
}

/* ---- who has copies already ---- */

/* Where they are more than there is room for, the worst are kept. */
static uint32_t room_there(const struct gathered *g, uint32_t down_ppb)
{
    uint32_t best = 0;
    if (g->there_count < CREW_THERE_MAX)
        return g->there_count;
    for (uint32_t i = 1; i < CREW_THERE_MAX; i++) {
        if (g->there_known[i].down_ppb < g->there_known[best].down_ppb)
            best = i;
    }
    return g->there_known[best].down_ppb < down_ppb ? best : CREW_THERE_MAX;
}

/* Who has other tasks of the request only is a candidate like any. */
static void gather_there(struct gathered *g)
{
    const struct book_crew_ask *ask = g->ask;
    const struct book_places *places =
        ask->entry != NULL ? &ask->entry->places : NULL;
    for (uint32_t i = 0; places != NULL && i < places->count; i++) {
        const struct book_there *row = &places->list[i];
        struct reliability_account account = {.down_ppb = TARGET_ONE};
        uint32_t at;
        if (row->affinity != 0 || !row->beside)
            continue;
        (void)book_reliability(ask->book, &row->provider,
                               ask->request->time_ms_max,
                               &account); /* unknown: it does not help */
        at = room_there(g, account.down_ppb);
        if (at == CREW_THERE_MAX)
            continue;
        g->there_count += at == g->there_count ? 1 : 0;
        g->there[at] = row->provider;
        g->there_known[at] = (struct crew_there){
            account.down_ppb, domain_of(ask->book, &row->provider)};
    }
}

static bool is_there(const struct gathered *g, const struct pubkey *provider)
{
    for (uint32_t i = 0; i < g->there_count; i++) {
        if (pubkey_equal(&g->there[i], provider))
            return true;
    }
    return false;
}

/* ---- the choice ---- */

static void fill_member(const struct gathered *g, uint32_t i)
{
    const struct book *book = g->ask->book;
    const struct member *m = &g->list[i];
    struct book_crew *out = g->out;
    struct book_member *to = &out->members[out->count++];
    const char *name = book_card_name(book->slots[m->rank.index].card);
    CHECK(out->count <= POLICY_COPIES_MAX);
    *to = (struct book_member){
        .provider = m->rank.provider, .account = m->account, .bill = m->bill};
    memcpy(to->name, name, strlen(name) + 1);
    if (amount_add(out->bill, m->bill, &out->bill) != OK)
        out->bill = amount_micro(UINT64_MAX);
}

static enum err choose(struct gathered *g, struct arena *arena,
                       struct crew *out)
{
    const struct crew_ask ask = {.down_ppb = g->ask->request->terms.down_ppb,
                                 .copies = g->ask->copies,
                                 .cheapest =
                                     g->ask->request->policy == POLICY_CHEAPEST,
                                 .there = g->there_known,
                                 .there_count = g->there_count};
    struct crew_candidate *candidates =
        arena_calloc(arena, (size_t)g->count + 1, sizeof(*candidates));
    if (candidates == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < g->count; i++) {
        const struct member *m = &g->list[i];
        candidates[i] = (struct crew_candidate){
            .down_ppb = m->account.down_ppb,
            .domain = domain_of(g->ask->book, &m->rank.provider),
            .price = m->bill,
            .there = is_there(g, &m->rank.provider)};
    }
    return crew_choose(candidates, g->count, &ask, out);
}

enum err book_crew_make(const struct book_crew_ask *ask, struct arena *arena,
                        struct book_crew *out, const uint32_t **out_slots,
                        uint32_t *out_count)
{
    struct gathered g = {.ask = ask, .out = out};
    uint32_t *slots = arena_calloc(arena, CREW_CANDIDATES_MAX, sizeof(*slots));
    struct crew *crew = arena_calloc(arena, 1, sizeof(*crew));
    g.list = arena_calloc(arena, GATHER_MAX, sizeof(*g.list));
    CHECK(ask->request->terms.down_ppb > 0);
    if (slots == NULL || crew == NULL || g.list == NULL)
        return ERR_NOMEM;
    memset(out, 0, sizeof(*out));
    gather_there(&g);
    TRY(gather(&g));
    TRY(choose(&g, arena, crew));
    for (uint32_t i = 0; i < crew->count; i++)
        fill_member(&g, crew->picks[i]);
    for (uint32_t i = 0; i < crew->allowed_count; i++)
        slots[i] = g.list[crew->allowed[i]].rank.index;
    out->reached = crew->reached;
    out->down_ppb = crew->down_ppb;
    *out_slots = slots;
    *out_count = crew->allowed_count;
    return OK;
}

enum err book_reckon(struct book *book, const struct request *request,
                     uint64_t now_ms, struct arena *arena,
                     struct book_crew *out)
{
    struct demand demand;
    struct ranking *ranking;
    const uint32_t *slots;
    uint32_t count;
    TRY(book_askable(request));
    if (request->terms.down_ppb == 0)
        return ERR_RANGE;
    book_demand(request, &demand);
    TRY(book_ranking(book, &demand, arena, &ranking));
    const struct book_look look = {book,    request, NULL,
                                   &demand, ranking, now_ms};
    book_index_refresh(book, now_ms);
    TRY(book_look(&look));
    const struct book_crew_ask ask = {.book = book,
                                      .request = request,
                                      .demand = &demand,
                                      .ranking = ranking,
                                      .now_ms = now_ms,
                                      .copies = request->terms.copies};
    return book_crew_make(&ask, arena, out, &slots, &count);
}

void book_crew_format(const struct book_crew *crew, struct buf *out)
{
    if (crew->fits == 0) {
        buf_addf(out, "no provider takes it now");
        return;
    }
    if (crew->known == 0) {
        buf_addf(out,
                 "nothing is known yet of how reliable the %u provider%s that "
                 "take%s it %s",
                 crew->fits, crew->fits == 1 ? "" : "s",
                 crew->fits == 1 ? "s" : "", crew->fits == 1 ? "is" : "are");
        return;
    }
    target_format_short(crew->down_ppb, out);
    buf_addf(out, " with %u cop%s (%u provider%s fit, of %u enough is known)",
             crew->count, crew->count == 1 ? "y" : "ies", crew->fits,
             crew->fits == 1 ? "" : "s", crew->known);
}
