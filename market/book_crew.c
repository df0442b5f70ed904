/* Who together keeps to an availability: the candidates with what is known of
 * them, the choice (sched/avail/replicas.h), and who else may take tasks
 * without harm to it. */

#include "market/book_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/avail/replicas.h"
#include "sched/target.h"

#define STEPS_MAX 20000u
/* Gathered before the weakest are left out. */
#define GATHER_MAX (2 * REPLICAS_CANDIDATES_MAX)
#define ROUNDING   1e-9

struct member {
    struct rank rank; /* index: the slot */
    struct replicas_candidate c;
    struct reliability_account account;
};

struct crew {
    const struct book_crew_ask *ask;
    struct member *list; /* GATHER_MAX */
    uint32_t count;
    struct replicas_candidate *plain; /* of the list, as replicas.h wants it */
    double down_max;
    /* where tasks of the request are */
    double there_down;  /* of all of them together */
    double there_worst; /* of one of them */
    uint32_t there_count;
    struct pubkey there[REPLICAS_MAX];
    uint32_t there_domains[REPLICAS_MAX];
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

static void trim(struct crew *crew)
{
    if (crew->count > 1)
        qsort(crew->list, crew->count, sizeof(*crew->list), by_strength);
    if (crew->count > REPLICAS_CANDIDATES_MAX)
        crew->count = REPLICAS_CANDIDATES_MAX;
}

static void consider(struct crew *crew, uint32_t index)
{
    const struct book_crew_ask *ask = crew->ask;
    struct member *m;
    struct book_view view;
    struct verdict verdict;
    book_view(ask->book, index, ask->request, ask->entry, ask->now_ms, &view);
    feasible_check(ask->demand, &view.c, &verdict);
    if (verdict.reason != REASON_NONE)
        return;
    crew->out->fits++;
    if (crew->count == GATHER_MAX)
        trim(crew);
    m = &crew->list[crew->count];
    if (!book_reliability(ask->book, &view.c.provider,
                          ask->request->time_ms_max, &m->account))
        return;
    crew->out->known++;
    ranking_rank(ask->ranking, &view.c, verdict.tasks, index, &m->rank);
    m->c.down = (double)m->account.down_ppb / TARGET_ONE;
    m->c.price = view.c.bill;
    m->c.domain = domain_of(ask->book, &view.c.provider);
    crew->count++;
}

static enum err gather(struct crew *crew)
{
    const struct book_crew_ask *ask = crew->ask;
    struct book *book = ask->book;
    struct query query;
    struct search search;
    struct search_hit hit;
    if (!pubkey_is_zero(&ask->request->only_seller)) {
        uint32_t slot = book_slot_find(book, &ask->request->only_seller);
        if (slot != BOOK_NONE && book->slots[slot].state == SLOT_LIVE)
            consider(crew, slot);
        return OK;
    }
    if (!book_query(book, ask->request, &query))
        return OK;
    TRY(search_begin(&search, book->catalog, book_query_order((enum policy)0),
                     &query));
    while (search_next(&search, &hit))
        consider(crew, hit.slot);
    trim(crew);
    if (crew->count > 1)
        qsort(crew->list, crew->count, sizeof(*crew->list), by_rank);
    return OK;
}

/* ---- who has tasks already ---- */

static void gather_there(struct crew *crew)
{
    const struct book_crew_ask *ask = crew->ask;
    const struct book_places *places =
        ask->entry != NULL ? &ask->entry->places : NULL;
    crew->there_down = 1;
    for (uint32_t i = 0; places != NULL && i < places->count; i++) {
        const struct book_there *row = &places->list[i];
        struct reliability_account account = {.down_ppb = TARGET_ONE};
        if (row->affinity != 0 || crew->there_count == REPLICAS_MAX)
            continue;
        (void)book_reliability(ask->book, &row->provider,
                               ask->request->time_ms_max,
                               &account); /* unknown: it does not help */
        double down = (double)account.down_ppb / TARGET_ONE;
        crew->there_down *= down;
        crew->there_worst = fmax(crew->there_worst, down);
        crew->there_domains[crew->there_count] =
            domain_of(ask->book, &row->provider);
        crew->there[crew->there_count++] = row->provider;
    }
}

static bool is_there(const struct crew *crew, const struct pubkey *provider)
{
    for (uint32_t i = 0; i < crew->there_count; i++) {
        if (pubkey_equal(&crew->there[i], provider))
            return true;
    }
    return false;
}

static bool domain_is_there(const struct crew *crew, uint32_t domain)
{
    for (uint32_t i = 0; i < crew->there_count; i++) {
        if (crew->there_domains[i] == domain)
            return true;
    }
    return false;
}

/* ---- the choice ---- */

/* Those who may come to the ones that are there. Returns how many; `of` says
 * who they are. */
static uint32_t others(const struct crew *crew, uint32_t *of)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < crew->count; i++) {
        if (domain_is_there(crew, crew->list[i].c.domain))
            continue;
        of[count] = i;
        crew->plain[count++] = crew->list[i].c;
    }
    return count;
}

