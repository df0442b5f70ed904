#include "market/book/book_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum err book_new(const struct book_config *config, struct book **out)
{
    struct book *book = calloc(1, sizeof(*book));
    if (book == NULL)
        return ERR_NOMEM;
    book->config = *config;
    if (book->config.offers_max == 0)
        book->config.offers_max = LIMIT_OFFERS;
    if (book->config.requests_max == 0)
        book->config.requests_max = BOOK_REQUESTS_MAX;
    book->first_empty = BOOK_NONE;
    book->measured = (struct slot_list){BOOK_NONE, BOOK_NONE};
    book->unreachable = (struct slot_list){BOOK_NONE, BOOK_NONE};
    book->unreachable_ms = BOOK_FOREVER;
    book_map_init(&book->by_provider, config->key);
    book_map_init(&book->by_id, config->key);
    uint32_t max = book->config.requests_max;
    book->entries = calloc(max, sizeof(struct book_entry *));
    book->classes = calloc(max, sizeof(struct book_class *));
    if (book->entries == NULL || book->classes == NULL ||
        catalog_new(&book->catalog) != OK || catalog_new(&book->needs) != OK) {
        book_free(book);
        return ERR_NOMEM;
    }
    *out = book;
    return OK;
}

void book_free(struct book *book)
{
    if (book == NULL)
        return;
    book_offers_done(book);
    book_requests_done(book);
    book_ways_done(book);
    free(book);
}

void book_lend(struct book *book, const struct standings *standings,
               const struct linkmap *links)
{
    book->standings = standings;
    book->links = links;
}

/* ---- time ---- */

static void note_add(struct book_note *notes, uint32_t *count,
                     enum book_note_kind kind, const struct book_entry *entry)
{
    notes[(*count)++] = (struct book_note){
        .kind = kind, .id = entry->id, .waiting = entry->waiting};
}

/* Timers that are due: the end of a request, or another try. False when the
 * notes are full. */
static bool tick_timers(struct book *book, uint64_t now_ms,
                        struct book_note *notes, uint32_t cap, uint32_t *count)
{
    uint64_t at_ms;
    uint32_t index;
    while (shelf_first(&book->timers, &at_ms, &index) && at_ms <= now_ms) {
        struct book_entry *entry = book->entries[index];
        if (entry->expires_ms <= now_ms) {
            if (*count == cap)
                return false;
            note_add(notes, count, BOOK_EXPIRED, entry);
            book_entry_remove(book, entry, now_ms);
            continue;
        }
        if (shelf_reserve(&book->timers) != OK)
            return true; /* it stays due */
        book_entry_timer(book, entry, BOOK_FOREVER);
        if (entry->waiting > 0 && !entry->ready.in)
            book_list_add(&book->ready, &entry->ready);
    }
    return true;
}

/* Hands out what is ready. Should the caller not match it, it comes again. */
static void tick_ready(struct book *book, uint64_t now_ms,
                       struct book_note *notes, uint32_t cap, uint32_t *count)
{
    while (*count < cap && book->ready.first != NULL) {
        struct book_entry *entry = book->ready.first->entry;
        if (shelf_reserve(&book->timers) != OK)
            return;
        book_list_remove(&book->ready, &entry->ready);
        book_entry_timer(book, entry, now_ms + BOOK_BACKOFF_MIN_MS);
        note_add(notes, count, BOOK_WAKE, entry);
    }
}

uint32_t book_tick(struct book *book, uint64_t now_ms, struct book_note *notes,
                   uint32_t cap)
{
    uint32_t count = 0;
    book_offers_expire(book, now_ms);
    if (tick_timers(book, now_ms, notes, cap, &count))
        tick_ready(book, now_ms, notes, cap, &count);
    return count;
}

static uint64_t first_of(const struct shelf *shelf, uint64_t otherwise)
{
    uint64_t key = otherwise;
    uint32_t item;
    (void)shelf_first(shelf, &key, &item);
    return key < otherwise ? key : otherwise;
}

uint64_t book_next_ms(const struct book *book)
{
    uint64_t next = BOOK_FOREVER;
    if (book->ready.first != NULL)
        return 0;
    next = first_of(&book->live, next);
    next = first_of(&book->known, next);
    return first_of(&book->timers, next);
}

