#include "market/book_impl.h"

#include <string.h>

#include "base/check.h"
#include "sched/division.h"

/* ---- a slot as a candidate ---- */

static bool is_self(const struct book *book, const struct book_slot *slot,
                    const struct request *request)
{
    const struct pubkey *provider = &slot->provider;
    if (book->config.self_allowed)
        return false;
    return pubkey_equal(provider, &request->agent) ||
           pubkey_equal(provider, &request->buyer) ||
           (!pubkey_is_zero(&request->buyer) &&
            pubkey_equal(&slot->card->payout, &request->buyer));
}

static bool is_excluded(const struct book_entry *entry,
                        const struct pubkey *provider, uint64_t now_ms)
{
    const struct book_exclusion *exclusion =
        entry != NULL ? book_exclusion_find(entry, provider) : NULL;
    return exclusion != NULL && exclusion->until_ms > now_ms;
}

/* The reasons only the book can know. */
static uint64_t refused_by_book(const struct book *book,
                                const struct book_slot *slot,
                                const struct request *request,
                                const struct book_entry *entry, uint64_t now_ms)
{
    uint64_t refused = 0;
    if (is_self(book, slot, request))
        refused |= reason_bit(REASON_SELF);
    if (!pubkey_is_zero(&request->only_seller) &&
        !pubkey_equal(&request->only_seller, &slot->provider))
        refused |= reason_bit(REASON_SELLER);
    if (is_excluded(entry, &slot->provider, now_ms))
        refused |= reason_bit(REASON_EXCLUDED);
    if (slot->unreachable_until_ms > now_ms)
        refused |= reason_bit(REASON_UNREACHABLE);
    return refused;
}

/* A price that overflows is above every cap. */
static void set_price(const struct book_slot *slot,
                      const struct request *request, struct candidate *out)
{
    if (price_per_hour(&slot->card->price, &request->resources, &out->hour) ==
            OK &&
        price_for_time(out->hour, request->time_ms_max, &out->bill) == OK)
        return;
    out->hour = amount_micro(UINT64_MAX);
    out->bill = amount_micro(UINT64_MAX);
    out->refused |= reason_bit(REASON_PRICE);
}

void book_view(const struct book *book, uint32_t index,
               const struct request *request, const struct book_entry *entry,
               uint64_t now_ms, struct book_view *out)
{
    const struct book_slot *slot = &book->slots[index];
    const struct book_card *card = slot->card;
    CHECK(slot->state == SLOT_LIVE);
    out->c = (struct candidate){
        .provider = slot->provider,
        .arch = card->arch,
        .total = card->total,
        .slots_free = card->slots_free > slot->reserved_tasks
                          ? card->slots_free - slot->reserved_tasks
                          : 0,
        .time_ms_max = card->time_ms_max,
        .label_count = card->label_count,
        .labels = out->labels,
        .rtt_us = slot->rtt_us,
        .rtt_age_ms = now_ms - slot->rtt_at_ms,
        .grade = card->grade,
        .age_ms = now_ms - slot->received_ms,
        .ttl_ms = card->ttl_ms,
        .refused = refused_by_book(book, slot, request, entry, now_ms),
    };
    CHECK(resources_sub(&slot->free, &slot->reserved, &out->c.free) == OK);
    set_price(slot, request, &out->c);
    if (request->constraint_count > 0 ||
        ranking_reads_labels(request->policy, &request->terms))
        book_card_labels(card, out->labels);
}

void book_demand(const struct request *request, struct demand *out)
{
    *out = (struct demand){
        .want = request->resources,
        .arch = request->arch,
        .time_ms = request->time_ms_max,
        .policy = request->policy,
        .price_max = request->price_max,
        .constraint_count = request->constraint_count,
        .constraints = request->constraints,
        .terms = &request->terms,
    };
    memcpy(out->salt, request->salt, sizeof(out->salt));
}

void book_entry_demand(const struct book *book, const struct book_entry *entry,
                       struct demand *out)
{
    book_demand(&book_class_of(book, entry)->request, out);
    memcpy(out->salt, entry->salt, sizeof(out->salt));
}

enum err book_askable(const struct request *request)
{
    if (!policy_known(request->policy) ||
        request->constraint_count > LIMIT_CONSTRAINTS)
        return ERR_RANGE;
    return policy_terms_check(request->policy, &request->terms);
}

/* ---- a walk over all offers, best figures first ----
 *
 * A walk that got long is cheaper as a sweep over the slots as they lie: then
 * what is not met yet is still no better than the last figures met.
 *
 * Nearest and fastest have one shelf in the order of their figure; offers that
 * are not on it follow in no order. For cheapest the price is a sum of three,
 * weighted by what is asked, so no one order serves all requests: three shelves
 * are walked in turn, and an offer not met on any yet costs at least what the
 * last prices met add up to. */

