#include "cli/file/tapefile.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/check.h"
#include "sched/policy.h"

struct reader {
    struct tape *tape;
    const char *file_name;
    size_t line;
    char *error;
    /* ids of requests, by their number on the tape */
    struct hash *ids;
    uint32_t id_count;
};

__attribute__((format(printf, 2, 3))) static enum err refuse(struct reader *r,
                                                             const char *format,
                                                             ...)
{
    char what[TAPEFILE_ERROR_MAX - 128];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(r->error, TAPEFILE_ERROR_MAX, "%.80s:%zu: %s", r->file_name,
             r->line, what);
    return ERR_PARSE;
}

/* ---- values ---- */

/* Absent and null leave *out as it is. */
static enum err get_uint(struct reader *r, const json_t *object,
                         const char *key, uint64_t max, uint64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value))
        return OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max)
        return refuse(r, "%s is not a whole number up to %" PRIu64, key, max);
    *out = (uint64_t)json_integer_value(value);
    return OK;
}

static enum err get_u32(struct reader *r, const json_t *object, const char *key,
                        uint32_t max, uint32_t *out)
{
    uint64_t value = *out;
    TRY(get_uint(r, object, key, max, &value));
    *out = (uint32_t)value;
    return OK;
}

static const char *text_of(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "";
}

static enum err copy_name(struct reader *r, const char *key, const char *text,
                          char out[LIMIT_NAME])
{
    size_t len = strlen(text);
    if (len >= LIMIT_NAME)
        return refuse(r, "%s is longer than %u bytes", key, LIMIT_NAME - 1);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return refuse(r, "a control character stands in %s", key);
    }
    memset(out, 0, LIMIT_NAME);
    memcpy(out, text, len);
    return OK;
}

/* null and absent are zero. */
static enum err get_address(struct reader *r, const json_t *object,
                            const char *key, struct pubkey *out)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value) || text_of(value)[0] == '\0')
        return OK;
    if (address_parse(text_of(value), NULL, out) != OK)
        return refuse(r, "%s is not an address", key);
    return OK;
}

static enum err get_resources(struct reader *r, const json_t *object,
                              struct resources *out)
{
    TRY(get_u32(r, object, "cpu_milli", UINT32_MAX, &out->cpu_milli));
    TRY(get_uint(r, object, "mem_mib", UINT32_MAX, &out->mem_mib));
    TRY(get_uint(r, object, "nic_kbit", UINT32_MAX, &out->nic_kbit));
    return get_uint(r, object, "disk_mib", UINT32_MAX, &out->disk_mib);
}

static enum err get_amount(struct reader *r, const json_t *object,
                           const char *key, struct amount *out)
{
    uint64_t micro = 0;
    TRY(get_uint(r, object, key, INT64_MAX, &micro));
    *out = amount_micro(micro);
    return OK;
}

static enum err get_arch(struct reader *r, const json_t *object, enum arch *out)
{
    const char *text = text_of(json_object_get(object, "arch"));
    if (text[0] == '\0')
        text = "any";
    if (arch_parse(text, out) != OK)
        return refuse(r, "there is no architecture \"%.30s\"", text);
    return OK;
}

/* ---- offers ---- */

static enum err get_labels(struct reader *r, json_t *labels, struct offer *out)
{
    const char *key;
    json_t *value;
    json_object_foreach(labels, key, value)
    {
        struct label *label = &out->labels[out->label_count];
        if (out->label_count == LIMIT_LABELS)
            return refuse(r, "there are more than %u labels", LIMIT_LABELS);
        TRY(copy_name(r, "a label", key, label->key));
        TRY(copy_name(r, "a label", text_of(value), label->value));
        out->label_count++;
    }
    return OK;
}