/* ---- what must hold ---- */

static bool shelf_has(const struct shelf *shelf, uint64_t key, uint32_t item)
{
    struct shelf_walk walk;
    uint64_t at;
    uint32_t found;
    shelf_walk_init(&walk, shelf);
    while (shelf_walk_next(&walk, &at, &found)) {
        if (at == key && found == item)
            return true;
    }
    return false;
}

/* Adds up what entries hold at a slot. */
static void check_reserved(const struct book *book, uint32_t index)
{
    const struct book_slot *slot = &book->slots[index];
    struct resources sum = {0};
    uint32_t tasks = 0;
    for (uint32_t i = 0; i < book->config.requests_max; i++) {
        const struct book_entry *entry = book->entries[i];
        for (uint32_t k = 0; entry != NULL && k < entry->hold_count; k++) {
            const struct book_hold *hold = &entry->holds[k];
            struct resources part;
            if (hold->slot != index || hold->epoch != slot->epoch)
                continue;
            CHECK(resources_mul(&book_class_of(book, entry)->request.resources,
                                hold->tasks, &part) == OK);
            CHECK(resources_add(&sum, &part, &sum) == OK);
            tasks += hold->tasks;
        }
    }
    CHECK(tasks == slot->reserved_tasks);
    CHECK(resources_cover(&sum, &slot->reserved));
    CHECK(resources_cover(&slot->reserved, &sum));
}

static void check_slot(const struct book *book, uint32_t index)
{
    const struct book_slot *slot = &book->slots[index];
    CHECK(book_map_get(&book->by_provider, slot->provider.b) == index);
    CHECK(resources_cover(&slot->free, &slot->reserved));
    check_reserved(book, index);
    if (slot->state == SLOT_KNOWN) {
        CHECK(slot->card == NULL && slot->reserved_tasks == 0);
        CHECK(shelf_has(&book->known, slot->until_ms, index));
        return;
    }
    CHECK(slot->card != NULL && slot->version == slot->card->version);
    CHECK(resources_cover(&slot->card->total, &slot->free));
    CHECK(slot->reserved_tasks <= slot->card->slots_free);
    CHECK(shelf_has(&book->live, slot->until_ms, index));
}

static void check_slots(const struct book *book)
{
    uint32_t live = 0;
    uint32_t known = 0;
    for (uint32_t i = 0; i < book->slot_count; i++) {
        if (book->slots[i].state == SLOT_EMPTY)
            continue;
        check_slot(book, i);
        live += book->slots[i].state == SLOT_LIVE;
        known += book->slots[i].state == SLOT_KNOWN;
    }
    CHECK(live == book->live_count && live == book->live.len);
    CHECK(known == book->known.len);
    CHECK(live + known == book->by_provider.len);
    CHECK(live + known <= book->config.offers_max);
}

static void check_entry(const struct book *book, const struct book_entry *entry)
{
    const struct book_class *class_ = book_class_of(book, entry);
    CHECK(book_map_get(&book->by_id, entry->id.b) == entry->index);
    CHECK(shelf_has(&book->timers, entry->timer_ms, entry->index));
    CHECK(entry->waits.in == (entry->waiting > 0));
    CHECK(!entry->ready.in || entry->waiting > 0);
    CHECK(class_ != NULL && class_->members > 0);
    /* nothing that waits is forgotten */
    CHECK(entry->waiting == 0 || entry->ready.in ||
          entry->next_try_ms != BOOK_FOREVER);
}

static void check_entries(const struct book *book)
{
    uint32_t count = 0;
    uint32_t members = 0;
    uint32_t classes = 0;
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < book->config.requests_max; i++) {
        if (book->entries[i] != NULL) {
            check_entry(book, book->entries[i]);
            count++;
        }
        if (book->classes[i] != NULL) {
            classes++;
            members += book->classes[i]->members;
            waiting += book->classes[i]->waiting.first != NULL;
        }
    }
    CHECK(count == book->entry_count && count == members);
    CHECK(count == book->by_id.len && count == book->timers.len);
    CHECK(waiting == catalog_count(book->needs));
    CHECK(classes == book->class_count);
}

void book_check(const struct book *book)
{
    check_slots(book);
    book_index_check(book);
    check_entries(book);
}