/* Offers met on shelves before a walk counts as long: this, and a sixteenth. */
#define WALK_SHORT 256u

struct walk {
    struct book *book;
    const struct request *request;
    enum policy order; /* CHEAPEST, NEAREST or FASTEST; 0: none */
    struct shelf_walk shelves[3];
    uint64_t at[3]; /* the last figure met on each */
    unsigned dimension[3];
    unsigned shelf_count;
    unsigned turn;
    bool sorted; /* still on the shelves */
    bool ended;  /* a shelf was walked to its end */
    uint32_t met;
    uint32_t rest; /* after the shelves: the next slot */
};

static void walk_shelf(struct walk *walk, const struct shelf *shelf,
                       unsigned dimension)
{
    shelf_walk_init(&walk->shelves[walk->shelf_count], shelf);
    walk->dimension[walk->shelf_count++] = dimension;
}

static void walk_prices(struct walk *walk)
{
    const struct resources *want = &walk->request->resources;
    const uint64_t weights[3] = {want->cpu_milli, want->mem_mib,
                                 want->disk_mib};
    for (unsigned i = 0; i < 3; i++) {
        if (weights[i] > 0)
            walk_shelf(walk, &walk->book->price[i], i);
    }
    if (walk->shelf_count == 0)
        walk_shelf(walk, &walk->book->price[0], 0);
}

static void walk_init(struct walk *walk, struct book *book,
                      const struct request *request, enum policy order)
{
    *walk = (struct walk){
        .book = book, .request = request, .order = order, .sorted = true};
    book->walk++;
    if (order == POLICY_CHEAPEST)
        walk_prices(walk);
    else if (order == POLICY_NEAREST)
        walk_shelf(walk, &book->distance, 0);
    else if (order == POLICY_FASTEST)
        walk_shelf(walk, &book->slowness, 0);
    else
        walk->sorted = false;
}

/* Is this the first time the walk meets the slot? */
static bool walk_meets(struct walk *walk, uint32_t index)
{
    uint64_t *walked = &walk->book->walked[index];
    bool first = *walked != walk->book->walk;
    *walked = walk->book->walk;
    walk->met += first;
    return first;
}

static bool walk_sorted(struct walk *walk, uint32_t *out)
{
    if (walk->met > WALK_SHORT + walk->book->live_count / 16)
        return false;
    while (shelf_walk_next(&walk->shelves[walk->turn],
                           &walk->at[walk->dimension[walk->turn]], out)) {
        walk->turn = (walk->turn + 1) % walk->shelf_count;
        if (walk_meets(walk, *out))
            return true;
    }
    walk->ended = true;
    return false;
}

static bool walk_rest(struct walk *walk, uint32_t *out)
{
    while (walk->rest < walk->book->slot_count) {
        *out = walk->rest++;
        if (walk->book->slots[*out].state == SLOT_LIVE &&
            walk_meets(walk, *out))
            return true;
    }
    return false;
}

static bool walk_next(struct walk *walk, uint32_t *out)
{
    if (walk->sorted && walk_sorted(walk, out))
        return true;
    walk->sorted = false;
    return walk_rest(walk, out);
}

/* The least an hour costs at an offer not met yet. */
static uint64_t price_floor(const struct walk *walk)
{
    const struct price price = {amount_micro(walk->at[0]),
                                amount_micro(walk->at[1]),
                                amount_micro(walk->at[2])};
    struct amount hour = amount_micro(UINT64_MAX);
    if (price_per_hour(&price, &walk->request->resources, &hour) != OK)
        return UINT64_MAX;
    return amount_figure(hour);
}

/* What an offer not met yet has at best: false when its figure is not known. */
static bool walk_value(const struct walk *walk, uint64_t *out)
{
    *out = 0;
    if (walk->order == POLICY_CHEAPEST)
        *out = price_floor(walk);
    else if (walk->order == POLICY_NEAREST)
        *out = walk->at[0];
    else if (walk->order == POLICY_FASTEST)
        *out = UINT32_MAX - walk->at[0];
    return !walk->ended;
}

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
    uint64_t soonest_ms; /* when the first refusal ends by itself */
    bool complete;
};

static void note_end(struct match *m, uint32_t index, uint64_t failing)
{
    const struct book_slot *slot = &m->book->slots[index];
    uint64_t until = BOOK_FOREVER;
    if (failing & reason_bit(REASON_EXCLUDED))
        until = book_exclusion_find(m->entry, &slot->provider)->until_ms;
    else if (failing & reason_bit(REASON_UNREACHABLE))
        until = slot->unreachable_until_ms;
    if (until < m->soonest_ms)
        m->soonest_ms = until;
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
    if (verdict.reason != REASON_NONE) {
        note_end(m, index, verdict.failing);
        return;
    }
    ranking_rank(m->ranking, &view.c, verdict.tasks, index, &rank);
    (void)place_consider(&m->place, &rank,
                         room_counted(m, &view.c, verdict.tasks));
}