static enum err get_terms(struct reader *r, const json_t *object,
                          struct offer *out)
{
    const json_t *price = json_object_get(object, "price");
    const json_t *grade = json_object_get(object, "grade");
    TRY(get_amount(r, price, "cpu_hour_micro", &out->price.cpu_hour));
    TRY(get_amount(r, price, "mem_hour_micro", &out->price.mem_hour));
    TRY(get_amount(r, price, "disk_hour_micro", &out->price.disk_hour));
    TRY(get_uint(r, grade, "int_ops", INT64_MAX, &out->grade.int_ops));
    TRY(get_uint(r, grade, "float_ops", INT64_MAX, &out->grade.float_ops));
    TRY(get_uint(r, grade, "mem_bps", INT64_MAX, &out->grade.mem_bps));
    TRY(get_uint(r, grade, "int8_ops", INT64_MAX, &out->grade.int8_ops));
    TRY(get_uint(r, grade, "fp32_ops", INT64_MAX, &out->grade.fp32_ops));
    TRY(get_uint(r, grade, "sha256_bps", INT64_MAX, &out->grade.sha256_bps));
    TRY(get_uint(r, grade, "chase_ops", INT64_MAX, &out->grade.chase_ops));
    TRY(get_uint(r, grade, "disk_iops", INT64_MAX, &out->grade.disk_iops));
    TRY(get_uint(r, grade, "net_bps", INT64_MAX, &out->grade.net_bps));
    if (strcmp(text_of(json_object_get(grade, "source")), "nominal") == 0)
        out->grade.source = METRIC_NOMINAL;
    return get_uint(r, grade, "disk_bps", INT64_MAX, &out->grade.disk_bps);
}

static enum err get_group(struct reader *r, const json_t *object,
                          struct devices *out)
{
    struct device_group *group = &out->groups[out->group_count];
    const char *kind = text_of(json_object_get(object, "kind"));
    if (out->group_count == DEVICE_GROUPS_MAX)
        return refuse(r, "there are more than %u groups of devices",
                      DEVICE_GROUPS_MAX);
    if (device_kind_parse(kind, &group->kind) != OK)
        return refuse(r, "there is no kind of device \"%.30s\"", kind);
    TRY(copy_name(r, "a model", text_of(json_object_get(object, "model")),
                  group->model));
    TRY(get_u32(r, object, "count", MACHINE_DEVICES_MAX, &group->count));
    TRY(get_uint(r, object, "mem_mib", UINT32_MAX, &group->mem_mib));
    TRY(get_amount(r, object, "hour_micro", &group->hour));
    out->group_count++;
    return OK;
}

static enum err get_gear(struct reader *r, const json_t *object,
                         struct offer *out)
{
    const json_t *groups = json_object_get(object, "devices");
    const json_t *taints = json_object_get(object, "taints");
    for (size_t i = 0; i < json_array_size(groups); i++)
        TRY(get_group(r, json_array_get(groups, i), &out->devices));
    if (devices_count(&out->devices) > MACHINE_DEVICES_MAX)
        return refuse(r, "there are more than %u devices", MACHINE_DEVICES_MAX);
    devices_all_free(&out->devices);
    for (size_t i = 0; i < json_array_size(taints); i++) {
        const char *text = text_of(json_array_get(taints, i));
        if (i == LIMIT_TAINTS || taint_parse(text, &out->taints[i]) != OK)
            return refuse(r, "\"%.60s\" is no taint, or one too many", text);
        out->taint_count++;
    }
    return OK;
}

static enum err read_offer(struct reader *r, uint64_t at_ms, json_t *object)
{
    struct offer offer = {.version = 1,
                          .issued_at_ms = 1,
                          .ttl_ms = OFFER_TTL_MAX_MS,
                          .address = "recorded:1",
                          .bulk_address = "recorded:2",
                          .arch = ARCH_X86_64,
                          .slots_free = 1,
                          .time_ms_max = 3600000};
    uint64_t rtt_us = 0;
    enum err err;
    TRY(get_address(r, object, "provider", &offer.provider));
    TRY(get_address(r, object, "payout", &offer.payout));
    TRY(copy_name(r, "name", text_of(json_object_get(object, "name")),
                  offer.name));
    TRY(get_arch(r, object, &offer.arch));
    TRY(get_resources(r, json_object_get(object, "total"), &offer.total));
    offer.free = offer.total;
    TRY(get_u32(r, object, "slots_free", 1000000, &offer.slots_free));
    TRY(get_uint(r, object, "time_ms_max", UINT64_C(31622400000),
                 &offer.time_ms_max));
    TRY(get_uint(r, object, "rtt_us", UINT32_MAX, &rtt_us));
    TRY(get_terms(r, object, &offer));
    TRY(get_labels(r, json_object_get(object, "labels"), &offer));
    TRY(get_gear(r, object, &offer));
    err = tape_add_offer(r->tape, at_ms, &offer, rtt_us);
    if (err == ERR_RANGE)
        return refuse(r, "this is no offer: a provider, an architecture and "
                         "something to sell belong to it");
    return err;
}

