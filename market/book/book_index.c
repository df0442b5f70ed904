#include "market/book/book_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/figure.h"
#include "sched/policy.h"
#include "sched/zone.h"

/* ---- offers ---- */

enum err book_index_reserve(struct book *book, uint32_t index)
{
    return catalog_reserve(book->catalog, index);
}

/* Tags being gathered; with room for all there can be. A label has its own, its
 * key's and, if it is a zone, one for each zone that one lies in. */
#define LABEL_TAGS_MAX (2 + LIMIT_NAME / 2)
#define TAGS_MAX       (2 + LIMIT_LABELS * LABEL_TAGS_MAX + 2 * DEVICE_GROUPS_MAX)
_Static_assert(TAGS_MAX <= CATALOG_TAGS_MAX, "an offer's tags");

struct tags {
    const uint8_t *key;
    uint32_t count;
    uint64_t list[TAGS_MAX];
};

static void tags_add(struct tags *tags, uint64_t tag)
{
    for (uint32_t i = 0; i < tags->count; i++) {
        if (tags->list[i] == tag)
            return;
    }
    CHECK(tags->count < TAGS_MAX);
    tags->list[tags->count++] = tag;
}

/* eu/north/3: of eu, of eu/north, and of itself, as zone_inside reads it. Where
 * there are more levels than there is room for, the name is full of slashes. */
static void tags_add_zone(struct tags *tags, const char *zone)
{
    size_t len = strlen(zone);
    for (size_t i = 0; i <= len; i++) {
        if (i == len || zone[i] == '/')
            tags_add(tags, tag_bytes(tags->key, TAG_ZONE, bytes_make(zone, i)));
    }
}

static void tags_add_devices(struct tags *tags, const struct devices *devices)
{
    for (uint32_t i = 0; i < devices->group_count; i++) {
        const struct device_group *group = &devices->groups[i];
        const char *kind = device_kind_text(group->kind);
        tags_add(tags, tag_text(tags->key, TAG_DEVICE_KIND, kind, ""));
        tags_add(tags, tag_text(tags->key, TAG_DEVICE, kind, group->model));
    }
}

uint64_t *book_tags_new(const struct book *book, const struct offer *offer,
                        uint32_t *out_count)
{
    struct tags tags = {.key = book->config.key};
    const uint8_t *key = tags.key;
    CHECK(offer->label_count <= LIMIT_LABELS);
    tags_add(&tags, tag_number(key, TAG_ARCH, (uint8_t)offer->arch));
    if (!pubkey_is_zero(&offer->payout))
        tags_add(&tags, tag_bytes(key, TAG_PAYOUT, BYTES_OF(offer->payout.b)));
    for (uint32_t i = 0; i < offer->label_count; i++) {
        const struct label *label = &offer->labels[i];
        tags_add(&tags, tag_text(key, TAG_LABEL, label->key, label->value));
        tags_add(&tags, tag_text(key, TAG_LABEL_KEY, label->key, ""));
        if (strcmp(label->key, ZONE_KEY) == 0)
            tags_add_zone(&tags, label->value);
    }
    tags_add_devices(&tags, &offer->devices);
    uint64_t *list = malloc(tags.count * sizeof(*list));
    if (list == NULL)
        return NULL;
    memcpy(list, tags.list, tags.count * sizeof(*list));
    *out_count = tags.count;
    return list;
}

static uint64_t first_bytes(const struct pubkey *provider)
{
    uint64_t name = 0;
    for (unsigned i = 0; i < 8; i++)
        name = name << 8 | provider->b[i];
    return name;
}

static uint32_t slots_left(const struct book_slot *slot)
{
    uint32_t all = slot->card->slots_free;
    return all > slot->reserved_tasks ? all - slot->reserved_tasks : 0;
}

/* Thousandths of all its devices together. */
static uint64_t devices_left(const struct book_gear *gear)
{
    struct devices view;
    uint64_t sum = 0;
    if (gear == NULL || gear->devices.group_count == 0)
        return 0;
    book_gear_view(gear, &view);
    for (uint32_t i = 0; i < MACHINE_DEVICES_MAX; i++)
        sum += view.free_milli[i];
    return sum;
}