static bool match_closed(const struct match *m, const struct walk *walk)
{
    struct rank floor;
    uint64_t value;
    if (!place_full(&m->place))
        return false;
    enum figure known =
        walk_value(walk, &value) ? FIGURE_KNOWN : FIGURE_UNKNOWN;
    ranking_floor(m->ranking, walk->order, known, value, &floor);
    return place_closed(&m->place, &floor);
}

static void match_walk(struct match *m)
{
    struct walk walk;
    uint32_t index;
    explain_init(&m->explain);
    m->soonest_ms = BOOK_FOREVER;
    m->complete = true;
    walk_init(&walk, m->book, m->request, ranking_order(m->ranking));
    while (walk_next(&walk, &index)) {
        match_offer(m, index);
        if (match_closed(m, &walk)) {
            m->complete = m->explain.offers == m->book->live_count;
            return;
        }
    }
}

/* ---- the first pass of those that compare with the best ---- */

static void look_at_offer(struct match *m, uint32_t index)
{
    struct book_view view;
    struct verdict verdict;
    book_view(m->book, index, m->request, m->entry, m->now_ms, &view);
    feasible_check(&m->demand, &view.c, &verdict);
    if (verdict.reason == REASON_NONE)
        ranking_look(m->ranking, &view.c);
}

/* Along one order, until nobody behind can be better. */
static void look_along(struct match *m, enum policy order)
{
    struct walk walk;
    uint32_t index;
    uint64_t value;
    walk_init(&walk, m->book, m->request, order);
    while (walk_next(&walk, &index)) {
        look_at_offer(m, index);
        if (!walk_value(&walk, &value) ||
            ranking_looked(m->ranking, order, value))
            return;
    }
}

static void look_at_all(struct match *m)
{
    for (uint32_t i = 0; i < m->book->slot_count; i++) {
        if (m->book->slots[i].state == SLOT_LIVE)
            look_at_offer(m, i);
    }
}

enum err book_ranking(struct book *book, const struct demand *demand,
                      struct arena *arena, struct ranking **out)
{
    struct ranking *ranking = arena_calloc(arena, 1, sizeof(*ranking));
    struct ranking_load *loads = NULL;
    bool keeps = ranking_keeps_loads(demand);
    if (keeps)
        loads =
            arena_calloc(arena, (size_t)book->live_count + 1, sizeof(*loads));
    if (ranking == NULL || (keeps && loads == NULL))
        return ERR_NOMEM;
    ranking_init(ranking, demand, loads, keeps ? book->live_count + 1 : 0);
    *out = ranking;
    return OK;
}

static void match_look(struct match *m)
{
    enum policy order;
    if (!ranking_looks_first(m->ranking))
        return;
    if (!ranking_looks_in_order(m->ranking)) {
        look_at_all(m);
    } else {
        for (size_t n = 0;
             (order = ranking_look_order(m->ranking, n)) != (enum policy)0; n++)
            look_along(m, order);
    }
    ranking_ready(m->ranking);
}

/* ---- what the walk found, divided ---- */

static uint32_t room_now(const struct match *m, uint32_t index)
{
    struct book_view view;
    struct verdict verdict;
    book_view(m->book, index, m->request, m->entry, m->now_ms, &view);
    feasible_check(&m->demand, &view.c, &verdict);
    return verdict.tasks;
}

static enum err match_divide(struct match *m, struct arena *arena,
                             uint32_t *out_unplaced)
{
    uint32_t *rooms = arena_calloc(arena, m->place.count, sizeof(*rooms));
    if (rooms == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < m->place.count; i++)
        rooms[i] = room_now(m, m->place.entries[i].rank.index);
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
    uint32_t index = from->rank.index;
    const struct book_card *card = m->book->slots[index].card;
    struct book_view view;
    struct verdict verdict;
    book_view(m->book, index, m->request, m->entry, m->now_ms, &view);
    feasible_check(&m->demand, &view.c, &verdict);
    *out = (struct book_placement){
        .provider = view.c.provider,
        .offer_version = card->version,
        .tasks = from->tasks,
        .room = from->room,
        .hour = view.c.hour,
        .bill = view.c.bill,
        .rtt_us = candidate_rtt_known(&view.c) ? view.c.rtt_us : 0,
        .notes = verdict.notes,
    };
    ranking_account(m->ranking, &view.c, &out->account);
    (void)memcpy(out->address, book_card_address(card),
                 strlen(book_card_address(card)) + 1);
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
    match_look(m);
    match_walk(m);
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
        if (place->tasks > 0)
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
    } else if (e->fits == 0) {
        buf_addf(out, "none of %u offers fits, most often because %s",
                 e->offers, reason_text(top));
    } else {
        buf_addf(out, "%u of %u tasks have a place, the rest wait for more",
                 result->placed, tasks);
    }
}