/* ---- requests ---- */

static enum err get_constraints(struct reader *r, const json_t *list,
                                struct request *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = text_of(json_array_get(list, i));
        if (i == LIMIT_CONSTRAINTS ||
            constraint_parse(text, &out->constraints[i]) != OK)
            return refuse(r, "\"%.60s\" is no constraint, or one too many",
                          text);
        out->constraint_count++;
    }
    return OK;
}

static enum err get_salt(struct reader *r, const json_t *object,
                         struct request *out)
{
    const char *text = text_of(json_object_get(object, "salt"));
    struct hash hash;
    char hex[2 * HASH_LEN + 1];
    if (text[0] == '\0')
        return OK;
    memset(hex, '0', sizeof(hex) - 1);
    hex[sizeof(hex) - 1] = '\0';
    if (strlen(text) == 2 * sizeof(out->salt))
        memcpy(hex, text, 2 * sizeof(out->salt));
    if (strlen(text) != 2 * sizeof(out->salt) || hash_parse(hex, &hash) != OK)
        return refuse(r, "salt is not %zu hex digits", 2 * sizeof(out->salt));
    memcpy(out->salt, hash.b, sizeof(out->salt));
    return OK;
}

/* The policy it was placed by then; its terms are the text of
 * policy_terms_format. */
static enum err get_policy(struct reader *r, const json_t *object,
                           struct request *out)
{
    const char *policy = text_of(json_object_get(object, "policy"));
    const char *text = text_of(json_object_get(object, "policy_terms"));
    if (policy[0] != '\0' && policy_parse(policy, &out->policy) != OK)
        return refuse(r, "there is no policy \"%.40s\"", policy);
    while (*text != '\0') {
        char pair[256];
        size_t len = strcspn(text, ";");
        char *value;
        if (len >= sizeof(pair))
            return refuse(r, "a term of the policy is too long");
        memcpy(pair, text, len);
        pair[len] = '\0';
        value = strchr(pair, ' ');
        if (value == NULL)
            return refuse(r, "\"%.60s\" is no term of a policy", pair);
        *value++ = '\0';
        if (policy_terms_set(&out->terms, pair, value) != OK)
            return refuse(r, "\"%.60s\" is no term of a policy", pair);
        text += len;
        text += strspn(text, "; ");
    }
    return OK;
}

static enum err get_id(struct reader *r, const json_t *value, struct hash *out)
{
    if (hash_parse(text_of(value), out) != OK)
        return refuse(r, "an id is 64 hex digits");
    return OK;
}

static enum err remember(struct reader *r, const struct hash *id)
{
    CHECK(r->id_count < r->tape->request_count);
    if (r->ids == NULL)
        r->ids = calloc(TAPE_REQUESTS_MAX, sizeof(*r->ids));
    if (r->ids == NULL)
        return ERR_NOMEM;
    r->ids[r->id_count++] = *id;
    return OK;
}

static enum err get_parties(struct reader *r, const json_t *object,
                            struct request *out)
{
    TRY(get_address(r, object, "buyer", &out->buyer));
    TRY(get_address(r, object, "agent", &out->agent));
    TRY(get_address(r, object, "only_seller", &out->only_seller));
    return get_salt(r, object, out);
}

static enum err get_wants(struct reader *r, const json_t *object,
                          struct request *out)
{
    TRY(get_u32(r, object, "tasks", LIMIT_TASKS, &out->tasks));
    TRY(get_resources(r, object, &out->resources));
    TRY(get_uint(r, object, "time_ms_max", UINT64_C(31622400000),
                 &out->time_ms_max));
    TRY(get_amount(r, object, "price_max_micro", &out->price_max));
    TRY(get_arch(r, object, &out->arch));
    return get_constraints(r, json_object_get(object, "constraints"), out);
}

static enum err get_devices(struct reader *r, const json_t *object,
                            struct device_wish *out)
{
    const char *text = text_of(json_object_get(object, "devices"));
    if (text[0] == '\0')
        return OK;
    if (device_wish_parse(text, out) != OK)
        return refuse(r, "\"%.60s\" is no wish for devices", text);
    return get_uint(r, object, "device_mem_mib", UINT32_MAX, &out->mem_mib);
}