static void row_amounts(const struct book_slot *slot, uint64_t *have)
{
    have[DIM_CPU_FREE] = slot->free.cpu_milli - slot->reserved.cpu_milli;
    have[DIM_MEM_FREE] = slot->free.mem_mib - slot->reserved.mem_mib;
    have[DIM_DISK_FREE] = slot->free.disk_mib - slot->reserved.disk_mib;
    have[DIM_SLOTS] = slots_left(slot);
    have[DIM_NIC_FREE] = slot->free.nic_kbit - slot->reserved.nic_kbit;
    have[DIM_DEVICE_FREE] = devices_left(slot->card->gear);
}

_Static_assert(FLAG_SPEED_LAST - FLAG_SPEED == SPEED_CLASSES - 1,
               "a flag for each class of speed");

static uint32_t speed_flags(const struct grade *grade)
{
    uint32_t flags = 0;
    for (unsigned i = 0; i < SPEED_CLASSES; i++) {
        uint64_t value = 0;
        if (figure_speed(grade, (enum speed_class)i, &value))
            flags |= flag_bit((enum flag)(FLAG_SPEED + i));
    }
    return flags;
}

static uint32_t zone_count(const struct book_card *card)
{
    struct label labels[LIMIT_LABELS];
    uint32_t count = 0;
    if (card->label_count < 2)
        return 0;
    book_card_labels(card, labels);
    for (uint32_t i = 0; i < card->label_count; i++)
        count += strcmp(labels[i].key, ZONE_KEY) == 0;
    return count;
}

/* Devices, at the price of the cheapest; taints; several zones. */
static void row_gear(const struct book_card *card, struct catalog_row *out)
{
    const struct book_gear *gear = card->gear;
    uint64_t least = UINT64_MAX;
    if (zone_count(card) > 1)
        out->flags |= flag_bit(FLAG_ZONES);
    if (gear == NULL)
        return;
    if (gear->taint_count > 0)
        out->flags |= flag_bit(FLAG_TAINTED);
    for (uint32_t i = 0; i < gear->devices.group_count; i++) {
        uint64_t hour = amount_figure(gear->devices.groups[i].hour);
        least = hour < least ? hour : least;
        out->flags |= flag_bit(FLAG_DEVICES);
        out->tariff.part[TARIFF_DEVICE] = least;
    }
}

static void row_terms(const struct book_slot *slot, uint64_t now_ms,
                      struct catalog_row *out)
{
    const struct book_card *card = slot->card;
    struct grade grade;
    uint32_t step;
    book_slot_grade(slot, &grade);
    out->tariff.part[TARIFF_CPU] = amount_figure(card->price.cpu_hour);
    out->tariff.part[TARIFF_MEM] = amount_figure(card->price.mem_hour);
    out->tariff.part[TARIFF_DISK] = amount_figure(card->price.disk_hour);
    out->key[ORDER_NEAR] = book_near_key(book_rtt_fresh(slot, now_ms));
    out->key[ORDER_FAST] = UINT32_MAX;
    if (out->key[ORDER_NEAR] != UINT32_MAX)
        out->flags |= flag_bit(FLAG_RTT_KNOWN);
    out->flags |= speed_flags(&grade);
    if (grade_step(&grade, &step))
        out->key[ORDER_FAST] = book_fast_key(step);
    if (slot->unreachable.in)
        out->flags |= flag_bit(FLAG_UNREACHABLE);
}

void book_index_put(struct book *book, uint32_t index, uint64_t now_ms)
{
    const struct book_slot *slot = &book->slots[index];
    const struct book_card *card = slot->card;
    struct catalog_row row = {.tags = slot->tags,
                              .tag_count = slot->tag_count,
                              .name = first_bytes(&slot->provider)};
    row.have[DIM_CPU_TOTAL] = card->total.cpu_milli;
    row.have[DIM_MEM_TOTAL] = card->total.mem_mib;
    row.have[DIM_DISK_TOTAL] = card->total.disk_mib;
    row.have[DIM_NIC_TOTAL] = card->total.nic_kbit;
    row.have[DIM_TIME] = card->time_ms_max;
    row_amounts(slot, row.have);
    row_gear(card, &row);
    row_terms(slot, now_ms, &row);
    catalog_put(book->catalog, index, &row);
}

void book_index_remove(struct book *book, uint32_t index)
{
    catalog_remove(book->catalog, index);
}

void book_index_amounts(struct book *book, uint32_t index)
{
    uint64_t have[DIM_COUNT];
    if (!catalog_has(book->catalog, index))
        return;
    row_amounts(&book->slots[index], have);
    for (unsigned i = 0; i < DIM_CHANGING; i++)
        catalog_have_set(book->catalog, index, (enum dimension)i, have[i]);
}