/* As many as it takes, or exactly `copies`. */
static enum err choose_among(const struct crew *crew, uint32_t count,
                             double down_max, uint32_t copies,
                             struct replicas *out)
{
    bool cheapest = crew->ask->request->policy == POLICY_CHEAPEST;
    struct replicas r;
    if (count == 0)
        return ERR_CAPACITY;
    if (cheapest &&
        replicas_cheapest(crew->plain, count, down_max, STEPS_MAX, &r) == OK &&
        r.count <= POLICY_COPIES_MAX && (copies == 0 || r.count == copies)) {
        *out = r;
        return OK;
    }
    if (copies == 0) {
        TRY(replicas_fewest(crew->plain, count, down_max, &r));
        copies = r.count;
    }
    if (copies > POLICY_COPIES_MAX)
        return ERR_CAPACITY;
    return replicas_in_order(crew->plain, count, down_max, copies, out);
}

static enum err choose_best(const struct crew *crew, uint32_t count,
                            uint32_t copies, struct replicas *out)
{
    uint32_t most = copies > 0 ? copies : POLICY_COPIES_MAX;
    struct replicas r;
    if (count == 0)
        return ERR_CAPACITY;
    TRY(replicas_best(crew->plain, count, &r));
    if (r.count > most)
        r.count = most; /* the least failing come first */
    *out = r;
    return OK;
}

static void fill_member(const struct crew *crew, uint32_t i)
{
    const struct book *book = crew->ask->book;
    const struct member *m = &crew->list[i];
    struct book_crew *out = crew->out;
    struct book_member *to = &out->members[out->count++];
    const char *name = book_card_name(book->slots[m->rank.index].card);
    CHECK(out->count <= POLICY_COPIES_MAX);
    *to = (struct book_member){.provider = m->rank.provider,
                               .account = m->account,
                               .bill = m->c.price};
    memcpy(to->name, name, strlen(name) + 1);
    if (amount_add(out->bill, m->c.price, &out->bill) != OK)
        out->bill = amount_micro(UINT64_MAX);
}

