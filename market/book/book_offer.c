#include "market/book/book_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SLOT_CAP_MIN 64u

/* ---- shelves: where a slot stands, by its state ---- */

static enum err shelves_reserve(struct book *book)
{
    TRY(shelf_reserve(&book->live));
    return shelf_reserve(&book->known);
}

static void unshelve(struct book *book, uint32_t index)
{
    const struct book_slot *slot = &book->slots[index];
    if (slot->state == SLOT_LIVE) {
        CHECK(shelf_remove(&book->live, slot->until_ms, index));
        book->live_count--;
        book->tainted_count -= book_card_tainted(slot->card);
    } else if (slot->state == SLOT_KNOWN) {
        CHECK(shelf_remove(&book->known, slot->until_ms, index));
    }
}

/* ---- slots ---- */

uint32_t book_slot_find(const struct book *book, const struct pubkey *provider)
{
    return book_map_get(&book->by_provider, provider->b);
}

static void card_drop(struct book_slot *slot)
{
    free(slot->card);
    free(slot->tags);
    slot->card = NULL;
    slot->tags = NULL;
}

/* The offer goes. */
static void card_take_out(struct book *book, uint32_t index)
{
    if (book->slots[index].state == SLOT_LIVE)
        book_index_remove(book, index);
    book_later_remove(book, index);
    card_drop(&book->slots[index]);
}

/* The provider spoke, or fell silent: what was reserved is forgotten. */
static void epoch_begin(struct book *book, struct book_slot *slot)
{
    slot->epoch = ++book->epoch;
    slot->reserved = (struct resources){0};
    slot->reserved_tasks = 0;
    if (slot->card != NULL)
        book_gear_forget(slot->card->gear);
}

void book_slot_grade(const struct book_slot *slot, struct grade *out)
{
    *out = slot->card->grade;
    if (slot->audited != NULL)
        grade_bound(out, slot->audited);
    if (out->net_bps > slot->net_bps) /* not known is nothing, too */
        out->net_bps = slot->net_bps;
}

void book_net_set(struct book *book, const struct pubkey *provider,
                  uint64_t net_bps, uint64_t now_ms)
{
    uint32_t index = book_slot_find(book, provider);
    struct book_slot *slot;
    if (index == BOOK_NONE || book->slots[index].net_bps == net_bps)
        return;
    slot = &book->slots[index];
    slot->net_bps = net_bps;
    if (slot->state == SLOT_LIVE)
        book_index_put(book, index, now_ms);
}

enum err book_audit_set(struct book *book, const struct pubkey *provider,
                        const struct grade *found, uint64_t now_ms)
{
    uint32_t index = book_slot_find(book, provider);
    struct book_slot *slot;
    struct grade *copy = NULL;
    if (index == BOOK_NONE || book->slots[index].state != SLOT_LIVE)
        return ERR_NOT_FOUND;
    if (found != NULL) {
        copy = malloc(sizeof(*copy));
        if (copy == NULL)
            return ERR_NOMEM;
        *copy = *found;
    }
    slot = &book->slots[index];
    free(slot->audited);
    slot->audited = copy;
    book_index_put(book, index, now_ms);
    return OK;
}

static void slot_forget(struct book *book, uint32_t index)
{
    struct book_slot *slot = &book->slots[index];
    unshelve(book, index);
    CHECK(book_map_remove(&book->by_provider, slot->provider.b));
    card_take_out(book, index);
    book_index_forget(book, index);
    free(slot->audited);
    memset(slot, 0, sizeof(*slot));
    slot->next_empty = book->first_empty;
    book->first_empty = index;
}

static enum err slots_grow(struct book *book)
{
    uint32_t max = book->config.offers_max;
    if (book->slot_count < book->slot_cap)
        return OK;
    uint32_t cap = book->slot_cap == 0 ? SLOT_CAP_MIN : book->slot_cap * 2;
    cap = cap < max ? cap : max;
    void *slots = realloc(book->slots, cap * sizeof(*book->slots));
    if (slots == NULL)
        return ERR_NOMEM;
    book->slots = slots;
    book->slot_cap = cap;
    return OK;
}

/* An empty slot: one that was left, else the next, else the remembered one
 * nearest to being forgotten. */
