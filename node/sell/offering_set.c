/* The offer as people set it: checks, the configuration's, and the record. */

#include "base/address.h"
#include "base/check.h"
#include "market/message.h"
#include "node/sell/offering_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RECORD_FIELDS 11
#define CPU_MILLI_MIN 10u
/* So that sums of hours, cores and years stay inside 64 bits. */
#define PRICE_MAX    (UINT64_C(1000000000) * AMOUNT_MICRO_PER_CREDIT)
#define NIC_MBIT_MAX 1000000000u
/* One is the node's own: arch. */
#define LABELS_OWN 1u

void offering_set_merge(struct offering_set *out,
                        const struct offering_set *over)
{
    if (over->mask & OFFERING_NAME)
        memcpy(out->name, over->name, sizeof(out->name));
    if (over->mask & OFFERING_CPU)
        out->total.cpu_milli = over->total.cpu_milli;
    if (over->mask & OFFERING_MEM)
        out->total.mem_mib = over->total.mem_mib;
    if (over->mask & OFFERING_DISK)
        out->total.disk_mib = over->total.disk_mib;
    if (over->mask & OFFERING_SLOTS)
        out->slots = over->slots;
    if (over->mask & OFFERING_TIME)
        out->time_ms_max = over->time_ms_max;
    if (over->mask & OFFERING_CPU_HOUR)
        out->price.cpu_hour = over->price.cpu_hour;
    if (over->mask & OFFERING_MEM_HOUR)
        out->price.mem_hour = over->price.mem_hour;
    if (over->mask & OFFERING_DISK_HOUR)
        out->price.disk_hour = over->price.disk_hour;
    if (over->mask & OFFERING_PAYOUT)
        out->payout = over->payout;
    if (over->mask & OFFERING_NIC)
        out->total.nic_kbit = over->total.nic_kbit;
    if (over->mask & OFFERING_DEVICE_HOUR)
        memcpy(out->device_hour, over->device_hour, sizeof(out->device_hour));
    if (over->mask & OFFERING_QUEUE)
        out->queue = over->queue;
    if (over->mask & OFFERING_TAINTS) {
        out->taint_count = over->taint_count;
        memcpy(out->taints, over->taints, sizeof(out->taints));
    }
    if (over->mask & OFFERING_LABELS) {
        out->label_count = over->label_count;
        memcpy(out->labels, over->labels, sizeof(out->labels));
    }
}

/* ---- checks ---- */

__attribute__((format(printf, 3, 4))) static enum err say(
    struct offering_fault *fault, const char *next, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault->what, sizeof(fault->what), format, args);
    va_end(args);
    snprintf(fault->next, sizeof(fault->next), "%s", next);
    return ERR_RANGE;
}

static enum err check_resources(const struct offering_set *set,
                                const struct sensed *sensed,
                                struct offering_fault *fault)
{
    const struct resources *total = &set->total;
    if (total->cpu_milli < CPU_MILLI_MIN ||
        total->cpu_milli > (uint64_t)sensed->cpus * 1000)
        return say(fault, "0.01 to what there is",
                   "%u.%03u cores cannot be sold: this machine has %u",
                   total->cpu_milli / 1000, total->cpu_milli % 1000,
                   sensed->cpus);
    if (total->mem_mib == 0 || total->mem_mib > sensed->mem_mib)
        return say(fault, "1 MiB to what there is",
                   "%llu MiB of memory cannot be sold: this machine has %llu",
                   (unsigned long long)total->mem_mib,
                   (unsigned long long)sensed->mem_mib);
    if (total->disk_mib == 0 || total->disk_mib > sensed->disk_mib)
        return say(fault, "1 MiB to what there is",
                   "%llu MiB of disk cannot be sold: the data directory's "
                   "disk has %llu",
                   (unsigned long long)total->disk_mib,
                   (unsigned long long)sensed->disk_mib);
    return OK;
}

static enum err check_labels(const struct offering_set *set,
                             struct offering_fault *fault)
{
    if (set->label_count > LIMIT_LABELS - LABELS_OWN)
        return say(fault, "fewer labels", "at most %u labels can be given",
                   LIMIT_LABELS - LABELS_OWN);
    for (uint32_t i = 0; i < set->label_count; i++) {
        const struct label *label = &set->labels[i];
        if (!message_text_ok(label->key, sizeof(label->key)) ||
            !message_text_ok(label->value, sizeof(label->value)) ||
            label->key[0] == '\0')
            return say(fault, "zone=eu",
                       "label %u has no key or is not plain text", i + 1);
        if (strcmp(label->key, "arch") == 0)
            return say(fault, "other labels",
                       "the label \"arch\" is set by the node itself");
    }
    return OK;
}

