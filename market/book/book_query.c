#include <string.h>

#include "base/check.h"
#include "market/book/book_index.h"

#define MS_PER_HOUR 3600000u

enum order_kind book_query_order(enum policy order)
{
    if (order == POLICY_NEAREST)
        return ORDER_NEAR;
    return order == POLICY_FASTEST ? ORDER_FAST : ORDER_PRICE;
}

/* Steps are small numbers; the last key is for those that are not known. */
uint32_t book_near_key(uint64_t rtt_us)
{
    return rtt_us == 0 ? UINT32_MAX : (uint32_t)policy_rtt_step(rtt_us);
}

uint32_t book_fast_key(uint32_t step)
{
    return UINT32_MAX - 1 - step;
}

uint32_t book_query_key(enum policy policy, const struct rank *rank,
                        uint64_t *out_hour)
{
    *out_hour = policy == POLICY_CHEAPEST ? rank->key[1] : rank->key[2];
    if (policy == POLICY_CHEAPEST)
        return 0;
    if (rank->key[0] != 0)
        return UINT32_MAX;
    if (policy == POLICY_FASTEST)
        return book_fast_key((uint32_t)(UINT64_MAX - rank->key[1]));
    return (uint32_t)rank->key[1];
}

/* The shortest round trip of a step. */
static uint64_t step_rtt(uint32_t step)
{
    if (step < 24) /* there are none from 8 to 23 */
        return step;
    return (UINT64_C(8) + (step & 7)) << (step / 8 - 3);
}

enum figure book_query_figure(enum policy order, const struct search_hit *hit,
                              uint64_t *out_value)
{
    *out_value = hit->cost;
    if (order == POLICY_CHEAPEST)
        return FIGURE_KNOWN;
    if (hit->key == UINT32_MAX)
        return FIGURE_UNKNOWN;
    *out_value = order == POLICY_NEAREST ? step_rtt(hit->key)
                                         : UINT32_MAX - 1 - hit->key;
    return FIGURE_KNOWN;
}

/* The tag a constraint asks for, and whether it asks for its absence. False for
 * an operation that is not in the table. */
static bool constraint_tag(const struct book *book,
                           const struct constraint *constraint,
                           uint64_t *out_tag, bool *out_absent)
{
    const uint8_t *key = book->config.key;
    switch (constraint->op) {
    case CONSTRAINT_EQUAL:
    case CONSTRAINT_DIFFERS:
        *out_tag = tag_text(key, TAG_LABEL, constraint->key, constraint->value);
        *out_absent = constraint->op == CONSTRAINT_DIFFERS;
        return true;
    case CONSTRAINT_EXISTS:
    case CONSTRAINT_ABSENT:
        *out_tag = tag_text(key, TAG_LABEL_KEY, constraint->key, "");
        *out_absent = constraint->op == CONSTRAINT_ABSENT;
        return true;
    }
    return false;
}

uint64_t book_wish_milli(const struct device_wish *wish)
{
    return (uint64_t)wish->count * wish->milli;
}

static void mix_of(const struct request *request, uint64_t mix[TARIFF_PARTS])
{
    mix[TARIFF_CPU] = request->resources.cpu_milli;
    mix[TARIFF_MEM] = request->resources.mem_mib;
    mix[TARIFF_DISK] = request->resources.disk_mib;
    mix[TARIFF_DEVICE] = book_wish_milli(&request->devices);
}

static struct tariff_bill bill_of(const struct request *request)
{
    return (struct tariff_bill){.num = request->time_ms_max,
                                .den = MS_PER_HOUR,
                                .cap = amount_figure(request->price_max)};
}

static void query_zones(const struct book *book, const struct request *request,
                        uint64_t tags[LIMIT_ZONES])
{
    CHECK(request->zone_count <= LIMIT_ZONES);
    for (uint32_t i = 0; i < request->zone_count; i++)
        tags[i] =
            tag_bytes(book->config.key, TAG_ZONE, bytes_str(request->zones[i]));
}

/* Of a model that is allowed, or else of the kind. */
static void query_devices(const struct book *book,
                          const struct device_wish *wish, struct query *query)
{
    const char *kind = device_kind_text(wish->kind);
    uint64_t tags[DEVICE_MODELS_MAX] = {
        tag_text(book->config.key, TAG_DEVICE_KIND, kind, "")};
    if (wish->count == 0)
        return;
    for (uint32_t i = 0; i < wish->model_count; i++)
        tags[i] = tag_text(book->config.key, TAG_DEVICE, kind, wish->models[i]);
    query_any(query, tags, wish->model_count > 0 ? wish->model_count : 1);
    query->want[DIM_DEVICE_FREE] = book_wish_milli(wish);
}