/* Zones, tolerations and spread; affinity to other jobs is not played. */
static enum err get_places(struct reader *r, const json_t *object,
                           struct request *out)
{
    const json_t *zones = json_object_get(object, "zones");
    const json_t *tolerate = json_object_get(object, "tolerate");
    const char *spread = text_of(json_object_get(object, "spread"));
    for (size_t i = 0; i < json_array_size(zones); i++) {
        if (i == LIMIT_ZONES)
            return refuse(r, "there are more than %u zones", LIMIT_ZONES);
        TRY(copy_name(r, "a zone", text_of(json_array_get(zones, i)),
                      out->zones[i]));
        out->zone_count++;
    }
    for (size_t i = 0; i < json_array_size(tolerate); i++) {
        const char *text = text_of(json_array_get(tolerate, i));
        if (i == LIMIT_TOLERATIONS ||
            constraint_parse(text, &out->tolerations[i]) != OK)
            return refuse(r, "\"%.60s\" is no toleration, or one too many",
                          text);
        out->toleration_count++;
    }
    while (*spread != '\0') {
        char part[2 * LIMIT_NAME];
        size_t len = strcspn(spread, ",");
        snprintf(part, sizeof(part), "%.*s", (int)(len < 120 ? len : 120),
                 spread);
        if (spread_parse(part, &out->spread) != OK)
            return refuse(r, "\"%.60s\" is no spread", part);
        spread += len;
        spread += strspn(spread, ", ");
    }
    return OK;
}

static enum err read_request(struct reader *r, uint64_t at_ms, json_t *object)
{
    struct request q = {.created_at_ms = 1,
                        .tasks = 1,
                        .attempts_max = 1,
                        .time_ms_max = 600000,
                        .policy = POLICY_CHEAPEST};
    struct hash id = {{0}};
    uint64_t patience = 3600000;
    uint64_t run_ms = 0;
    enum err err;
    memset(&q.agent, 0xff, sizeof(q.agent)); /* nobody's, if it is not told */
    TRY(get_id(r, json_object_get(object, "id"), &id));
    TRY(get_parties(r, object, &q));
    TRY(get_wants(r, object, &q));
    TRY(get_devices(r, object, &q.devices));
    TRY(get_places(r, object, &q));
    TRY(get_uint(r, object, "patience_ms", UINT64_C(31622400000), &patience));
    TRY(get_uint(r, object, "run_ms", UINT64_C(31622400000), &run_ms));
    TRY(get_policy(r, object, &q));
    q.expires_at_ms = q.created_at_ms + (patience > 0 ? patience : 1);
    err = tape_add_request(r->tape, at_ms, &q, run_ms);
    if (err == ERR_RANGE)
        return refuse(r, "this is no request: an id, tasks, cores, memory, "
                         "disk and a time belong to it");
    TRY(err);
    return remember(r, &id);
}

static enum err read_ran(struct reader *r, const json_t *line)
{
    struct hash id;
    uint64_t ms = 0;
    TRY(get_id(r, json_object_get(line, "ran"), &id));
    TRY(get_uint(r, line, "ms", UINT64_C(31622400000), &ms));
    for (uint32_t i = r->id_count; i > 0; i--) {
        if (!hash_equal(&r->ids[i - 1], &id))
            continue;
        tape_ran(r->tape, i - 1, ms);
        return OK;
    }
    return OK; /* a request from before the recording */
}

static enum err read_gone(struct reader *r, uint64_t at_ms, const json_t *line)
{
    struct pubkey provider = {{0}};
    enum err err;
    TRY(get_address(r, line, "gone", &provider));
    err = tape_add_gone(r->tape, at_ms, &provider);
    return err == ERR_RANGE ? refuse(r, "gone: no offer of it was here before")
                            : err;
}

/* ---- lines ---- */

static enum err read_event(struct reader *r, const json_t *line)
{
    json_t *offer = json_object_get(line, "offer");
    json_t *request = json_object_get(line, "request");
    const struct tape *tape = r->tape;
    uint64_t at_ms = UINT64_MAX;
    TRY(get_uint(r, line, "t", UINT64_C(1) << 53, &at_ms));
    if (at_ms == UINT64_MAX)
        return refuse(r, "a line has a time \"t\" in ms");
    if (tape->event_count > 0 &&
        at_ms < tape->events[tape->event_count - 1].at_ms)
        return refuse(r, "t goes back");
    if (json_is_object(offer))
        return read_offer(r, at_ms, offer);
    if (json_is_object(request))
        return read_request(r, at_ms, request);
    if (json_object_get(line, "ran") != NULL)
        return read_ran(r, line);
    if (json_object_get(line, "gone") != NULL)
        return read_gone(r, at_ms, line);
    return refuse(r, "a line has an offer, a request, ran or gone");
}