/* ---- what time changes ---- */

static void list_add(struct book *book, struct slot_list *list,
                     struct slot_link *(*link)(struct book *, uint32_t),
                     uint32_t index)
{
    struct slot_link *own = link(book, index);
    CHECK(!own->in);
    *own =
        (struct slot_link){.in = true, .prev = list->last, .next = BOOK_NONE};
    if (list->last != BOOK_NONE)
        link(book, list->last)->next = index;
    else
        list->first = index;
    list->last = index;
}

static void list_remove(struct book *book, struct slot_list *list,
                        struct slot_link *(*link)(struct book *, uint32_t),
                        uint32_t index)
{
    struct slot_link *own = link(book, index);
    if (!own->in)
        return;
    if (own->prev != BOOK_NONE)
        link(book, own->prev)->next = own->next;
    else
        list->first = own->next;
    if (own->next != BOOK_NONE)
        link(book, own->next)->prev = own->prev;
    else
        list->last = own->prev;
    own->in = false;
}

static struct slot_link *link_measured(struct book *book, uint32_t index)
{
    return &book->slots[index].measured;
}

static struct slot_link *link_unreachable(struct book *book, uint32_t index)
{
    return &book->slots[index].unreachable;
}

static void flag(struct book *book, uint32_t index, enum flag which, bool on)
{
    if (catalog_has(book->catalog, index))
        catalog_flag_set(book->catalog, index, which, on);
}

static void distance(struct book *book, uint32_t index, uint64_t rtt_us)
{
    if (!catalog_has(book->catalog, index))
        return;
    flag(book, index, FLAG_RTT_KNOWN, rtt_us != 0);
    catalog_key_set(book->catalog, index, ORDER_NEAR, book_near_key(rtt_us));
}

/* The last measured is the last to be too old. */
void book_index_rtt(struct book *book, uint32_t index)
{
    list_remove(book, &book->measured, link_measured, index);
    if (book->slots[index].rtt_us != 0)
        list_add(book, &book->measured, link_measured, index);
    distance(book, index, book->slots[index].rtt_us);
}

void book_index_unreachable(struct book *book, uint32_t index, uint64_t now_ms)
{
    uint64_t until_ms = book->slots[index].unreachable_until_ms;
    list_remove(book, &book->unreachable, link_unreachable, index);
    flag(book, index, FLAG_UNREACHABLE, until_ms > now_ms);
    if (until_ms <= now_ms)
        return;
    list_add(book, &book->unreachable, link_unreachable, index);
    if (until_ms < book->unreachable_ms)
        book->unreachable_ms = until_ms;
}

void book_index_forget(struct book *book, uint32_t index)
{
    list_remove(book, &book->measured, link_measured, index);
    list_remove(book, &book->unreachable, link_unreachable, index);
}

static void refresh_measured(struct book *book, uint64_t now_ms)
{
    uint32_t index;
    while ((index = book->measured.first) != BOOK_NONE &&
           book_rtt_fresh(&book->slots[index], now_ms) == 0) {
        list_remove(book, &book->measured, link_measured, index);
        distance(book, index, 0);
    }
}

/* The list is in no order, but nothing ends before the first end. */
static void refresh_unreachable(struct book *book, uint64_t now_ms)
{
    uint32_t index = book->unreachable.first;
    if (now_ms < book->unreachable_ms)
        return;
    book->unreachable_ms = BOOK_FOREVER;
    while (index != BOOK_NONE) {
        const struct book_slot *slot = &book->slots[index];
        uint32_t next = slot->unreachable.next;
        if (slot->unreachable_until_ms <= now_ms) {
            list_remove(book, &book->unreachable, link_unreachable, index);
            flag(book, index, FLAG_UNREACHABLE, false);
        } else if (slot->unreachable_until_ms < book->unreachable_ms) {
            book->unreachable_ms = slot->unreachable_until_ms;
        }
        index = next;
    }
}

static void refresh_stale(struct book *book, uint64_t now_ms)
{
    struct shelf_walk walk;
    uint64_t until_ms;
    uint32_t index;
    shelf_walk_init(&walk, &book->live);
    while (shelf_walk_next(&walk, &until_ms, &index) && until_ms <= now_ms)
        flag(book, index, FLAG_STALE, true);
}