static enum err slot_take(struct book *book, uint32_t *out)
{
    uint64_t key;
    uint32_t index;
    if (book->first_empty == BOOK_NONE &&
        book->slot_count == book->config.offers_max) {
        if (!shelf_first(&book->known, &key, &index))
            return ERR_BOOK_FULL;
        slot_forget(book, index);
    }
    if (book->first_empty != BOOK_NONE) {
        *out = book->first_empty;
        book->first_empty = book->slots[*out].next_empty;
        return OK;
    }
    TRY(slots_grow(book));
    *out = book->slot_count++;
    return OK;
}

/* The provider's slot; a new one is KNOWN. The shelves are reserved, and
 * book->known has had its one add if the slot is new. */
static enum err slot_claim(struct book *book, const struct pubkey *provider,
                           uint64_t now_ms, uint32_t *out)
{
    uint32_t index = book_slot_find(book, provider);
    if (index == BOOK_NONE) {
        TRY(book_map_reserve(&book->by_provider));
        TRY(slot_take(book, &index));
        book->slots[index] = (struct book_slot){
            .state = SLOT_KNOWN, .provider = *provider, .until_ms = now_ms};
        epoch_begin(book, &book->slots[index]);
        shelf_add(&book->known, now_ms, index);
        book_map_add(&book->by_provider, provider->b, index);
    }
    *out = index;
    return OK;
}

/* An offer goes, its version stays for a while. Without memory to remember it,
 * it is forgotten. */
static void slot_remember(struct book *book, uint32_t index, uint64_t now_ms)
{
    struct book_slot *slot = &book->slots[index];
    if (shelf_reserve(&book->known) != OK) {
        slot_forget(book, index);
        return;
    }
    unshelve(book, index);
    card_take_out(book, index);
    epoch_begin(book, slot);
    slot->state = SLOT_KNOWN;
    slot->free = (struct resources){0};
    slot->until_ms = now_ms + BOOK_MEMORY_MS;
    shelf_add(&book->known, slot->until_ms, index);
}

void book_offers_expire(struct book *book, uint64_t now_ms)
{
    uint64_t key;
    uint32_t index;
    while (shelf_first(&book->live, &key, &index) && key <= now_ms)
        slot_remember(book, index, now_ms);
    while (shelf_first(&book->known, &key, &index) && key <= now_ms)
        slot_forget(book, index);
}

void book_offers_done(struct book *book)
{
    for (uint32_t i = 0; i < book->slot_count; i++) {
        card_drop(&book->slots[i]);
        free(book->slots[i].audited);
    }
    free(book->slots);
    free(book->queues);
    book_map_done(&book->by_provider);
    shelf_done(&book->live);
    shelf_done(&book->known);
    catalog_free(book->catalog);
}

/* ---- offers ---- */

static bool lapsed_by_its_clock(const struct offer *offer, uint64_t wall_ms)
{
    uint64_t end;
    if (wall_ms == 0)
        return false;
    if (__builtin_add_overflow(offer->issued_at_ms,
                               offer->ttl_ms + BOOK_SKEW_MAX_MS, &end))
        return false;
    return end < wall_ms;
}

static enum err check_version(const struct book *book,
                              const struct offer *offer, uint64_t now_ms)
{
    uint32_t index = book_slot_find(book, &offer->provider);
    if (index == BOOK_NONE || !book->slots[index].has_version)
        return OK;
    const struct book_slot *slot = &book->slots[index];
    if (offer->version < slot->version)
        return ERR_OFFER_OLD;
    if (offer->version > slot->version)
        return OK;
    bool here = slot->state == SLOT_LIVE && now_ms < slot->until_ms;
    return here ? ERR_EXISTS : ERR_EXPIRED;
}

/* The card and its tags; the tags it had are there until the new ones are in
 * the catalog. */
struct slot_offer {
    struct book_card *card;
    uint64_t *tags;
    uint32_t tag_count;
};

static void slot_fill(struct book *book, uint32_t index,
                      const struct slot_offer *offer, uint64_t now_ms)
{
    struct book_slot *slot = &book->slots[index];
    struct book_card *card = offer->card;
    struct book_card *old_card = slot->card;
    uint64_t *old_tags = slot->tags;
    unshelve(book, index);
    epoch_begin(book, slot);
    slot->state = SLOT_LIVE;
    slot->card = card;
    slot->tags = offer->tags;
    slot->tag_count = offer->tag_count;
    slot->has_version = true;
    slot->version = card->version;
    slot->free = card->free;
    slot->received_ms = now_ms;
    slot->until_ms = now_ms + card->ttl_ms;
    shelf_add(&book->live, slot->until_ms, index);
    book->live_count++;
    book->tainted_count += book_card_tainted(card);
    book_index_put(book, index, now_ms);
    book_later_put(book, index);
    free(old_card);
    free(old_tags);
}