bool book_query(const struct book *book, const struct request *request,
                struct query *out)
{
    struct tariff_bill bill = bill_of(request);
    *out = (struct query){.cost_max = tariff_bill_cost_max(&bill),
                          .flags_off = flag_bit(FLAG_STALE) |
                                       flag_bit(FLAG_UNREACHABLE)};
    out->want[DIM_CPU_FREE] = request->resources.cpu_milli;
    out->want[DIM_MEM_FREE] = request->resources.mem_mib;
    out->want[DIM_DISK_FREE] = request->resources.disk_mib;
    out->want[DIM_SLOTS] = 1;
    out->want[DIM_TIME] = request->time_ms_max;
    out->want[DIM_NIC_FREE] = request->resources.nic_kbit;
    mix_of(request, out->mix);
    if (request->toleration_count == 0)
        out->flags_off |= flag_bit(FLAG_TAINTED);
    uint64_t zones[LIMIT_ZONES];
    query_zones(book, request, zones);
    query_any(out, zones, request->zone_count);
    query_devices(book, &request->devices, out);
    if (request->arch != ARCH_ANY)
        query_tag(
            out, tag_number(book->config.key, TAG_ARCH, (uint8_t)request->arch),
            false);
    if (request->spread.per_value > 0)
        query_tag(
            out,
            tag_text(book->config.key, TAG_LABEL_KEY, request->spread.key, ""),
            false);
    for (uint32_t i = 0; i < request->constraint_count; i++) {
        uint64_t tag;
        bool absent;
        if (!constraint_tag(book, &request->constraints[i], &tag, &absent))
            return false;
        query_tag(out, tag, absent);
    }
    return true;
}

/* ---- why not ---- */

static void add_slots(struct survey *survey, enum reason reason,
                      const uint32_t *slots, uint32_t count)
{
    struct survey_rule *rule = survey_add(survey, reason, SURVEY_SLOTS);
    rule->slots = slots;
    rule->slot_count = count;
}

static void add_self(const struct book *book, const struct request *request,
                     struct book_survey *out)
{
    if (book->config.self_allowed)
        return;
    out->own[0] = book_slot_find(book, &request->agent);
    out->own[1] = book_slot_find(book, &request->buyer);
    add_slots(&out->survey, REASON_SELF, out->own, 2);
    if (!pubkey_is_zero(&request->buyer))
        survey_add(&out->survey, REASON_SELF, SURVEY_TAG)->tag =
            tag_bytes(book->config.key, TAG_PAYOUT, BYTES_OF(request->buyer.b));
}

static void add_seller(const struct book *book, const struct request *request,
                       struct book_survey *out)
{
    struct survey_rule *rule;
    if (pubkey_is_zero(&request->only_seller))
        return;
    out->only[0] = book_slot_find(book, &request->only_seller);
    rule = survey_add(&out->survey, REASON_SELLER, SURVEY_ALL_BUT);
    rule->slots = out->only;
    rule->slot_count = 1;
}

static void add_excluded(const struct book *book,
                         const struct book_entry *entry, uint64_t now_ms,
                         struct book_survey *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; entry != NULL && i < entry->exclusion_count; i++) {
        if (entry->exclusions[i].until_ms > now_ms)
            out->excluded[count++] =
                book_slot_find(book, &entry->exclusions[i].provider);
    }
    add_slots(&out->survey, REASON_EXCLUDED, out->excluded, count);
}

static void add_labels(const struct book *book, const struct request *request,
                       struct survey *survey)
{
    if (request->arch != ARCH_ANY)
        survey_add(survey, REASON_ARCH, SURVEY_NO_TAG)->tag =
            tag_number(book->config.key, TAG_ARCH, (uint8_t)request->arch);
    for (uint32_t i = 0; i < request->constraint_count; i++) {
        uint64_t tag = 0;
        bool absent = false;
        bool known =
            constraint_tag(book, &request->constraints[i], &tag, &absent);
        enum survey_kind kind = absent ? SURVEY_TAG : SURVEY_NO_TAG;
        survey_add(survey, REASON_LABEL, known ? kind : SURVEY_ALL)->tag = tag;
    }
}