static enum err check_taints(const struct offering_set *set,
                             struct offering_fault *fault)
{
    if (set->taint_count > LIMIT_TAINTS)
        return say(fault, "fewer taints", "at most %u taints can be given",
                   LIMIT_TAINTS);
    for (uint32_t i = 0; i < set->taint_count; i++) {
        const struct label *label = &set->taints[i].label;
        if (!message_text_ok(label->key, sizeof(label->key)) ||
            !message_text_ok(label->value, sizeof(label->value)) ||
            label->key[0] == '\0' || set->taints[i].effect != TAINT_REFUSE)
            return say(fault, "gpu=only",
                       "taint %u has no key or is not plain text", i + 1);
    }
    return OK;
}

static bool price_ok(const struct price *price)
{
    struct amount most = amount_micro(PRICE_MAX);
    return amount_cmp(price->cpu_hour, most) <= 0 &&
           amount_cmp(price->mem_hour, most) <= 0 &&
           amount_cmp(price->disk_hour, most) <= 0;
}

enum err offering_set_check(const struct offering_set *set,
                            const struct sensed *sensed,
                            struct offering_fault *fault)
{
    memset(fault, 0, sizeof(*fault));
    if (!message_text_ok(set->name, sizeof(set->name)))
        return say(fault, "a name of up to 63 plain characters",
                   "the name is not plain text");
    TRY(check_resources(set, sensed, fault));
    if (set->slots == 0 || set->slots > SELL_HOLDS_MAX)
        return say(fault, "1 to 512", "%u jobs at the same time cannot be sold",
                   set->slots);
    if (set->time_ms_max < 1000 || set->time_ms_max > MESSAGE_TIME_MS_MAX)
        return say(fault, "1 second to 366 days",
                   "the longest job cannot be %llu ms",
                   (unsigned long long)set->time_ms_max);
    if (!price_ok(&set->price))
        return say(fault, "at most a thousand million credits an hour",
                   "the price is too high to be computed with");
    TRY(check_taints(set, fault));
    return check_labels(set, fault);
}

/* ---- the configuration ---- */

static enum err parse_label(const char *text, size_t len, struct label *out)
{
    char copy[CONSTRAINT_TEXT_MAX];
    struct constraint constraint;
    if (len >= sizeof(copy))
        return ERR_TOO_LARGE;
    memcpy(copy, text, len);
    copy[len] = '\0';
    TRY(constraint_parse(copy, &constraint));
    if (constraint.op != CONSTRAINT_EQUAL)
        return ERR_PARSE;
    memcpy(out->key, constraint.key, sizeof(out->key));
    memcpy(out->value, constraint.value, sizeof(out->value));
    return OK;
}

enum err offering_labels_parse(const char *text, struct label *out,
                               uint32_t *out_count)
{
    uint32_t count = 0;
    while (*text != '\0') {
        size_t len;
        text += strspn(text, ", ");
        len = strcspn(text, ",");
        while (len > 0 && text[len - 1] == ' ')
            len--;
        if (len == 0)
            break;
        if (count == LIMIT_LABELS - LABELS_OWN)
            return ERR_TOO_LARGE;
        TRY(parse_label(text, len, &out[count]));
        count++;
        text += len;
    }
    *out_count = count;
    return OK;
}

__attribute__((format(printf, 3, 4))) static enum err bad_config(
    struct node *node, enum config_key key, const char *format, ...)
{
    struct config *config = &node->config;
    char what[200];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(config->error, sizeof(config->error),
             "%.60s: %s = \"%.40s\": %.180s", config->values[key].source,
             config_name(key), config_text(config, key), what);
    return ERR_CONFIG;
}

static enum err config_payout(struct node *node, struct offering_set *out)
{
    const char *text = config_text(&node->config, CONFIG_sell_payout);
    const char *prefix = "";
    if (text[0] == '\0')
        return OK;
    if (address_parse(text, &prefix, &out->payout) != OK ||
        strcmp(prefix, node->prefix) != 0)
        return bad_config(node, CONFIG_sell_payout,
                          "not an address of this network");
    return OK;
}

