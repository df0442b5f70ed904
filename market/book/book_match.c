#include "market/book/book_index.h"

#include <string.h>

#include "base/check.h"
#include "sched/division.h"
#include "sched/link/linkmap.h"

/* ---- matching ---- */

struct match {
    struct book *book;
    const struct request *request;
    const struct book_entry *entry; /* NULL: a preview */
    struct demand demand;
    uint64_t now_ms;
    struct ranking *ranking; /* of the arena, as its loads are */
    uint32_t copies;
    uint32_t together; /* of a gang: how many at least; else 0 */
    struct place place;
    struct explain explain;
    struct book_crew *crew; /* of the arena; NULL: no availability is asked */
    const uint32_t *crew_slots;
    uint32_t crew_count;
    uint64_t soonest_ms; /* when the first refusal ends by itself */
    bool complete;
};

/* The first refusal that ends by itself. */
static uint64_t first_end(const struct match *m)
{
    uint64_t first = book_index_back_ms(m->book, m->entry, m->now_ms);
    for (uint32_t i = 0; m->entry != NULL && i < m->entry->exclusion_count;
         i++) {
        const struct book_exclusion *own = &m->entry->exclusions[i];
        uint32_t slot = book_slot_find(m->book, &own->provider);
        if (own->until_ms > m->now_ms && own->until_ms < first &&
            slot != BOOK_NONE && m->book->slots[slot].state == SLOT_LIVE)
            first = own->until_ms;
    }
    return first;
}

static uint32_t room_counted(const struct match *m, const struct candidate *c,
                             uint32_t room)
{
    return division_room(m->ranking->divide, m->place.tasks, m->copies,
                         ranking_room(m->ranking, c, room));
}

static void match_offer(struct match *m, uint32_t index)
{
    struct book_view view;
    struct verdict verdict;
    struct rank rank;
    book_view(m->book, index, m->request, m->entry, m->now_ms, &view);
    feasible_check(&m->demand, &view.c, &verdict);
    explain_add(&m->explain, &m->demand, &view.c, &verdict);
    if (verdict.reason != REASON_NONE)
        return;
    ranking_rank(m->ranking, &view.c, verdict.tasks, index, &rank);
    (void)place_consider(&m->place, &rank,
                         room_counted(m, &view.c, verdict.tasks), view.domain);
}

/* Those without room now that queue, among the others by the policy: who begins
 * earlier comes first of equals only. Not where an availability says who. */
static void match_later(struct match *m)
{
    const struct book *book = m->book;
    uint32_t count = m->crew == NULL ? book->queue_count : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = book->queues[i];
        struct book_view view;
        struct rank rank;
        uint64_t wait_ms;
        if (!book_later_fits(book, index, m->request, m->entry, &m->demand,
                             m->now_ms, &view, &wait_ms))
            continue;
        ranking_rank(m->ranking, &view.c, view.c.slots_free, index, &rank);
        rank.wait_ms = wait_ms;
        (void)place_consider(&m->place, &rank,
                             room_counted(m, &view.c, view.c.slots_free),
                             view.domain);
    }
}

/* A list that is full bounds what need be shown. Where the order is the
 * policy's own the last on the list says how good one must be; else the ranking
 * knows the best rank that anybody further on can have. False: nobody. */
static bool match_goes_on(const struct match *m, enum policy order,
                          struct search *search)
{
    const struct rank *last = &m->place.entries[m->place.count - 1].rank;
    struct search_hit rest;
    struct rank floor;
    if (!place_full(&m->place) || order == (enum policy)0)
        return true;
    if (order == m->request->policy) {
        uint32_t key = book_query_key(order, last, &rest.cost);
        search_stop_above(search, key, rest.cost);
        return true;
    }
    if (!search_rest(search, &rest))
        return true;
    uint64_t value = 0;
    enum figure known = book_query_figure(order, &rest, &value);
    ranking_floor(m->ranking, order, known, value, &floor);
    return !place_closed(&m->place, &floor);
}

/* Does what the catalog has of it say that it is behind all on a full list?
 * Then it need not be looked at: the survey counts it. */
static bool is_behind(const struct match *m, uint32_t slot)
{
    uint64_t have[DIM_COUNT];
    struct rank floor;
    if (!place_full(&m->place))
        return false;
    catalog_amounts(m->book->catalog, slot, have);
    const struct resources total = {(uint32_t)have[DIM_CPU_TOTAL],
                                    have[DIM_MEM_TOTAL], have[DIM_DISK_TOTAL],
                                    have[DIM_NIC_TOTAL]};
    const struct resources free = {(uint32_t)have[DIM_CPU_FREE],
                                   have[DIM_MEM_FREE], have[DIM_DISK_FREE],
                                   have[DIM_NIC_FREE]};
    return ranking_floor_of(m->ranking, &total, &free, &floor) &&
           place_closed(&m->place, &floor);
}

