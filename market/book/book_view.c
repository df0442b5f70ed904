/* A slot of the book as a candidate, and a request as a demand. */

#include "market/book/book_impl.h"

#include <string.h>

#include "base/check.h"
#include "sched/link/linkmap.h"

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

/* The way to whom it shall be near to, as nodes tell of their links. Of what is
 * not measured by both ends the worse end of the guess counts. */
static void set_near(const struct book *book, const struct request *request,
                     uint64_t now_ms, struct candidate *out)
{
    const struct pubkey *near = &request->terms.near;
    struct link link;
    if (pubkey_is_zero(near))
        return;
    out->rtt_guessed = false;
    if (book->links == NULL ||
        !linkmap_look(book->links, near, &out->provider, now_ms, &link) ||
        link_confidence(&link, LINK_RTT, now_ms) < BOOK_GUESS_CONFIDENCE_MIN)
        return;
    out->near_us = link_rtt_cautious(&link);
    out->rtt_guessed = !link_measured(&link, LINK_RTT);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What is taken will be given back: of all that it sells there is room for one
 * task, and the rest stays in use. */
static void set_room_later(const struct request *request,
                           const struct book_card *card, struct candidate *c)
{
    const struct resources *want = &request->resources;
    const struct resources *total = &card->total;
    if (!resources_cover(total, want))
        return; /* not even then */
    c->free.cpu_milli = (uint32_t)larger(c->free.cpu_milli, want->cpu_milli);
    c->free.mem_mib = larger(c->free.mem_mib, want->mem_mib);
    c->free.disk_mib = larger(c->free.disk_mib, want->disk_mib);
    c->free.nic_kbit = larger(c->free.nic_kbit, want->nic_kbit);
    c->slots_free = card->queue.places;
}

static void view(const struct book *book, uint32_t index,
                 const struct request *request, const struct book_entry *entry,
                 uint64_t now_ms, bool later, struct book_view *out)
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
        .way_kbps = slot->way_round == book->way_round ? slot->way_kbps : 0,
        .way_used_kbps = slot->way_used_kbps,
        .rtt_guessed = slot->rtt_guessed,
        .age_ms = now_ms - slot->received_ms,
        .ttl_ms = card->ttl_ms,
        .refused = refused_by_book(book, slot, request, entry, now_ms),
    };
    book_slot_grade(slot, &out->c.grade);
    set_near(book, request, now_ms, &out->c);
    CHECK(resources_sub(&slot->free, &slot->reserved, &out->c.free) == OK);
    set_gear(card->gear, request, out);
    if (later) {
        set_room_later(request, card, &out->c);
        if (out->c.devices != NULL)
            devices_all_free(&out->devices);
    }
    set_price(slot, request, &out->c);
    out->domain = 0;
    if (request->constraint_count > 0 || request->zone_count > 0 ||
        request->spread.per_value > 0 ||
        ranking_reads_labels(request->policy, &request->terms))
        book_card_labels(card, out->labels);
    if (request->spread.per_value > 0)
        out->domain = book_domain(book->config.key, &request->spread,
                                  out->labels, card->label_count);
    book_places_view(entry != NULL ? &entry->places : NULL, request,
                     out->domain, &out->c);
}

void book_view(const struct book *book, uint32_t index,
               const struct request *request, const struct book_entry *entry,
               uint64_t now_ms, struct book_view *out)
{
    view(book, index, request, entry, now_ms, false, out);
}

void book_view_later(const struct book *book, uint32_t index,
                     const struct request *request,
                     const struct book_entry *entry, uint64_t now_ms,
                     struct book_view *out)
{
    view(book, index, request, entry, now_ms, true, out);
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
    TRY(request_wishes_form(request));
    return policy_terms_check(request->policy, &request->terms);
}