static enum err slot_offer_make(const struct book *book,
                                const struct offer *offer,
                                struct slot_offer *out)
{
    out->card = book_card_new(offer);
    out->tags = book_tags_new(book, offer, &out->tag_count);
    if (out->card != NULL && out->tags != NULL)
        return OK;
    free(out->card);
    free(out->tags);
    return ERR_NOMEM;
}

enum err book_offer_put(struct book *book, const struct offer *offer,
                        uint64_t now_ms, uint64_t wall_ms)
{
    uint32_t index;
    TRY(offer_form(offer));
    if (lapsed_by_its_clock(offer, wall_ms))
        return ERR_EXPIRED;
    TRY(check_version(book, offer, now_ms));
    TRY(shelves_reserve(book));
    struct slot_offer fresh;
    TRY(slot_offer_make(book, offer, &fresh));
    enum err err = slot_claim(book, &offer->provider, now_ms, &index);
    if (err == OK)
        err = book_index_reserve(book, index);
    if (err == OK)
        err = book_later_reserve(book);
    if (err != OK) {
        free(fresh.card);
        free(fresh.tags);
        return err;
    }
    book_index_refresh(book, now_ms);
    book_wake_begin(book, index, now_ms);
    slot_fill(book, index, &fresh, now_ms);
    book_wake_end(book, index, now_ms);
    return OK;
}

bool book_offer_drop(struct book *book, const struct pubkey *provider,
                     uint64_t now_ms)
{
    uint32_t index = book_slot_find(book, provider);
    if (index == BOOK_NONE || book->slots[index].state != SLOT_LIVE)
        return false;
    slot_remember(book, index, now_ms);
    return true;
}

/* A distance outlives the offer it was measured for. */
static void keep_known_for(struct book *book, uint32_t index, uint64_t until_ms)
{
    struct book_slot *slot = &book->slots[index];
    if (slot->state != SLOT_KNOWN || slot->until_ms >= until_ms)
        return;
    CHECK(shelf_remove(&book->known, slot->until_ms, index));
    slot->until_ms = until_ms;
    shelf_add(&book->known, until_ms, index);
}

enum err book_rtt_set(struct book *book, const struct pubkey *provider,
                      uint64_t rtt_us, uint64_t now_ms)
{
    uint32_t index;
    CHECK(rtt_us > 0);
    TRY(shelves_reserve(book));
    TRY(slot_claim(book, provider, now_ms, &index));
    TRY(shelf_reserve(&book->known)); /* the claim may have used it */
    keep_known_for(book, index, now_ms + CANDIDATE_RTT_AGE_MAX_MS);
    book->slots[index].rtt_us = rtt_us;
    book->slots[index].rtt_at_ms = now_ms;
    book->slots[index].rtt_guessed = false;
    book_index_rtt(book, index);
    book_unreachable_set(book, provider, 0, now_ms);
    return OK;
}

/* Measured here, and not too long ago. */
static bool is_measured(const struct book_slot *slot, uint64_t now_ms)
{
    return !slot->rtt_guessed && book_rtt_fresh(slot, now_ms) != 0;
}

enum err book_rtt_guess(struct book *book, const struct pubkey *provider,
                        uint64_t rtt_us, uint64_t now_ms)
{
    uint32_t index = book_slot_find(book, provider);
    struct book_slot *slot;
    if (index == BOOK_NONE || book->slots[index].state != SLOT_LIVE)
        return ERR_NOT_FOUND;
    slot = &book->slots[index];
    if (is_measured(slot, now_ms) || (rtt_us == 0 && !slot->rtt_guessed))
        return OK;
    slot->rtt_us = rtt_us;
    slot->rtt_at_ms = now_ms;
    slot->rtt_guessed = rtt_us != 0;
    book_index_rtt(book, index);
    return OK;
}

bool book_unmeasured_next(const struct book *book, uint32_t *cursor,
                          uint64_t now_ms, struct pubkey *out)
{
    while (*cursor < book->slot_count) {
        const struct book_slot *slot = &book->slots[(*cursor)++];
        if (slot->state != SLOT_LIVE || is_measured(slot, now_ms))
            continue;
        *out = slot->provider;
        return true;
    }
    return false;
}