/* Walks those that fit by the catalog, the best first, and judges each. */
static enum err match_search(struct match *m)
{
    enum policy order = ranking_order(m->ranking);
    struct query query;
    struct search search;
    struct search_hit hit;
    if (!book_query(m->book, m->request, &query))
        return OK;
    TRY(search_begin(&search, m->book->catalog, book_query_order(order),
                     &query));
    m->complete = false;
    while (search_next(&search, &hit)) {
        if (order == (enum policy)0 && is_behind(m, hit.slot))
            continue;
        match_offer(m, hit.slot);
        if (!match_goes_on(m, order, &search))
            return OK;
    }
    m->complete = search_showed_all(&search);
    return OK;
}

static void match_only(struct match *m)
{
    uint32_t slot = book_slot_find(m->book, &m->request->only_seller);
    if (slot != BOOK_NONE && m->book->slots[slot].state == SLOT_LIVE)
        match_offer(m, slot);
}

/* Those who together keep to the availability, and nobody else. */
static enum err match_crew(struct match *m, struct arena *arena)
{
    const struct book_crew_ask ask = {.book = m->book,
                                      .request = m->request,
                                      .entry = m->entry,
                                      .demand = &m->demand,
                                      .ranking = m->ranking,
                                      .now_ms = m->now_ms,
                                      .copies =
                                          policy_copies(&m->request->terms)};
    if (m->request->terms.down_ppb == 0)
        return OK;
    m->crew = arena_calloc(arena, 1, sizeof(*m->crew));
    if (m->crew == NULL)
        return ERR_NOMEM;
    return book_crew_make(&ask, arena, m->crew, &m->crew_slots, &m->crew_count);
}

static void match_crew_only(struct match *m)
{
    for (uint32_t i = 0; i < m->crew_count; i++)
        match_offer(m, m->crew_slots[i]);
}

/* Who was not shown although nobody was held back has a reason. */
static enum err match_walk(struct match *m)
{
    explain_init(&m->explain);
    m->complete = true;
    if (m->crew != NULL)
        match_crew_only(m);
    else if (pubkey_is_zero(&m->request->only_seller))
        TRY(match_search(m));
    else
        match_only(m);
    CHECK(m->complete || place_full(&m->place));
    match_later(m);
    m->soonest_ms = first_end(m);
    if (!m->complete)
        return OK;
    return book_survey_run(m->book, m->request, m->entry, &m->demand, m->now_ms,
                           &m->explain);
}

/* ---- the first pass of those that compare with the best ---- */

static void look_at_offer(const struct book_look *look, uint32_t index)
{
    struct book_view view;
    struct verdict verdict;
    book_view(look->book, index, look->request, look->entry, look->now_ms,
              &view);
    feasible_check(look->demand, &view.c, &verdict);
    if (verdict.reason == REASON_NONE)
        ranking_look(look->ranking, &view.c);
}

/* Nobody whose figure is worse than the best so far need be shown. */
static void look_bound(const struct ranking *ranking, enum policy order,
                       struct search *search)
{
    if (order == POLICY_CHEAPEST && ranking->known[PART_PRICE])
        search_stop_above(search, 0, ranking->best[PART_PRICE]);
    else if (order == POLICY_NEAREST && ranking->known[PART_RTT])
        search_stop_above(search, book_near_key(ranking->best[PART_RTT]),
                          UINT64_MAX);
    else if (order == POLICY_FASTEST && ranking->known[PART_SPEED])
        search_stop_above(search,
                          book_fast_key((uint32_t)(ranking->best[PART_SPEED] >>
                                                   GRADE_STEP_SHIFT)),
                          UINT64_MAX);
}

/* Along one order, until nobody behind can be better; order 0: at all. */
static enum err look_along(const struct book_look *look, enum policy order)
{
    struct query query;
    struct search search;
    struct search_hit hit;
    if (!book_query(look->book, look->request, &query))
        return OK;
    TRY(search_begin(&search, look->book->catalog, book_query_order(order),
                     &query));
    while (search_next(&search, &hit)) {
        look_at_offer(look, hit.slot);
        look_bound(look->ranking, order, &search);
    }
    return OK;
}

static void look_later(const struct book_look *look)
{
    for (uint32_t i = 0; i < look->book->queue_count; i++) {
        struct book_view view;
        uint64_t wait_ms;
        if (book_later_fits(look->book, look->book->queues[i], look->request,
                            look->entry, look->demand, look->now_ms, &view,
                            &wait_ms))
            ranking_look(look->ranking, &view.c);
    }
}