static uint64_t or_found(uint64_t configured, uint64_t found)
{
    uint64_t least = found > 0 ? found : 1;
    return configured != 0 ? configured : least;
}

static enum err config_sizes(struct node *node, struct offering_set *out)
{
    const struct config *config = &node->config;
    const struct sensed *sensed = &node->sensed;
    uint64_t milli = config_micro(config, CONFIG_sell_cpus) / 1000;
    if (milli > UINT32_MAX)
        return bad_config(node, CONFIG_sell_cpus, "more cores than there are");
    out->total.cpu_milli =
        (uint32_t)or_found(milli, (uint64_t)sensed->cpus * 1000);
    out->total.mem_mib =
        or_found(config_uint(config, CONFIG_sell_mem_mib), sensed->mem_mib / 2);
    out->total.disk_mib = or_found(config_uint(config, CONFIG_sell_disk_mib),
                                   sensed->disk_free_mib / 4);
    if (config_uint(config, CONFIG_sell_nic_mbit) > NIC_MBIT_MAX)
        return bad_config(node, CONFIG_sell_nic_mbit, "too much");
    out->total.nic_kbit = config_uint(config, CONFIG_sell_nic_mbit) * 1000;
    if (config_uint(config, CONFIG_sell_slots) > UINT32_MAX)
        return bad_config(node, CONFIG_sell_slots, "too many");
    out->slots = (uint32_t)config_uint(config, CONFIG_sell_slots);
    if (config_uint(config, CONFIG_sell_time_max_s) > MESSAGE_TIME_MS_MAX)
        return bad_config(node, CONFIG_sell_time_max_s, "too long");
    out->time_ms_max = config_uint(config, CONFIG_sell_time_max_s) * 1000;
    return OK;
}

static enum err config_span(struct node *node, enum config_key key,
                            uint64_t least_s, uint64_t most_s, uint64_t *out_ms)
{
    uint64_t seconds = config_uint(&node->config, key);
    if (seconds < least_s || seconds > most_s)
        return bad_config(node, key, "must be %llu to %llu seconds",
                          (unsigned long long)least_s,
                          (unsigned long long)most_s);
    *out_ms = seconds * 1000;
    return OK;
}

static enum err config_terms(struct node *node, struct offering_terms *out)
{
    TRY(config_span(node, CONFIG_sell_offer_ttl_s, 3, OFFER_TTL_MAX_MS / 1000,
                    &out->ttl_ms));
    TRY(config_span(node, CONFIG_sell_receipt_s, 1, 86400, &out->receipt_ms));
    return config_span(node, CONFIG_sell_retention_s, 60, UINT64_C(366) * 86400,
                       &out->retention_ms);
}

static enum err config_gear(struct node *node, struct offering_set *out,
                            struct accel *out_accel)
{
    const struct config *config = &node->config;
    const char *hour = config_text(config, CONFIG_sell_device_hour);
    char fault[ACCEL_FAULT_MAX];
    struct devices priced;
    if (accel_parse(config_text(config, CONFIG_sell_devices), out_accel,
                    fault) != OK ||
        accel_check(out_accel, fault) != OK)
        return bad_config(node, CONFIG_sell_devices, "%s", fault);
    priced = out_accel->devices;
    if (strlen(hour) >= sizeof(out->device_hour))
        return bad_config(node, CONFIG_sell_device_hour, "too long");
    if (accel_price(hour, &priced, fault) != OK)
        return bad_config(node, CONFIG_sell_device_hour, "%s", fault);
    snprintf(out->device_hour, sizeof(out->device_hour), "%s", hour);
    if (accel_taints_parse(config_text(config, CONFIG_sell_taints), out->taints,
                           &out->taint_count) != OK)
        return bad_config(node, CONFIG_sell_taints,
                          "taints are key=value, key; at most %u",
                          LIMIT_TAINTS);
    return OK;
}