void book_unreachable_set(struct book *book, const struct pubkey *provider,
                          uint64_t until_ms, uint64_t now_ms)
{
    uint32_t index = book_slot_find(book, provider);
    if (index == BOOK_NONE)
        return;
    book_wake_begin(book, index, now_ms);
    book->slots[index].unreachable_until_ms = until_ms > now_ms ? until_ms : 0;
    book_index_unreachable(book, index, now_ms);
    book_wake_end(book, index, now_ms);
}

static uint64_t at_most(uint64_t value, uint64_t bound)
{
    return value < bound ? value : bound;
}

void book_free_set(struct book *book, const struct pubkey *provider,
                   const struct resources *free, uint64_t now_ms)
{
    uint32_t index = book_slot_find(book, provider);
    if (index == BOOK_NONE || book->slots[index].state != SLOT_LIVE)
        return;
    struct book_slot *slot = &book->slots[index];
    const struct resources *total = &slot->card->total;
    book_wake_begin(book, index, now_ms);
    epoch_begin(book, slot);
    slot->free.cpu_milli = (uint32_t)at_most(free->cpu_milli, total->cpu_milli);
    slot->free.mem_mib = at_most(free->mem_mib, total->mem_mib);
    slot->free.disk_mib = at_most(free->disk_mib, total->disk_mib);
    slot->free.nic_kbit = at_most(free->nic_kbit, total->nic_kbit);
    book_index_amounts(book, index);
    book_wake_end(book, index, now_ms);
}

/* ---- listing ---- */

uint32_t book_offer_count(const struct book *book)
{
    return book->live_count;
}

uint64_t book_rtt_fresh(const struct book_slot *slot, uint64_t now_ms)
{
    bool fresh = now_ms - slot->rtt_at_ms <= CANDIDATE_RTT_AGE_MAX_MS;
    return fresh ? slot->rtt_us : 0;
}

static void offer_show(const struct book_slot *slot, uint64_t now_ms,
                       struct book_offer *out)
{
    book_card_offer(slot->card, &slot->provider, &out->offer);
    out->received_ms = slot->received_ms;
    out->expires_ms = slot->until_ms;
    out->reserved = slot->reserved;
    out->reserved_tasks = slot->reserved_tasks;
    out->net_bps = out->offer.grade.net_bps < slot->net_bps
                       ? out->offer.grade.net_bps
                       : slot->net_bps;
    out->rtt_us = slot->rtt_guessed ? 0 : book_rtt_fresh(slot, now_ms);
    out->rtt_guess_us = slot->rtt_guessed ? book_rtt_fresh(slot, now_ms) : 0;
    out->unreachable_until_ms =
        slot->unreachable_until_ms > now_ms ? slot->unreachable_until_ms : 0;
}

static bool is_here(const struct book_slot *slot, uint64_t now_ms)
{
    return slot->state == SLOT_LIVE && now_ms < slot->until_ms;
}

bool book_offer_get(const struct book *book, const struct pubkey *provider,
                    uint64_t now_ms, struct book_offer *out)
{
    uint32_t index = book_slot_find(book, provider);
    if (index == BOOK_NONE || !is_here(&book->slots[index], now_ms))
        return false;
    offer_show(&book->slots[index], now_ms, out);
    return true;
}

bool book_left_get(const struct book *book, const struct pubkey *provider,
                   uint64_t now_ms, struct book_left *out)
{
    uint32_t index = book_slot_find(book, provider);
    const struct book_slot *slot;
    if (index == BOOK_NONE || !is_here(&book->slots[index], now_ms))
        return false;
    slot = &book->slots[index];
    memset(out, 0, sizeof(*out));
    CHECK(resources_sub(&slot->free, &slot->reserved, &out->free) == OK);
    if (slot->card->slots_free > slot->reserved_tasks)
        out->slots = slot->card->slots_free - slot->reserved_tasks;
    if (slot->card->gear != NULL)
        book_gear_view(slot->card->gear, &out->devices);
    return true;
}

bool book_offer_next(const struct book *book, uint32_t *cursor, uint64_t now_ms,
                     struct book_offer *out)
{
    while (*cursor < book->slot_count) {
        const struct book_slot *slot = &book->slots[(*cursor)++];
        if (!is_here(slot, now_ms))
            continue;
        offer_show(slot, now_ms, out);
        return true;
    }
    return false;
}
