#include "cli/file/servicefile.h"

#include <string.h>

#include "base/check.h"

#define LIFE_MS 1000u

enum field {
    RTT,
    SERVICE,
    LOAD,
    IN_FLIGHT,
    SLOTS,
    SCORE,
    SOURCE,
    FLOWS,
    FIELDS
};

static const char *const field_names[FIELDS] = {
    "rtt_us", "service_us", "load_permille", "in_flight",
    "slots",  "score",      "source",        "flows"};

static enum err read_metric(struct yamlfile *y, enum field field,
                            enum metric_type type, uint32_t least,
                            enum metric_source source, struct metrics *out)
{
    uint32_t value = 0;
    TRY(yamlfile_count(y, field_names[field], least, metric_row(type)->most,
                       &value));
    out->of[type] = (struct metric){value, source};
    return OK;
}

static enum err read_source(struct yamlfile *y, enum metric_source *out)
{
    const char *text = "";
    TRY(yamlfile_text(y, &text));
    if (metric_source_parse(text, out) != OK)
        return yamlfile_refuse(
            y, yamlfile_line(y),
            "source: \"%.40s\" is not one of nominal, estimation, directly "
            "measured, normalization, aggregation",
            text);
    return OK;
}

static enum err read_field(struct yamlfile *y, enum field field,
                           enum metric_source *source,
                           struct servicefile_instance *i)
{
    switch (field) {
    case RTT:
        i->has_rtt = true;
        return yamlfile_count(y, field_names[field], 0, SERVICE_RTT_US_MAX,
                              &i->rtt_us);
    case SERVICE:
        return read_metric(y, field, METRIC_SERVICE, 1, METRIC_MEASURED,
                           &i->metrics);
    case LOAD:
        return read_metric(y, field, METRIC_LOAD, 0, METRIC_MEASURED,
                           &i->metrics);
    case IN_FLIGHT:
        return read_metric(y, field, METRIC_QUEUE, 0, METRIC_MEASURED,
                           &i->metrics);
    case SLOTS:
        return read_metric(y, field, METRIC_SLOTS, 1, METRIC_MEASURED,
                           &i->metrics);
    case SCORE:
        return read_metric(y, field, METRIC_SCORE, 0, METRIC_NORMALIZATION,
                           &i->metrics);
    case SOURCE:
        return read_source(y, source);
    case FLOWS:
        return yamlfile_count(y, field_names[field], 0, SERVICEFILE_FLOWS_MAX,
                              &i->flows);
    case FIELDS:
        break;
    }
    CHECK(false);
}

static enum err read_instance(struct yamlfile *y,
                              struct servicefile_instance *i)
{
    enum metric_source source = METRIC_MEASURED;
    uint32_t seen = 0;
    uint32_t field = 0;
    if (yamlfile_type(y) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "an instance is a mapping: \"{rtt_us: 400, "
                               "service_us: 1000, in_flight: 3}\"");
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, field_names, FIELDS, &seen, &field));
        TRY(yamlfile_next(y));
        TRY(read_field(y, (enum field)field, &source, i));
        TRY(yamlfile_next(y));
    }
    if (metric_known(&i->metrics, METRIC_SERVICE))
        i->metrics.of[METRIC_SERVICE].source = source;
    return OK;
}

static enum err add_instance(struct yamlfile *y, struct servicefile *file)
{
    struct servicefile_instance *i;
    if (file->count == SERVICE_INSTANCES_MAX)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "there are more than %u instances",
                               SERVICE_INSTANCES_MAX);
    i = &file->instances[file->count];
    TRY(yamlfile_name(y, i->name));
    for (uint32_t k = 0; k < file->count; k++) {
        if (strcmp(file->instances[k].name, i->name) == 0)
            return yamlfile_refuse(y, yamlfile_line(y),
                                   "the instance %s stands here a second time",
                                   i->name);
    }
    TRY(yamlfile_next(y));
    TRY(read_instance(y, i));
    file->count++;
    return OK;
}

static enum err read_instances(struct yamlfile *y, struct servicefile *file)
{
    if (yamlfile_type(y) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "instances: a mapping belongs here, \"alder: "
                               "{rtt_us: 400, service_us: 1000}\"");
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(add_instance(y, file));
        TRY(yamlfile_next(y));
    }
    return OK;
}

static enum err read_file(struct yamlfile *y, struct servicefile *file)
{
    static const char *const names[] = {"peers", "delay_us", "instances"};
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(yamlfile_open(y, "a service is a mapping: \"instances: ...\""));
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, 3, &seen, &field));
        TRY(yamlfile_next(y));
        if (field == 0)
            TRY(yamlfile_count(y, "peers", 1, SELECT_PEERS_MAX, &file->peers));
        else if (field == 1)
            TRY(yamlfile_count(y, "delay_us", 1, UINT32_MAX, &file->delay_us));
        else
            TRY(read_instances(y, file));
        TRY(yamlfile_next(y));
    }
    TRY(yamlfile_close(y));
    if (file->count == 0)
        return yamlfile_refuse(y, 1,
                               "there are no instances: \"instances: {alder: "
                               "{rtt_us: 400, service_us: 1000}}\"");
    return OK;
}

enum err servicefile_parse(struct bytes text, const char *file_name,
                           struct servicefile *out, char *error)
{
    struct yamlfile y;
    enum err err;
    memset(out, 0, sizeof(*out));
    out->peers = 1;
    TRY(yamlfile_init(&y, text, file_name, error));
    err = read_file(&y, out);
    yamlfile_done(&y);
    return err;
}

enum err servicefile_tell(const struct servicefile *file,
                          struct service_table *out)
{
    struct service_limits limits = {1, SERVICE_INSTANCES_MAX,
                                    SERVICE_INSTANCES_MAX, 1};
    uint8_t key[SHORT_HASH_KEY_LEN] = {0};
    TRY(service_table_init(out, &limits, key));
    for (uint32_t n = 0; n < file->count; n++) {
        const struct servicefile_instance *i = &file->instances[n];
        struct service_update u = {
            .metrics = i->metrics, .seq = 1, .life_ms = LIFE_MS};
        u32le_put(u.instance.b, n);
        u32le_put(u.egress.b, n);
        CHECK(service_hear(out, &u, 0) == OK);
        if (i->has_rtt)
            CHECK(service_set_rtt(out, &u.egress, i->rtt_us, LIFE_MS, 0) == OK);
    }
    const struct service *s = service_find(out, &(struct service_id){{0}});
    for (uint32_t k = 0; k < s->count; k++) {
        const struct service_instance *x = service_at(out, s, k);
        uint32_t flows = file->instances[u32le_get(x->told.instance.b)].flows;
        while (flows-- > 0)
            service_begin(out, service_ref(out, x));
    }
    return OK;
}