enum err offering_from_config(struct node *node, struct offering_set *out,
                              struct offering_terms *out_terms,
                              struct accel *out_accel)
{
    const struct config *config = &node->config;
    struct offering_set set = {.mask = OFFERING_ALL};
    struct offering_fault fault;
    memcpy(set.name, node->name, sizeof(set.name));
    TRY(config_sizes(node, &set));
    set.price.cpu_hour =
        amount_micro(config_micro(config, CONFIG_sell_cpu_hour));
    set.price.mem_hour =
        amount_micro(config_micro(config, CONFIG_sell_mem_hour));
    set.price.disk_hour =
        amount_micro(config_micro(config, CONFIG_sell_disk_hour));
    TRY(config_payout(node, &set));
    if (offering_labels_parse(config_text(config, CONFIG_sell_labels),
                              set.labels, &set.label_count) != OK)
        return bad_config(node, CONFIG_sell_labels,
                          "labels are key=value, key=value; at most %u",
                          LIMIT_LABELS - LABELS_OWN);
    TRY(config_gear(node, &set, out_accel));
    TRY(line_rule_parse(config_text(config, CONFIG_sell_queue), &set.queue));
    TRY(config_terms(node, out_terms));
    if (offering_set_check(&set, &node->sensed, &fault) != OK) {
        snprintf(node->config.error, sizeof(node->config.error),
                 "[sell] in suan.conf: %.180s; %.100s", fault.what, fault.next);
        return ERR_CONFIG;
    }
    *out = set;
    return OK;
}

/* ---- the record ---- */

void offering_set_encode(const struct offering_set *set, struct buf *out)
{
    CHECK(set->label_count <= LIMIT_LABELS);
    mp_put_message(out, 1, 1, RECORD_FIELDS);
    mp_put_uint(out, set->mask);
    mp_put_str(out, set->name);
    resources_encode(&set->total, out);
    mp_put_uint(out, set->slots);
    mp_put_uint(out, set->time_ms_max);
    price_encode(&set->price, out);
    mp_put_pubkey(out, &set->payout);
    mp_put_array(out, set->label_count);
    for (uint32_t i = 0; i < set->label_count; i++) {
        mp_put_array(out, 2);
        mp_put_str(out, set->labels[i].key);
        mp_put_str(out, set->labels[i].value);
    }
    mp_put_array(out, set->taint_count);
    for (uint32_t i = 0; i < set->taint_count; i++) {
        mp_put_array(out, 2);
        mp_put_str(out, set->taints[i].label.key);
        mp_put_str(out, set->taints[i].label.value);
    }
    mp_put_str(out, set->device_hour);
    mp_put_uint(out, set->queue);
}

static void taints_get(struct mp_reader *reader, struct offering_set *out)
{
    uint32_t count = mp_enter(reader);
    if (count > LIMIT_TAINTS)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        mp_enter_exact(reader, 2);
        mp_get_text(reader, out->taints[i].label.key, LIMIT_NAME);
        mp_get_text(reader, out->taints[i].label.value, LIMIT_NAME);
        mp_leave(reader);
        out->taints[i].effect = TAINT_REFUSE;
    }
    mp_leave(reader);
    out->taint_count = count;
}

static void labels_get(struct mp_reader *reader, struct offering_set *out)
{
    uint32_t count = mp_enter(reader);
    if (count > LIMIT_LABELS - LABELS_OWN)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        mp_enter_exact(reader, 2);
        mp_get_text(reader, out->labels[i].key, LIMIT_NAME);
        mp_get_text(reader, out->labels[i].value, LIMIT_NAME);
        mp_leave(reader);
    }
    mp_leave(reader);
    out->label_count = count;
}

enum err offering_set_decode(struct bytes record, struct arena *arena,
                             struct offering_set *out)
{
    struct mp_reader reader;
    struct offering_set set;
    memset(&set, 0, sizeof(set));
    TRY(mp_open_message(&reader, record, arena, 1, 1, RECORD_FIELDS));
    set.mask = (uint32_t)mp_get_uint_max(&reader, OFFERING_ALL);
    mp_get_text(&reader, set.name, sizeof(set.name));
    resources_decode(&reader, &set.total);
    set.slots = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    set.time_ms_max = mp_get_uint(&reader);
    price_decode(&reader, &set.price);
    mp_get_pubkey(&reader, &set.payout);
    labels_get(&reader, &set);
    taints_get(&reader, &set);
    mp_get_text(&reader, set.device_hour, sizeof(set.device_hour));
    set.queue = (enum line_rule)mp_get_uint_max(&reader, LINE_CONSERVATIVE);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    *out = set;
    return OK;
}