static void add_amount(struct survey *survey, enum reason reason,
                       enum dimension dimension, enum dimension unless,
                       uint64_t want)
{
    struct survey_rule *rule = survey_add(survey, reason, SURVEY_SHORT);
    rule->dimension = dimension;
    rule->unless = unless;
    rule->want = want;
}

static void add_amounts(const struct request *request, struct survey *survey)
{
    const struct resources *want = &request->resources;
    add_amount(survey, REASON_CPU_TOTAL, DIM_CPU_TOTAL, DIM_COUNT,
               want->cpu_milli);
    add_amount(survey, REASON_MEM_TOTAL, DIM_MEM_TOTAL, DIM_COUNT,
               want->mem_mib);
    add_amount(survey, REASON_DISK_TOTAL, DIM_DISK_TOTAL, DIM_COUNT,
               want->disk_mib);
    add_amount(survey, REASON_NIC_TOTAL, DIM_NIC_TOTAL, DIM_COUNT,
               want->nic_kbit);
    add_amount(survey, REASON_TIME, DIM_TIME, DIM_COUNT, request->time_ms_max);
    (void)survey_add(survey, REASON_PRICE, SURVEY_COST);
    add_amount(survey, REASON_SLOTS, DIM_SLOTS, DIM_COUNT, 1);
    add_amount(survey, REASON_CPU_FREE, DIM_CPU_FREE, DIM_CPU_TOTAL,
               want->cpu_milli);
    add_amount(survey, REASON_MEM_FREE, DIM_MEM_FREE, DIM_MEM_TOTAL,
               want->mem_mib);
    add_amount(survey, REASON_DISK_FREE, DIM_DISK_FREE, DIM_DISK_TOTAL,
               want->disk_mib);
    add_amount(survey, REASON_NIC_FREE, DIM_NIC_FREE, DIM_NIC_TOTAL,
               want->nic_kbit);
}

/* Notes, as feasible_check makes them. */
static void add_notes(const struct request *request, struct survey *survey)
{
    if (request->policy == POLICY_FASTEST) {
        survey_add(survey, REASON_GRADE_UNKNOWN, SURVEY_NO_FLAG)->flag =
            (enum flag)(FLAG_SPEED + (unsigned)request->terms.speed);
    } else if (request->policy == POLICY_NEAREST &&
               pubkey_is_zero(&request->terms.near)) {
        survey_add(survey, REASON_RTT_UNKNOWN, SURVEY_NO_FLAG)->flag =
            FLAG_RTT_KNOWN;
    } else if (request->policy == POLICY_NEAREST) {
        (void)survey_add(survey, REASON_RTT_UNKNOWN, SURVEY_ASK);
    }
}

static bool key_before(const void *owner, uint32_t a, uint32_t b)
{
    const struct book *book = ((const struct book_survey *)owner)->book;
    return pubkey_compare(&book->slots[a].provider, &book->slots[b].provider) <
           0;
}

/* ---- what the catalog cannot tell: the book looks itself ---- */

#define DEVICE_REASONS                                                         \
    (reason_bit(REASON_DEVICE_KIND) | reason_bit(REASON_DEVICE_MODEL) |        \
     reason_bit(REASON_DEVICE_MEM) | reason_bit(REASON_DEVICE_TOTAL) |         \
     reason_bit(REASON_DEVICE_FREE) | reason_bit(REASON_DEVICE_SPLIT) |        \
     reason_bit(REASON_PRICE))

static uint64_t ask(const void *owner, uint32_t slot)
{
    const struct book_survey *s = owner;
    struct book_view view;
    struct verdict verdict;
    book_view(s->book, slot, s->request, s->entry, s->now_ms, &view);
    feasible_check(s->demand, &view.c, &verdict);
    return verdict.failing | verdict.notes;
}

static uint32_t ask_shortage(const void *owner, uint32_t slot,
                             enum reason reason, uint64_t *out_have)
{
    const struct book_survey *s = owner;
    struct book_view view;
    uint64_t want = 0;
    book_view(s->book, slot, s->request, s->entry, s->now_ms, &view);
    *out_have = 0;
    (void)feasible_figures(reason, s->demand, &view.c, &want, out_have);
    return feasible_shortage(reason, s->demand, &view.c);
}