enum err book_look(const struct book_look *look)
{
    enum policy order;
    if (!ranking_looks_first(look->ranking))
        return OK;
    if (!ranking_looks_in_order(look->ranking)) {
        TRY(look_along(look, (enum policy)0));
    } else {
        for (size_t n = 0;
             (order = ranking_look_order(look->ranking, n)) != (enum policy)0;
             n++)
            TRY(look_along(look, order));
    }
    look_later(look);
    ranking_ready(look->ranking);
    return OK;
}

enum err book_ranking(struct book *book, const struct demand *demand,
                      struct arena *arena, struct ranking **out)
{
    struct ranking *ranking = arena_calloc(arena, 1, sizeof(*ranking));
    struct balance_load *loads = NULL;
    bool keeps = ranking_keeps_loads(demand);
    if (keeps)
        loads =
            arena_calloc(arena, (size_t)book->live_count + 1, sizeof(*loads));
    if (ranking == NULL || (keeps && loads == NULL))
        return ERR_NOMEM;
    ranking_init(ranking, demand, loads, keeps ? book->live_count + 1 : 0);
    *out = ranking;
    return ranking_keeps_ways(demand) ? book_ways_rank(book, arena, ranking)
                                      : OK;
}

/* ---- what the walk found, divided ---- */

/* What was found, once more: now, or for who waits. */
static void view_found(const struct match *m, const struct rank *rank,
                       struct book_view *out)
{
    if (rank->wait_ms > 0)
        book_view_later(m->book, rank->index, m->request, m->entry, m->now_ms,
                        out);
    else
        book_view(m->book, rank->index, m->request, m->entry, m->now_ms, out);
}

static uint32_t room_found(const struct match *m, const struct rank *rank)
{
    struct book_view view;
    struct verdict verdict;
    view_found(m, rank, &view);
    feasible_check(&m->demand, &view.c, &verdict);
    return rank->wait_ms > 0 ? view.c.slots_free : verdict.tasks;
}

static enum err match_divide(struct match *m, struct arena *arena,
                             uint32_t *out_unplaced)
{
    uint32_t *rooms = arena_calloc(arena, m->place.count, sizeof(*rooms));
    if (rooms == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < m->place.count; i++) {
        const struct place_entry *entry = &m->place.entries[i];
        rooms[i] = m->place.per_domain > 0 ? entry->share
                                           : room_found(m, &entry->rank);
    }
    return division_hand_out(&m->place, m->ranking->divide, m->copies, rooms,
                             out_unplaced);
}

/* A gang that is too large for the market asks for nothing. */
static void match_nothing(struct match *m)
{
    m->place.count = 0;
}

static void placement_fill(const struct match *m,
                           const struct place_entry *from,
                           struct book_placement *out)
{
    const struct book_card *card = m->book->slots[from->rank.index].card;
    struct book_view view;
    struct verdict verdict;
    view_found(m, &from->rank, &view);
    feasible_check(&m->demand, &view.c, &verdict);
    *out = (struct book_placement){
        .provider = view.c.provider,
        .offer_version = card->version,
        .tasks = from->tasks,
        .room = from->room,
        .hour = view.c.hour,
        .bill = view.c.bill,
        .rtt_us = candidate_rtt_known(&view.c) &&
                          !m->book->slots[from->rank.index].rtt_guessed
                      ? view.c.rtt_us
                      : 0,
        .notes = verdict.notes,
        .wait_ms = from->rank.wait_ms,
    };
    ranking_account(m->ranking, &view.c, &out->account);
    (void)memcpy(out->address, book_card_address(card),
                 strlen(book_card_address(card)) + 1);
}

static enum err match_spread(struct match *m, struct arena *arena)
{
    const struct book_places *places =
        m->entry != NULL ? &m->entry->places : NULL;
    uint32_t limit = book_places_limit(places, m->request);
    uint32_t known = places != NULL ? places->used_count : 0;
    struct place_domain *table;
    if (limit == 0)
        return OK;
    table = arena_calloc(
        arena, place_table_needed(m->place.tasks, m->place.spares, known),
        sizeof(*table));
    if (table == NULL)
        return ERR_NOMEM;
    place_spread(&m->place, limit, known > 0 ? places->used : NULL, known,
                 table);
    return OK;
}