static int by_number(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* The chosen, in the policy's order; writes whose they are back to picks. */
static void fill(const struct crew *crew, const uint32_t *of,
                 struct replicas *chosen)
{
    double down = crew->there_down;
    for (uint32_t i = 0; i < chosen->count; i++)
        chosen->picks[i] = of[chosen->picks[i]];
    qsort(chosen->picks, chosen->count, sizeof(*chosen->picks), by_number);
    for (uint32_t i = 0; i < chosen->count; i++) {
        fill_member(crew, chosen->picks[i]);
        down *= crew->list[chosen->picks[i]].c.down;
    }
    crew->out->down_ppb = target_ppb(down);
}

/* ---- who may take tasks ---- */

/* If each is good enough that any so many of its like reach the target, all of
 * the like may: a bag is not bound to a few. 0: it is not so. */
static double likes_of(const struct crew *crew, uint32_t copies,
                       const struct replicas *chosen)
{
    double each = pow(crew->down_max, 1.0 / copies) * (1 + ROUNDING);
    for (uint32_t i = 0; i < chosen->count; i++) {
        if (crew->list[chosen->picks[i]].c.down > each)
            return 0;
    }
    return crew->there_worst > each ? 0 : each;
}

static bool is_chosen(const struct replicas *chosen, uint32_t i)
{
    for (uint32_t p = 0; p < chosen->count; p++) {
        if (chosen->picks[p] == i)
            return true;
    }
    return false;
}

static bool domain_allowed(const struct crew *crew, const uint32_t *allowed,
                           uint32_t count, uint32_t domain)
{
    for (uint32_t i = 0; i < count; i++) {
        if (crew->list[allowed[i]].c.domain == domain)
            return false;
    }
    return true;
}

/* The chosen, then those who are there, then their like; of one owner one where
 * there are copies. */
static uint32_t allow(const struct crew *crew, uint32_t copies,
                      const struct replicas *chosen, uint32_t *allowed)
{
    double each = likes_of(crew, copies, chosen);
    uint32_t count = 0;
    for (uint32_t i = 0; i < crew->count; i++) {
        if (is_chosen(chosen, i) ||
            is_there(crew, &crew->list[i].rank.provider))
            allowed[count++] = i;
    }
    for (uint32_t i = 0; each > 0 && i < crew->count; i++) {
        const struct member *m = &crew->list[i];
        if (m->c.down <= each && !is_chosen(chosen, i) &&
            !is_there(crew, &m->rank.provider) &&
            (copies == 1 ||
             (!domain_is_there(crew, m->c.domain) &&
              domain_allowed(crew, allowed, count, m->c.domain))))
            allowed[count++] = i;
    }
    for (uint32_t i = 0; i < count; i++)
        allowed[i] = crew->list[allowed[i]].rank.index;
    return count;
}

/* ---- together ---- */

static enum err decide(struct crew *crew, uint32_t *allowed,
                       uint32_t *out_count)
{
    uint32_t copies = crew->ask->copies;
    uint32_t of[REPLICAS_CANDIDATES_MAX];
    uint32_t count = others(crew, of);
    struct replicas chosen = {.count = 0};
    enum err err = OK;
    if (copies == 0 || copies > crew->there_count) {
        double rest = fmin(1, crew->down_max / crew->there_down);
        uint32_t more = copies > 0 ? copies - crew->there_count : 0;
        err = choose_among(crew, count, rest, more, &chosen);
        crew->out->reached = err == OK;
        if (err == ERR_CAPACITY)
            err = choose_best(crew, count, more, &chosen);
    } else {
        crew->out->reached = true; /* as it was when they were chosen */
    }
    if (err != OK && err != ERR_CAPACITY)
        return err;
    fill(crew, of, &chosen);
    *out_count = 0;
    if (crew->out->reached)
        *out_count =
            allow(crew, copies > 0 ? copies : chosen.count, &chosen, allowed);
    return OK;
}

enum err book_crew_make(const struct book_crew_ask *ask, struct arena *arena,
                        struct book_crew *out, const uint32_t **out_slots,
                        uint32_t *out_count)
{
    struct crew crew = {.ask = ask, .out = out};
    uint32_t *allowed =
        arena_calloc(arena, REPLICAS_CANDIDATES_MAX, sizeof(*allowed));
    crew.list = arena_calloc(arena, GATHER_MAX, sizeof(*crew.list));
    crew.plain =
        arena_calloc(arena, REPLICAS_CANDIDATES_MAX, sizeof(*crew.plain));
    CHECK(ask->request->terms.down_ppb > 0);
    if (allowed == NULL || crew.list == NULL || crew.plain == NULL)
        return ERR_NOMEM;
    memset(out, 0, sizeof(*out));
    out->down_ppb = TARGET_ONE;
    crew.down_max = (double)ask->request->terms.down_ppb / TARGET_ONE;
    gather_there(&crew);
    TRY(gather(&crew));
    TRY(decide(&crew, allowed, out_count));
    *out_slots = allowed;
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