void book_index_refresh(struct book *book, uint64_t now_ms)
{
    refresh_measured(book, now_ms);
    refresh_unreachable(book, now_ms);
    refresh_stale(book, now_ms);
}

static bool is_left_alone(const struct book_entry *entry,
                          const struct pubkey *provider, uint64_t now_ms)
{
    const struct book_exclusion *exclusion =
        entry != NULL ? book_exclusion_find(entry, provider) : NULL;
    return exclusion != NULL && exclusion->until_ms > now_ms;
}

uint64_t book_index_back_ms(const struct book *book,
                            const struct book_entry *entry, uint64_t now_ms)
{
    uint64_t first = BOOK_FOREVER;
    uint32_t index = book->unreachable.first;
    for (; index != BOOK_NONE; index = book->slots[index].unreachable.next) {
        const struct book_slot *slot = &book->slots[index];
        if (slot->state == SLOT_LIVE && slot->unreachable_until_ms > now_ms &&
            slot->unreachable_until_ms < first &&
            !is_left_alone(entry, &slot->provider, now_ms))
            first = slot->unreachable_until_ms;
    }
    return first;
}

/* ---- classes that wait ---- */

static uint64_t turned(uint64_t amount)
{
    return UINT64_MAX - amount;
}

enum err book_needs_reserve(struct book *book)
{
    return catalog_reserve(book->needs, book->config.requests_max - 1);
}

/* What wants little has much of what a slot may want of it. */
void book_needs_put(struct book *book, const struct book_class *class_)
{
    const struct request *request = &class_->request;
    struct catalog_row row = {.name = class_->index};
    row.have[DIM_CPU_FREE] = turned(request->resources.cpu_milli);
    row.have[DIM_MEM_FREE] = turned(request->resources.mem_mib);
    row.have[DIM_DISK_FREE] = turned(request->resources.disk_mib);
    row.have[DIM_NIC_FREE] = turned(request->resources.nic_kbit);
    row.have[DIM_DEVICE_FREE] = turned(book_wish_milli(&request->devices));
    row.have[DIM_TIME] = turned(request->time_ms_max);
    catalog_put(book->needs, class_->index, &row);
}

void book_needs_remove(struct book *book, const struct book_class *class_)
{
    catalog_remove(book->needs, class_->index);
}

bool book_needs_begin(struct book *book, uint32_t index, uint64_t now_ms,
                      struct query *query, struct search *search)
{
    const struct book_slot *slot = &book->slots[index];
    if (catalog_count(book->needs) == 0 || slot->state != SLOT_LIVE ||
        slot->until_ms <= now_ms || slot->unreachable_until_ms > now_ms ||
        slots_left(slot) == 0)
        return false;
    *query = (struct query){.cost_max = UINT64_MAX};
    row_amounts(slot, query->want);
    for (unsigned i = 0; i < DIM_CHANGING; i++)
        query->want[i] = turned(query->want[i]);
    query->want[DIM_SLOTS] = 0;
    query->want[DIM_TIME] = turned(slot->card->time_ms_max);
    CHECK(search_begin(search, book->needs, ORDER_PRICE, query) == OK);
    return true;
}

/* ---- what must hold ---- */

static void check_row(const struct book *book, uint32_t index)
{
    const struct book_slot *slot = &book->slots[index];
    uint64_t have[DIM_COUNT];
    bool live = slot->state == SLOT_LIVE;
    CHECK(catalog_has(book->catalog, index) == live);
    CHECK(live == (slot->tags != NULL));
    CHECK(slot->state != SLOT_EMPTY ||
          (!slot->measured.in && !slot->unreachable.in));
    if (!live)
        return;
    row_amounts(slot, have);
    for (unsigned i = 0; i < DIM_CHANGING; i++)
        CHECK(catalog_have(book->catalog, index, (enum dimension)i) == have[i]);
    CHECK(catalog_flag(book->catalog, index, FLAG_UNREACHABLE) ==
          slot->unreachable.in);
    CHECK(catalog_flag(book->catalog, index, FLAG_RTT_KNOWN) ==
          slot->measured.in);
}

void book_index_check(const struct book *book)
{
    for (uint32_t i = 0; i < book->slot_count; i++)
        check_row(book, i);
    CHECK(catalog_count(book->catalog) == book->live_count);
    catalog_check(book->catalog);
    catalog_check(book->needs);
}
