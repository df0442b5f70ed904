#include "market/book/book_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* ---- holds ---- */

static bool hold_counts(const struct book *book, const struct book_hold *hold)
{
    return book->slots[hold->slot].epoch == hold->epoch;
}

static struct book_hold *hold_find(struct book_entry *entry, uint32_t slot,
                                   uint64_t epoch)
{
    for (uint32_t i = 0; i < entry->hold_count; i++) {
        struct book_hold *hold = &entry->holds[i];
        if (hold->slot == slot && hold->epoch == epoch)
            return hold;
    }
    return NULL;
}

static void holds_prune(const struct book *book, struct book_entry *entry)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < entry->hold_count; i++) {
        if (entry->holds[i].tasks > 0 && hold_counts(book, &entry->holds[i]))
            entry->holds[kept++] = entry->holds[i];
    }
    entry->hold_count = kept;
}

static enum err holds_reserve(const struct book *book, struct book_entry *entry,
                              uint32_t more)
{
    holds_prune(book, entry);
    uint32_t cap = entry->hold_count + more;
    if (cap <= entry->hold_cap)
        return OK;
    void *holds = realloc(entry->holds, cap * sizeof(*entry->holds));
    if (holds == NULL)
        return ERR_NOMEM;
    entry->holds = holds;
    entry->hold_cap = cap;
    return OK;
}

/* What `tasks` of the entry take. They were seen to fit, so it does not
 * overflow. */
static struct resources tasks_take(const struct book *book,
                                   const struct book_entry *entry,
                                   uint32_t tasks)
{
    struct resources sum;
    const struct request *request = &book_class_of(book, entry)->request;
    CHECK(resources_mul(&request->resources, tasks, &sum) == OK);
    return sum;
}

/* The devices of the group the demand is told to get there: seen to fit. */
static void hold_devices(struct book *book, const struct book_entry *entry,
                         struct book_hold *hold, uint32_t tasks)
{
    const struct device_wish *wish =
        &book_class_of(book, entry)->request.devices;
    struct book_gear *gear = book->slots[hold->slot].card->gear;
    struct devices view;
    struct devices_verdict verdict;
    if (wish->count == 0)
        return;
    CHECK(gear != NULL);
    book_gear_view(gear, &view);
    devices_check(&view, wish, &verdict);
    CHECK(verdict.reason == REASON_NONE);
    book_gear_take(gear, wish, verdict.group, tasks, hold->taken);
}

void book_hold_add(struct book *book, struct book_entry *entry, uint32_t index,
                   uint32_t tasks)
{
    struct book_slot *slot = &book->slots[index];
    struct resources more = tasks_take(book, entry, tasks);
    struct book_hold *hold = hold_find(entry, index, slot->epoch);
    CHECK(resources_add(&slot->reserved, &more, &slot->reserved) == OK);
    CHECK(resources_cover(&slot->free, &slot->reserved));
    slot->reserved_tasks += tasks;
    if (hold == NULL) {
        CHECK(entry->hold_count < entry->hold_cap);
        hold = &entry->holds[entry->hold_count++];
        *hold = (struct book_hold){.slot = index, .epoch = slot->epoch};
    }
    hold->tasks += tasks;
    hold_devices(book, entry, hold, tasks);
    book_index_amounts(book, index);
}

static void hold_take(struct book *book, struct book_entry *entry,
                      struct book_hold *hold, uint32_t tasks, uint64_t now_ms)
{
    struct book_slot *slot = &book->slots[hold->slot];
    uint32_t part = tasks < hold->tasks ? tasks : hold->tasks;
    struct resources less = tasks_take(book, entry, part);
    const struct device_wish *wish =
        &book_class_of(book, entry)->request.devices;
    book_wake_begin(book, hold->slot, now_ms);
    CHECK(resources_sub(&slot->reserved, &less, &slot->reserved) == OK);
    slot->reserved_tasks -= part;
    hold->tasks -= part;
    if (wish->count > 0)
        book_gear_give(slot->card->gear, wish, part, hold->taken);
    book_index_amounts(book, hold->slot);
    book_wake_end(book, hold->slot, now_ms);
}