/* Finds the places; writes the result but reserves nothing. */
static enum err match_run(struct match *m, uint32_t tasks, uint32_t spares,
                          struct arena *arena, struct book_result *out)
{
    struct place_entry *entries = arena_calloc(
        arena, place_entries_needed(tasks, spares), sizeof(*entries));
    uint32_t unplaced = 0;
    if (entries == NULL)
        return ERR_NOMEM;
    TRY(book_ranking(m->book, &m->demand, arena, &m->ranking));
    m->copies = policy_copies(&m->request->terms);
    if (tasks % m->copies != 0)
        m->copies = tasks; /* one each, until all have a place again */
    place_init(&m->place, tasks, spares, entries);
    TRY(match_spread(m, arena));
    const struct book_look look = {m->book,    m->request, m->entry,
                                   &m->demand, m->ranking, m->now_ms};
    book_index_refresh(m->book, m->now_ms);
    TRY(book_look(&look));
    TRY(match_crew(m, arena));
    TRY(match_walk(m));
    TRY(match_divide(m, arena, &unplaced));
    uint32_t room = tasks - unplaced;
    bool gang_waits = room > 0 && room < m->together;
    if (room < m->together) {
        match_nothing(m);
        unplaced = tasks;
    }
    struct book_placement *list =
        arena_calloc(arena, m->place.count, sizeof(*list));
    if (list == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < m->place.count; i++)
        placement_fill(m, &m->place.entries[i], &list[i]);
    *out = (struct book_result){
        .placements = list,
        .count = m->place.count,
        .placed = tasks - unplaced,
        .unplaced = unplaced,
        .gang_waits = gang_waits,
        .room = room,
        .complete = m->complete,
        .explain = m->explain,
        .crew = m->crew,
        .next_try_ms = BOOK_FOREVER,
    };
    return OK;
}

/* How many more of a gang must have a place: beside those that have one. */
static uint32_t entry_together(const struct book_entry *entry,
                               const struct request *request, uint32_t tasks)
{
    uint32_t least = policy_least(&request->terms, entry->tasks_max);
    uint32_t placed = entry->tasks_max - tasks;
    return least > placed ? least - placed : 0;
}

static void match_commit(struct match *m, struct book_entry *entry,
                         struct book_result *result)
{
    for (uint32_t i = 0; i < m->place.count; i++) {
        const struct place_entry *place = &m->place.entries[i];
        if (place->tasks > 0 && place->rank.wait_ms == 0)
            book_hold_add(m->book, entry, place->rank.index, place->tasks);
    }
    entry->reason =
        result->unplaced > 0 ? explain_top(&m->explain) : REASON_NONE;
    entry->offers_seen = m->explain.offers;
    book_entry_settle(m->book, entry, result->unplaced, result->placed > 0,
                      m->soonest_ms, m->now_ms);
    result->next_try_ms = entry->next_try_ms;
}

enum err book_match(struct book *book, const struct hash *id, uint32_t tasks,
                    uint32_t spares, uint64_t now_ms, struct arena *arena,
                    struct book_result *out)
{
    struct book_entry *entry = book_entry_find(book, id);
    struct book_result result;
    if (entry == NULL)
        return ERR_NOT_FOUND;
    if (tasks == 0 || tasks > entry->tasks_max || spares > LIMIT_TASKS)
        return ERR_RANGE;
    struct match m = {.book = book,
                      .request = &book_class_of(book, entry)->request,
                      .entry = entry,
                      .now_ms = now_ms};
    book_entry_demand(book, entry, &m.demand);
    m.together = entry_together(entry, m.request, tasks);
    TRY(match_run(&m, tasks, spares, arena, &result));
    TRY(book_entry_reserve(book, entry, result.count));
    match_commit(&m, entry, &result);
    *out = result;
    return OK;
}

enum err book_preview(struct book *book, const struct request *request,
                      uint32_t tasks, uint32_t spares, uint64_t now_ms,
                      struct arena *arena, struct book_result *out)
{
    TRY(book_askable(request));
    if (tasks == 0 || tasks > LIMIT_TASKS || spares > LIMIT_TASKS)
        return ERR_RANGE;
    struct match m = {.book = book, .request = request, .now_ms = now_ms};
    book_demand(request, &m.demand);
    m.together = policy_least(&request->terms, tasks);
    return match_run(&m, tasks, spares, arena, out);
}

void book_result_format(const struct book_result *result, struct buf *out)
{
    const struct explain *e = &result->explain;
    uint32_t tasks = result->placed + result->unplaced;
    enum reason top = explain_top(e);
    if (result->unplaced == 0) {
        buf_addf(out, "%u of %u tasks have a place", tasks, tasks);
    } else if (e->offers == 0) {
        buf_addf(out, "no offer is known yet");
    } else if (result->gang_waits) {
        buf_addf(out,
                 "there is room for %u of %u tasks that must run together, so "
                 "none is placed",
                 result->room, tasks);
    } else if (result->crew != NULL && !result->crew->reached && e->fits > 0) {
        buf_addf(out, "the availability is out of reach: ");
        book_crew_format(result->crew, out);
    } else if (e->fits == 0) {
        buf_addf(out, "none of %u offers fits, most often because %s",
                 e->offers, reason_text(top));
    } else {
        buf_addf(out, "%u of %u tasks have a place, the rest wait for more",
                 result->placed, tasks);
    }
}
