#include "market/book_impl.h"

#include <string.h>

#include "base/check.h"

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

/* Devices at the price of the group they would be of. */
static struct amount device_hour(const struct request *request,
                                 const struct candidate *c)
{
    struct devices_verdict verdict;
    if (request->devices.count == 0 || c->devices == NULL)
        return amount_micro(0);
    devices_check(c->devices, &request->devices, &verdict);
    return verdict.group == DEVICES_NO_GROUP
               ? amount_micro(0)
               : c->devices->groups[verdict.group].hour;
}

/* A price that overflows is above every cap. */
static void set_price(const struct book_slot *slot,
                      const struct request *request, struct candidate *out)
{
    if (price_per_hour_with(&slot->card->price, &request->resources,
                            device_hour(request, out), &request->devices,
                            &out->hour) == OK &&
        price_for_time(out->hour, request->time_ms_max, &out->bill) == OK)
        return;
    out->hour = amount_micro(UINT64_MAX);
    out->bill = amount_micro(UINT64_MAX);
    out->refused |= reason_bit(REASON_PRICE);
}

static void set_gear(const struct book_gear *gear,
                     const struct request *request, struct book_view *out)
{
    if (gear == NULL)
        return;
    out->c.taint_count = gear->taint_count;
    out->c.taints = gear->taints;
    if (request->devices.count == 0)
        return;
    book_gear_view(gear, &out->devices);
    out->c.devices = &out->devices;
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
    set_gear(card->gear, request, out);
    set_price(slot, request, &out->c);
    out->domain = 0;
    if (request->constraint_count > 0 || request->zone_count > 0 ||
        request->spread.per_value > 0)
        book_card_labels(card, out->labels);
    if (request->spread.per_value > 0)
        out->domain = book_domain(book->config.key, &request->spread,
                                  out->labels, card->label_count);
    book_places_view(entry != NULL ? &entry->places : NULL, request,
                     out->domain, &out->c);
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
        .devices = &request->devices,
        .zone_count = request->zone_count,
        .zones = request->zones,
        .toleration_count = request->toleration_count,
        .tolerations = request->tolerations,
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
    return request_wishes_form(request);
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
                      const struct request *request)
{
    *walk = (struct walk){.book = book, .request = request, .sorted = true};
    book->walk++;
    switch (request->policy) {
    case POLICY_CHEAPEST:
        walk_prices(walk);
        return;
    case POLICY_NEAREST:
        walk_shelf(walk, &book->distance, 0);
        return;
    case POLICY_FASTEST:
        walk_shelf(walk, &book->slowness, 0);
        return;
    }
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

/* The best rank an offer not met yet can have. */
static void walk_floor(const struct walk *walk, struct rank *out)
{
    enum policy policy = walk->request->policy;
    uint64_t value = 0;
    switch (policy) {
    case POLICY_CHEAPEST:
        value = price_floor(walk);
        break;
    case POLICY_NEAREST:
        value = walk->at[0];
        break;
    case POLICY_FASTEST:
        value = UINT32_MAX - walk->at[0];
        break;
    }
    policy_floor(policy, walk->ended ? FIGURE_UNKNOWN : FIGURE_KNOWN, value,
                 out);
}

/* ---- matching ---- */

struct match {
    struct book *book;
    const struct request *request;
    const struct book_entry *entry; /* NULL: a preview */
    struct demand demand;
    uint64_t now_ms;
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
    policy_rank(&m->demand, &view.c, index, &rank);
    (void)place_consider(&m->place, &rank, verdict.tasks, view.domain);
}

static bool match_closed(const struct match *m, const struct walk *walk)
{
    struct rank floor;
    if (!place_full(&m->place))
        return false;
    walk_floor(walk, &floor);
    return place_closed(&m->place, &floor);
}

static void match_walk(struct match *m)
{
    struct walk walk;
    uint32_t index;
    explain_init(&m->explain);
    m->soonest_ms = BOOK_FOREVER;
    m->complete = true;
    walk_init(&walk, m->book, m->request);
    while (walk_next(&walk, &index)) {
        match_offer(m, index);
        if (match_closed(m, &walk)) {
            m->complete = m->explain.offers == m->book->live_count;
            return;
        }
    }
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
    if (entries == NULL)
        return ERR_NOMEM;
    place_init(&m->place, tasks, spares, entries);
    TRY(match_spread(m, arena));
    match_walk(m);
    uint32_t unplaced = place_finish(&m->place);
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
        .complete = m->complete,
        .explain = m->explain,
        .next_try_ms = BOOK_FOREVER,
    };
    return OK;
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
    } else if (e->fits == 0) {
        buf_addf(out, "none of %u offers fits, most often because %s",
                 e->offers, reason_text(top));
    } else {
        buf_addf(out, "%u of %u tasks have a place, the rest wait for more",
                 result->placed, tasks);
    }
}