static enum err read_head(struct reader *r, const json_t *line)
{
    const json_t *version = json_object_get(line, "suan_market");
    if (!json_is_integer(version))
        return refuse(r, "this is no recorded market: its first line is "
                         "{\"suan_market\": 1}");
    if (json_integer_value(version) != TAPEFILE_VERSION)
        return refuse(r, "version %lld is not known here, %d is",
                      (long long)json_integer_value(version), TAPEFILE_VERSION);
    return OK;
}

static enum err read_line(struct reader *r, struct bytes text)
{
    json_error_t problem;
    enum err err;
    json_t *line;
    if (text.len > TAPEFILE_LINE_MAX)
        return refuse(r, "a line is longer than %u bytes", TAPEFILE_LINE_MAX);
    line = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES,
                      &problem);
    if (line == NULL)
        return refuse(r, "this is not JSON: %.120s", problem.text);
    if (!json_is_object(line))
        err = refuse(r, "a line is an object: {...}");
    else
        err = r->line == 1 ? read_head(r, line) : read_event(r, line);
    json_decref(line);
    return err;
}

enum err tapefile_parse(struct bytes text, const char *file_name,
                        struct tape *tape, char error[TAPEFILE_ERROR_MAX])
{
    struct reader r = {.tape = tape, .file_name = file_name, .error = error};
    size_t at = 0;
    enum err err = OK;
    if (text.len > TAPEFILE_BYTES_MAX) {
        snprintf(error, TAPEFILE_ERROR_MAX, "%.80s: larger than %u bytes",
                 file_name, TAPEFILE_BYTES_MAX);
        return ERR_TOO_LARGE;
    }
    while (err == OK && at < text.len) {
        const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len =
            end != NULL ? (size_t)(end - text.ptr) - at : text.len - at;
        r.line++;
        if (len > 0)
            err = read_line(&r, bytes_make(text.ptr + at, len));
        at += len + 1;
    }
    if (err == OK && r.line == 0) {
        r.line = 1;
        err = refuse(&r, "the file is empty");
    }
    if (err == ERR_TOO_LARGE)
        (void)refuse(&r,
                     "there are more than %u offers, %u requests or %u "
                     "providers",
                     TAPE_OFFERS_MAX, TAPE_REQUESTS_MAX, TAPE_PROVIDERS_MAX);
    free(r.ids);
    return err;
}

/* ---- what came of it ---- */

static json_t *mean(uint64_t sum, uint64_t count)
{
    return count == 0 ? json_null()
                      : json_integer((json_int_t)((sum + count / 2) / count));
}

/* The geometric mean, from logarithms. */
static json_t *mean_speed(const struct tape_result *result)
{
    uint64_t log2_q16;
    double value = 1;
    if (result->speed_known == 0)
        return json_null();
    log2_q16 = result->speed_sum / result->speed_known;
    for (uint64_t i = 0; i < log2_q16 >> 16; i++)
        value *= 2;
    /* 2^f by the first terms of its series: good to 10^-7 for f below 1. */
    double x = (double)(log2_q16 & 0xffff) / 65536 * 0.69314718055994531;
    double term = 1;
    double power = 0;
    for (unsigned i = 1; i < 14; i++) {
        power += term;
        term *= x / i;
    }
    return json_integer((json_int_t)(value * power));
}

json_t *tapefile_result_json(const char *name, const struct tape_result *r)
{
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I, "
        "s:I}",
        "policy", name, "tasks", (json_int_t)r->tasks, "placed",
        (json_int_t)r->placed, "refused", (json_int_t)r->refused,
        "hour_mean_micro", mean(r->hour_sum, r->placed), "cost_micro",
        (json_int_t)r->bill_sum, "rtt_mean_us", mean(r->rtt_sum, r->rtt_known),
        "speed_mean", mean_speed(r), "wait_mean_ms",
        mean(r->wait_sum_ms, r->placed), "wait_max_ms",
        (json_int_t)r->wait_max_ms, "providers", (json_int_t)r->providers,
        "used", (json_int_t)r->used, "jain_permille", (json_int_t)tape_jain(r),
        "gangs_waiting", (json_int_t)r->gangs_waiting);
}