static bool ask_helps(const void *owner, uint32_t slot, enum reason reason)
{
    const struct book_survey *s = owner;
    struct book_view view;
    book_view(s->book, slot, s->request, s->entry, s->now_ms, &view);
    return explain_relaxing_helps(s->demand, &view.c, reason);
}

/* Whom to ask about what. */
static void add_asked(const struct request *request,
                      const struct book_entry *entry, struct survey *survey)
{
    bool spread =
        request->spread.per_provider > 0 || request->spread.per_value > 0;
    survey->ask = ask;
    survey->ask_helps = ask_helps;
    survey->ask_shortage = ask_shortage;
    if (request->toleration_count > 0) {
        survey->asked |= reason_bit(REASON_TAINT);
        survey->ask_flags |= flag_bit(FLAG_TAINTED);
    }
    if (request->zone_count > 0) {
        survey->asked |= reason_bit(REASON_ZONE);
        survey->ask_flags |= flag_bit(FLAG_ZONES);
    }
    if (request->devices.count > 0) {
        survey->asked |= DEVICE_REASONS;
        survey->ask_flags |= flag_bit(FLAG_DEVICES);
    }
    /* The links of others are not in the catalog. */
    if (request->policy == POLICY_NEAREST &&
        !pubkey_is_zero(&request->terms.near)) {
        survey->asked |= reason_bit(REASON_RTT_UNKNOWN);
        survey->ask_all = true;
    }
    /* Where tasks are already, here or of another request. */
    if (entry != NULL &&
        (request->affinity_count > 0 || (spread && entry->places.count > 0))) {
        survey->asked |=
            reason_bit(REASON_SPREAD) | reason_bit(REASON_AFFINITY);
        survey->ask_all = true;
    }
}

/* A rule of its own where only the answers count. */
static void add_answers(struct survey *survey, enum reason reason)
{
    if (survey->asked & reason_bit(reason))
        (void)survey_add(survey, reason, SURVEY_ASK);
}

/* Zones, taints and devices, as far as the catalog knows them. */
static void add_wishes(const struct book *book, const struct request *request,
                       struct book_survey *out)
{
    struct survey *survey = &out->survey;
    struct survey_rule *rule;
    if (request->zone_count > 0) {
        query_zones(book, request, out->zones);
        rule = survey_add(survey, REASON_ZONE, SURVEY_NO_TAG_OF);
        rule->tags = out->zones;
        rule->tag_count = request->zone_count;
    }
    if (request->spread.per_value > 0)
        survey_add(survey, REASON_DOMAIN, SURVEY_NO_TAG)->tag =
            tag_text(book->config.key, TAG_LABEL_KEY, request->spread.key, "");
    if (request->toleration_count == 0)
        survey_add(survey, REASON_TAINT, SURVEY_FLAG)->flag = FLAG_TAINTED;
    add_answers(survey, REASON_TAINT);
    if (request->devices.count > 0)
        survey_add(survey, REASON_DEVICE_KIND, SURVEY_NO_FLAG)->flag =
            FLAG_DEVICES;
    add_answers(survey, REASON_DEVICE_MODEL);
    add_answers(survey, REASON_DEVICE_MEM);
    add_answers(survey, REASON_DEVICE_TOTAL);
}

void book_survey_make(const struct book *book, const struct request *request,
                      const struct book_entry *entry,
                      const struct demand *demand, uint64_t now_ms,
                      struct book_survey *out)
{
    struct survey *survey = &out->survey;
    out->book = book;
    out->request = request;
    out->entry = entry;
    out->demand = demand;
    out->now_ms = now_ms;
    survey_init(survey);
    survey->owner = out;
    add_asked(request, entry, survey);
    survey->before = key_before;
    survey->bill = bill_of(request);
    mix_of(request, survey->mix);
    survey_add(survey, REASON_STALE, SURVEY_FLAG)->flag = FLAG_STALE;
    add_self(book, request, out);
    add_seller(book, request, out);
    add_excluded(book, entry, now_ms, out);
    survey_add(survey, REASON_UNREACHABLE, SURVEY_FLAG)->flag =
        FLAG_UNREACHABLE;
    add_labels(book, request, survey);
    add_wishes(book, request, out);
    add_amounts(request, survey);
    add_answers(survey, REASON_DEVICE_FREE);
    add_answers(survey, REASON_DEVICE_SPLIT);
    add_answers(survey, REASON_SPREAD);
    add_answers(survey, REASON_AFFINITY);
    add_notes(request, survey);
}