void book_release(struct book *book, const struct hash *id,
                  const struct pubkey *provider, uint32_t tasks,
                  uint64_t now_ms)
{
    struct book_entry *entry = book_entry_find(book, id);
    uint32_t slot = book_slot_find(book, provider);
    if (entry == NULL || slot == BOOK_NONE)
        return;
    struct book_hold *hold = hold_find(entry, slot, book->slots[slot].epoch);
    if (hold != NULL)
        hold_take(book, entry, hold, tasks, now_ms);
}

/* ---- entries ---- */

struct book_entry *book_entry_find(const struct book *book,
                                   const struct hash *id)
{
    uint32_t index = book_map_get(&book->by_id, id->b);
    return index == BOOK_NONE ? NULL : book->entries[index];
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void book_entry_timer(struct book *book, struct book_entry *entry,
                      uint64_t next_try_ms)
{
    CHECK(shelf_remove(&book->timers, entry->timer_ms, entry->index));
    entry->next_try_ms = next_try_ms;
    entry->timer_ms = earlier(next_try_ms, entry->expires_ms);
    shelf_add(&book->timers, entry->timer_ms, entry->index);
}

enum err book_entry_reserve(struct book *book, struct book_entry *entry,
                            uint32_t holds)
{
    TRY(shelf_reserve(&book->timers));
    TRY(book_needs_reserve(book));
    return holds_reserve(book, entry, holds);
}

/* Doubles with each try, spread over a quarter to either side: what failed
 * together does not come back together. */
static uint64_t backoff(const struct book *book, const struct book_entry *entry,
                        uint32_t times)
{
    uint64_t delay = BOOK_BACKOFF_MAX_MS;
    if (times < 16 && ((uint64_t)BOOK_BACKOFF_MIN_MS << times) < delay)
        delay = (uint64_t)BOOK_BACKOFF_MIN_MS << times;
    uint8_t input[HASH_LEN + 4];
    memcpy(input, entry->id.b, HASH_LEN);
    u32le_put(input + HASH_LEN, times);
    uint64_t spread = short_hash(book->config.key, BYTES_OF(input));
    return delay - delay / 4 + spread % (delay / 2 + 1);
}

/* Then what it cannot have, others of its class may. */
static bool leaves_any_alone(const struct book_entry *entry, uint64_t now_ms)
{
    for (uint32_t i = 0; i < entry->exclusion_count; i++) {
        if (entry->exclusions[i].until_ms > now_ms)
            return true;
    }
    return false;
}

void book_entry_settle(struct book *book, struct book_entry *entry,
                       uint32_t waiting, bool placed, uint64_t soonest_ms,
                       uint64_t now_ms)
{
    book_list_remove(&book->ready, &entry->ready);
    entry->waiting = waiting;
    if (waiting == 0 || leaves_any_alone(entry, now_ms))
        book_class_pass(book, entry);
    if (waiting == 0) {
        entry->tries = 0;
        book_class_wait_no_more(book, entry);
        book_entry_timer(book, entry, BOOK_FOREVER);
        return;
    }
    uint64_t delay = backoff(book, entry, placed ? 0 : entry->tries);
    entry->tries = placed ? 0 : entry->tries + 1;
    book_class_wait(book, entry);
    book_entry_timer(book, entry, earlier(now_ms + delay, soonest_ms));
}

static struct book_entry *entry_new(const struct hash *id,
                                    const struct request *request,
                                    uint32_t tasks, uint64_t ttl_ms,
                                    uint64_t now_ms)
{
    struct book_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    entry->id = *id;
    memcpy(entry->salt, request->salt, sizeof(entry->salt));
    entry->tasks_max = request->tasks;
    entry->waiting = tasks;
    entry->added_ms = now_ms;
    if (__builtin_add_overflow(now_ms, ttl_ms, &entry->expires_ms))
        entry->expires_ms = BOOK_FOREVER;
    entry->next_try_ms = BOOK_FOREVER;
    entry->timer_ms = entry->expires_ms;
    entry->waits.entry = entry;
    entry->ready.entry = entry;
    return entry;
}

static void entry_enter(struct book *book, struct book_entry *entry,
                        const struct book_class *class_)
{
    uint32_t index = 0;
    while (book->entries[index] != NULL)
        index++;
    CHECK(index < book->config.requests_max);
    book->entries[index] = entry;
    entry->index = index;
    entry->class_index = class_->index;
    entry->seq = ++book->seq;
    book->entry_count++;
    book_map_add(&book->by_id, entry->id.b, index);
    shelf_add(&book->timers, entry->timer_ms, index);
    book_class_wait(book, entry);
    book_list_add(&book->ready, &entry->ready);
}

enum err book_request_add(struct book *book, const struct hash *id,
                          const struct request *request, uint32_t tasks,
                          uint64_t ttl_ms, uint64_t now_ms)
{
    TRY(request_form(request));
    if (tasks == 0 || tasks > request->tasks || ttl_ms == 0)
        return ERR_RANGE;
    if (book_entry_find(book, id) != NULL)
        return ERR_EXISTS;
    if (book->entry_count == book->config.requests_max)
        return ERR_BOOK_FULL;
    TRY(book_map_reserve(&book->by_id));
    TRY(shelf_reserve(&book->timers));
    TRY(book_needs_reserve(book));
    struct book_entry *entry = entry_new(id, request, tasks, ttl_ms, now_ms);
    if (entry == NULL)
        return ERR_NOMEM;
    struct book_class *class_ = book_class_join(book, request);
    if (class_ == NULL) {
        free(entry);
        return ERR_NOMEM;
    }
    entry_enter(book, entry, class_);
    return OK;
}

static uint64_t domain_of(const struct book *book, const struct spread *spread,
                          const struct pubkey *provider)
{
    uint32_t index = book_slot_find(book, provider);
    struct label labels[LIMIT_LABELS];
    const struct book_card *card;
    if (spread->per_value == 0 || index == BOOK_NONE ||
        book->slots[index].state != SLOT_LIVE)
        return 0;
    card = book->slots[index].card;
    book_card_labels(card, labels);
    return book_domain(book->config.key, spread, labels, card->label_count);
}

enum err book_there_set(struct book *book, const struct hash *id,
                        const struct book_there *list, uint32_t count)
{
    struct book_entry *entry = book_entry_find(book, id);
    uint64_t *domains;
    enum err err;
    if (entry == NULL)
        return ERR_NOT_FOUND;
    if (count > BOOK_THERE_MAX)
        return ERR_RANGE;
    domains = calloc(count > 0 ? count : 1, sizeof(*domains));
    if (domains == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        domains[i] =
            domain_of(book, &book_class_of(book, entry)->request.spread,
                      &list[i].provider);
    err = book_places_set(&entry->places, list, domains, count);
    free(domains);
    return err;
}

static void entry_free(struct book_entry *entry)
{
    if (entry == NULL)
        return;
    free(entry->holds);
    free(entry->exclusions);
    book_places_done(&entry->places);
    free(entry);
}

/* It leaves the lists first, so that what it gives back wakes only others. */
void book_entry_remove(struct book *book, struct book_entry *entry,
                       uint64_t now_ms)
{
    if (entry->waiting > 0)
        book_class_pass(book, entry);
    book_list_remove(&book->ready, &entry->ready);
    book_class_wait_no_more(book, entry);
    CHECK(shelf_remove(&book->timers, entry->timer_ms, entry->index));
    CHECK(book_map_remove(&book->by_id, entry->id.b));
    for (uint32_t i = 0; i < entry->hold_count; i++) {
        struct book_hold *hold = &entry->holds[i];
        if (hold_counts(book, hold))
            hold_take(book, entry, hold, hold->tasks, now_ms);
    }
    book_class_leave(book, book_class_of(book, entry));
    book->entries[entry->index] = NULL;
    book->entry_count--;
    entry_free(entry);
}

bool book_request_remove(struct book *book, const struct hash *id,
                         uint64_t now_ms)
{
    struct book_entry *entry = book_entry_find(book, id);
    if (entry == NULL)
        return false;
    book_entry_remove(book, entry, now_ms);
    return true;
}

void book_requests_done(struct book *book)
{
    for (uint32_t i = 0; i < book->config.requests_max; i++) {
        if (book->entries != NULL)
            entry_free(book->entries[i]);
        if (book->classes != NULL)
            free(book->classes[i]);
    }
    free(book->entries);
    free(book->classes);
    book_map_done(&book->by_id);
    shelf_done(&book->timers);
    catalog_free(book->needs);
}

/* ---- exclusions ---- */

const struct book_exclusion *book_exclusion_find(const struct book_entry *entry,
                                                 const struct pubkey *provider)
{
    for (uint32_t i = 0; i < entry->exclusion_count; i++) {
        if (pubkey_equal(&entry->exclusions[i].provider, provider))
            return &entry->exclusions[i];
    }
    return NULL;
}

static enum err exclusions_grow(struct book_entry *entry)
{
    uint32_t cap = entry->exclusion_cap == 0 ? 4 : entry->exclusion_cap * 2;
    void *list = realloc(entry->exclusions, cap * sizeof(*entry->exclusions));
    if (list == NULL)
        return ERR_NOMEM;
    entry->exclusions = list;
    entry->exclusion_cap = cap;
    return OK;
}

static struct book_exclusion *soonest_over(const struct book_entry *entry)
{
    struct book_exclusion *soonest = &entry->exclusions[0];
    for (uint32_t i = 1; i < entry->exclusion_count; i++) {
        if (entry->exclusions[i].until_ms < soonest->until_ms)
            soonest = &entry->exclusions[i];
    }
    return soonest;
}

/* The provider's exclusion, or a new one. */
static enum err exclusion_claim(struct book_entry *entry,
                                const struct pubkey *provider,
                                struct book_exclusion **out)
{
    for (uint32_t i = 0; i < entry->exclusion_count; i++) {
        if (pubkey_equal(&entry->exclusions[i].provider, provider)) {
            *out = &entry->exclusions[i];
            return OK;
        }
    }
    if (entry->exclusion_count == BOOK_EXCLUDED_MAX) {
        *out = soonest_over(entry);
    } else {
        if (entry->exclusion_count == entry->exclusion_cap)
            TRY(exclusions_grow(entry));
        *out = &entry->exclusions[entry->exclusion_count++];
    }
    **out = (struct book_exclusion){.provider = *provider};
    return OK;
}

enum err book_exclude(struct book *book, const struct hash *id,
                      const struct pubkey *provider, enum err why,
                      uint64_t until_ms, uint64_t now_ms)
{
    struct book_entry *entry = book_entry_find(book, id);
    struct book_exclusion *exclusion;
    if (entry == NULL)
        return ERR_NOT_FOUND;
    TRY(exclusion_claim(entry, provider, &exclusion));
    exclusion->why = why;
    exclusion->until_ms = until_ms != 0
                              ? until_ms
                              : now_ms + backoff(book, entry, exclusion->times);
    exclusion->times++;
    return OK;
}

/* ---- listing ---- */

uint32_t book_request_count(const struct book *book)
{
    return book->entry_count;
}

static void request_show(const struct book_entry *entry, uint64_t now_ms,
                         struct book_request *out)
{
    *out = (struct book_request){
        .id = entry->id,
        .waiting = entry->waiting,
        .reason = entry->reason,
        .offers_seen = entry->offers_seen,
        .next_try_ms = entry->ready.in ? now_ms : entry->next_try_ms,
        .added_ms = entry->added_ms,
        .expires_ms = entry->expires_ms,
    };
    for (uint32_t i = 0; i < entry->exclusion_count; i++)
        out->excluded += entry->exclusions[i].until_ms > now_ms;
}

bool book_request_get(const struct book *book, const struct hash *id,
                      uint64_t now_ms, struct book_request *out)
{
    const struct book_entry *entry = book_entry_find(book, id);
    if (entry == NULL)
        return false;
    request_show(entry, now_ms, out);
    return true;
}

bool book_request_next(const struct book *book, uint32_t *cursor,
                       uint64_t now_ms, struct book_request *out)
{
    while (*cursor < book->config.requests_max) {
        const struct book_entry *entry = book->entries[(*cursor)++];
        if (entry == NULL)
            continue;
        request_show(entry, now_ms, out);
        return true;
    }
    return false;
}
