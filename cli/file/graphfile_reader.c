#include "cli/file/graphfile_reader.h"

#include "cli/nearest.h"
#include "cli/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 64u

/* ---- small things ---- */

static enum err copy(struct gf_reader *r, const char *text, const char **out)
{
    char *kept = arena_strdup(&r->out->arena, bytes_str(text));
    if (kept == NULL)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "the texts of the file are too long together");
    *out = kept;
    return OK;
}

static enum err read_name(struct gf_reader *r, struct gf_name *out)
{
    const char *text = "";
    TRY(yamlfile_text(&r->yaml, &text));
    out->line = yamlfile_line(&r->yaml);
    return copy(r, text, &out->text);
}

/* Fields met in one mapping. */
struct seen {
    unsigned count;
    char names[SEEN_MAX][32];
};

static enum err remember(struct gf_reader *r, struct seen *seen,
                         const char *field)
{
    for (unsigned i = 0; i < seen->count; i++)
        if (strcmp(seen->names[i], field) == 0)
            return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                                   "%s stands here a second time", field);
    if (seen->count == SEEN_MAX)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "there are too many fields");
    snprintf(seen->names[seen->count++], sizeof(seen->names[0]), "%s", field);
    return OK;
}

/* ---- an order's fields, kept as they stand ---- */

static enum err add_setting(struct gf_reader *r, struct gf_settings *to,
                            const char *field, const char *value)
{
    struct gf_setting setting = {.line = yamlfile_line(&r->yaml)};
    if (to->count == GF_SETTINGS_MAX)
        return yamlfile_refuse(&r->yaml, setting.line,
                               "there are more than %u values",
                               GF_SETTINGS_MAX);
    TRY(copy(r, field, &setting.field));
    TRY(copy(r, value, &setting.value));
    if (to->count == to->room) {
        uint32_t room = to->room == 0 ? 16 : to->room * 2;
        struct gf_setting *list =
            arena_calloc(&r->out->arena, room, sizeof(*list));
        if (list == NULL)
            return ERR_NOMEM;
        if (to->count > 0)
            memcpy(list, to->list, to->count * sizeof(*list));
        to->list = list;
        to->room = room;
    }
    to->list[to->count++] = setting;
    return OK;
}

static enum err add_scalar(struct gf_reader *r, struct gf_settings *to,
                           const char *field)
{
    const char *text = "";
    TRY(yamlfile_text(&r->yaml, &text));
    return add_setting(r, to, field, text);
}

static enum err read_list(struct gf_reader *r, struct gf_settings *to,
                          const char *field)
{
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_SEQUENCE_END_EVENT) {
        TRY(add_scalar(r, to, field));
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

/* env: {NAME: VALUE} */
static enum err read_env(struct gf_reader *r, struct gf_settings *to)
{
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_MAPPING_END_EVENT) {
        char pair[SPEC_TEXT_MAX + 256];
        char name[YAMLFILE_NAME_MAX];
        const char *value = "";
        TRY(yamlfile_name(&r->yaml, name));
        TRY(yamlfile_next(&r->yaml));
        TRY(yamlfile_text(&r->yaml, &value));
        if (strchr(name, '=') != NULL || strlen(value) > SPEC_TEXT_MAX)
            return yamlfile_refuse(
                &r->yaml, yamlfile_line(&r->yaml),
                "env: \"%.60s\" is not a name of a variable, "
                "or its value is too long",
                name);
        snprintf(pair, sizeof(pair), "%s=%s", name, value);
        TRY(add_setting(r, to, "env", pair));
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

static enum err read_value(struct gf_reader *r, struct gf_settings *to,
                           const char *field, bool list)
{
    switch ((int)yamlfile_type(&r->yaml)) {
    case YAML_SCALAR_EVENT:
        if (strcmp(field, "command") == 0) { /* a text runs under the shell */
            TRY(add_setting(r, to, "command", "sh"));
            TRY(add_setting(r, to, "command", "-c"));
        }
        return add_scalar(r, to, field);
    case YAML_SEQUENCE_START_EVENT:
        if (list)
            return read_list(r, to, field);
        break;
    case YAML_MAPPING_START_EVENT:
        if (strcmp(field, "env") == 0)
            return read_env(r, to);
        break;
    default:
        break;
    }
    return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                           "%s: %s belongs here", field,
                           list ? "a value or a list of them" : "one value");
}

static enum err refuse_field(struct gf_reader *r, const char *field,
                             const char *const *more)
{
    struct nearest nearest;
    const char *near = order_field_near(field);
    nearest_init(&nearest, field);
    for (size_t i = 0; more[i] != NULL; i++)
        nearest_try(&nearest, more[i]);
    if (nearest.best != NULL)
        near = nearest.best;
    return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                           "there is no field \"%.60s\"%s%s%s", field,
                           near != NULL ? "; did you mean \"" : "",
                           near != NULL ? near : "", near != NULL ? "\"?" : "");
}

/* ---- quantities that only graphs have ---- */

static enum err read_delay(struct gf_reader *r, uint32_t *out)
{
    const char *text = "";
    uint64_t value = 0;
    size_t len;
    TRY(yamlfile_text(&r->yaml, &text));
    len = strlen(text);
    if (len > 2 && len < 20 && strcmp(text + len - 2, "us") == 0) {
        char digits[20];
        snprintf(digits, sizeof(digits), "%.*s", (int)len - 2, text);
        if (unit_parse_count(digits, 1, UINT32_MAX - 1, &value) == OK) {
            *out = (uint32_t)value;
            return OK;
        }
    } else if (unit_parse_ms(text, &value) == OK && value < UINT32_MAX / 1000) {
        *out = (uint32_t)value * 1000;
        return OK;
    }
    return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                           "delay: \"%.20s\" is not a delay, such as 250us, "
                           "20ms or 1s",
                           text);
}

static enum err read_bandwidth(struct gf_reader *r, uint64_t *out)
{
    static const struct {
        const char *unit;
        uint64_t kbps;
    } units[] = {{"kbit", 1}, {"Mbit", 1000}, {"Gbit", 1000000}};
    const char *text = "";
    TRY(yamlfile_text(&r->yaml, &text));
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        char digits[20];
        uint64_t value = 0;
        size_t len = strcspn(text, "kMG");
        if (strcmp(text + len, units[i].unit) != 0 || len >= sizeof(digits))
            continue;
        snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
        if (unit_parse_count(digits, 1, 1000000, &value) == OK) {
            *out = value * units[i].kbps;
            return OK;
        }
    }
    return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                           "bandwidth: \"%.20s\" is not one, such as 500kbit, "
                           "20Mbit or 1Gbit",
                           text);
}

/* -ln(p) in nano-nats, rounded down: never better than was asked. */
static enum err read_reliability(struct gf_reader *r, uint32_t *out)
{
    const char *text = "";
    char *end = NULL;
    double p;
    TRY(yamlfile_text(&r->yaml, &text));
    p = strtod(text, &end);
    if (end != text && strcmp(end, "%") == 0)
        p /= 100;
    else if (end == text || *end != '\0')
        p = 0;
    if (p > 0.02 && p < 1) {
        *out = (uint32_t)(-log(p) * 1e9);
        if (*out > 0)
            return OK;
    }
    return yamlfile_refuse(
        &r->yaml, yamlfile_line(&r->yaml),
        "reliability: \"%.20s\" is not a share of time, such "
        "as 99.9%% or 0.999",
        text);
}

static enum err read_bytes(struct gf_reader *r, uint64_t *out)
{
    const char *text = "";
    uint64_t mib = 0;
    TRY(yamlfile_text(&r->yaml, &text));
    if (unit_parse_mib(text, &mib) != OK || mib == 0 || mib > (1u << 24))
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "bytes: \"%.20s\" is not a size, such as 64M",
                               text);
    *out = mib << 20;
    return OK;
}

/* ---- links and groups ---- */

/* In the order of read_link's names. */
static enum err read_link_value(struct gf_reader *r, uint32_t field,
                                struct gf_link *out)
{
    switch (field) {
    case 0:
        return read_name(r, &out->from);
    case 1:
        return read_name(r, &out->to);
    case 2:
        return read_delay(r, &out->delay_us_max);
    case 3:
        return read_bandwidth(r, &out->kbps);
    case 4:
        return read_reliability(r, &out->risk_nn_max);
    default:
        return read_bytes(r, &out->bytes);
    }
}

static enum err read_link(struct gf_reader *r, struct gf_link *out)
{
    static const char *const names[] = {"from",      "to",          "delay",
                                        "bandwidth", "reliability", "bytes"};
    size_t line = yamlfile_line(&r->yaml);
    uint32_t seen = 0;
    uint32_t field = 0;
    if (yamlfile_type(&r->yaml) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(&r->yaml, line,
                               "a link is a mapping: {from: a, to: b, delay: "
                               "20ms}");
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(&r->yaml, names, 6, &seen, &field));
        TRY(yamlfile_next(&r->yaml));
        TRY(read_link_value(r, field, out));
        TRY(yamlfile_next(&r->yaml));
    }
    if ((seen & 3u) != 3u)
        return yamlfile_refuse(&r->yaml, line, "a link has a from and a to");
    if (out->bytes > 0 && out->kbps == 0)
        return yamlfile_refuse(&r->yaml, line,
                               "bytes take a bandwidth to be sent with");
    return OK;
}

static enum err read_links(struct gf_reader *r)
{
    if (yamlfile_type(&r->yaml) != YAML_SEQUENCE_START_EVENT)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "links: a list belongs here");
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_SEQUENCE_END_EVENT) {
        if (r->link_count == GRAPH_LINKS_MAX)
            return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                                   "there are more than %u links",
                                   GRAPH_LINKS_MAX);
        TRY(read_link(r, &r->links[r->link_count++]));
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

static enum err read_group(struct gf_reader *r, struct gf_groups *to,
                           uint8_t group)
{
    if (yamlfile_type(&r->yaml) != YAML_SEQUENCE_START_EVENT)
        return yamlfile_refuse(
            &r->yaml, yamlfile_line(&r->yaml),
            "a group is a list of components, and groups are "
            "a list of those: [[a, b], [c, d]]");
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_SEQUENCE_END_EVENT) {
        if (to->count == 2 * GRAPH_PARTS_MAX)
            return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                                   "there are too many names in groups");
        to->list[to->count].group = group;
        TRY(read_name(r, &to->list[to->count].name));
        to->count++;
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

static enum err read_groups(struct gf_reader *r, struct gf_groups *to)
{
    uint8_t group = 0;
    if (yamlfile_type(&r->yaml) != YAML_SEQUENCE_START_EVENT)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "groups are a list: [[a, b], [c, d]]");
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_SEQUENCE_END_EVENT) {
        if (group == UINT8_MAX)
            return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                                   "there are too many groups");
        TRY(read_group(r, to, ++group));
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

/* ---- components ---- */

static enum err check_dest(struct gf_reader *r, const char *dest)
{
    if (order_path_is_inner(dest) && strlen(dest) <= SPEC_DEST_MAX)
        return OK;
    return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                           "from: \"%.60s\" must be a relative path below "
                           "/job/in",
                           dest);
}

/* One name; with `data` its results come to a directory of its name. */
static enum err add_from(struct gf_reader *r, struct gf_part *part, bool data)
{
    struct gf_from *from = &part->from[part->from_count];
    if (part->from_count == 2 * SPEC_USES_MAX)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "there are too many components to wait for");
    TRY(read_name(r, &from->name));
    if (data) {
        from->dest = from->name.text;
        TRY(check_dest(r, from->dest));
    }
    part->from_count++;
    return OK;
}

static enum err read_from_map(struct gf_reader *r, struct gf_part *part)
{
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_MAPPING_END_EVENT) {
        struct gf_from *from = &part->from[part->from_count];
        const char *dest = "";
        TRY(add_from(r, part, false));
        TRY(yamlfile_next(&r->yaml));
        TRY(yamlfile_text(&r->yaml, &dest));
        TRY(check_dest(r, dest));
        TRY(copy(r, dest, &from->dest));
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

/* A name, a list of names, or, of `from`, a mapping of names to places. */
static enum err read_from(struct gf_reader *r, struct gf_part *part, bool data)
{
    yaml_event_type_t type = yamlfile_type(&r->yaml);
    if (type == YAML_SCALAR_EVENT)
        return add_from(r, part, data);
    if (type == YAML_MAPPING_START_EVENT && data)
        return read_from_map(r, part);
    if (type != YAML_SEQUENCE_START_EVENT)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "%s: names of components belong here",
                               data ? "from" : "needs");
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_SEQUENCE_END_EVENT) {
        TRY(add_from(r, part, data));
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

static bool is_for_all(const char *field)
{
    return strcmp(field, "expires") == 0 || strcmp(field, "max_price") == 0 ||
           strcmp(field, "name") == 0;
}

static enum err read_part_field(struct gf_reader *r, struct gf_part *part,
                                struct seen *seen)
{
    static const char *const more[] = {"from", "needs", "residency", NULL};
    char field[YAMLFILE_NAME_MAX];
    bool list = false;
    TRY(yamlfile_name(&r->yaml, field));
    if (strlen(field) > 30 || is_for_all(field) ||
        strcmp(field, "patience") == 0 || /* all need their places at once */
        (!order_field(field, &list) && strcmp(field, "from") != 0 &&
         strcmp(field, "needs") != 0 && strcmp(field, "residency") != 0))
        return refuse_field(r, field, more);
    TRY(remember(r, seen, field));
    TRY(yamlfile_next(&r->yaml));
    if (strcmp(field, "from") == 0)
        return read_from(r, part, true);
    if (strcmp(field, "needs") == 0)
        return read_from(r, part, false);
    if (strcmp(field, "residency") == 0)
        return read_value(r, &part->residency, "residency", true);
    return read_value(r, &part->own, field, list);
}

static enum err read_part(struct gf_reader *r, uint32_t index)
{
    struct seen seen = {.count = 0};
    if (yamlfile_type(&r->yaml) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "a component is a mapping: {command: ...}");
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_MAPPING_END_EVENT) {
        TRY(read_part_field(r, &r->parts[index], &seen));
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

static enum err read_part_name(struct gf_reader *r, uint32_t index)
{
    struct graph *graph = &r->out->graph;
    char name[YAMLFILE_NAME_MAX];
    TRY(yamlfile_name(&r->yaml, name));
    if (!graph_name_ok(name))
        return yamlfile_refuse(
            &r->yaml, yamlfile_line(&r->yaml),
            "\"%.60s\" is not a name of a component: letters, "
            "digits, - _ . and a letter or digit first",
            name);
    if (graph_part_of(graph, name) != graph->part_count)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "%s stands here a second time", name);
    memcpy(graph->parts[index].name, name, LIMIT_NAME);
    r->out->parts[index].line = yamlfile_line(&r->yaml);
    graph->part_count++;
    return OK;
}

static enum err read_parts(struct gf_reader *r)
{
    if (yamlfile_type(&r->yaml) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                               "components: a mapping of names belongs here");
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_MAPPING_END_EVENT) {
        uint32_t index = r->out->graph.part_count;
        if (index == GRAPH_PARTS_MAX)
            return yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml),
                                   "there are more than %u components",
                                   GRAPH_PARTS_MAX);
        TRY(read_part_name(r, index));
        TRY(yamlfile_next(&r->yaml));
        TRY(read_part(r, index));
        TRY(yamlfile_next(&r->yaml));
    }
    return OK;
}

/* ---- the top ---- */

static enum err read_deadline(struct gf_reader *r)
{
    const char *text = "";
    TRY(yamlfile_text(&r->yaml, &text));
    r->deadline_line = yamlfile_line(&r->yaml);
    r->out->has_deadline = true;
    if (unit_parse_ms(text, &r->out->deadline_ms) == OK &&
        r->out->deadline_ms <= UINT64_C(366) * 24 * 3600 * 1000)
        return OK;
    return yamlfile_refuse(&r->yaml, r->deadline_line,
                           "deadline: \"%.20s\" is not a span of time, such as "
                           "90m or 2h",
                           text);
}

/* name, expires and max_price are of the whole: an order reads them. */
static enum err read_for_all(struct gf_reader *r, const char *field)
{
    struct order order;
    char why[ORDER_ERROR_MAX];
    const char *text = "";
    bool good;
    TRY(yamlfile_text(&r->yaml, &text));
    order_init(&order);
    good = order_set(&order, field, text, NULL, why);
    if (good) {
        if (strcmp(field, "name") == 0)
            snprintf(r->out->graph.name, LIMIT_NAME, "%s", order.name);
        else if (strcmp(field, "expires") == 0)
            r->out->expires_ms = order.expires_ms;
        r->out->has_price_max |= order.has_price_max;
        if (order.has_price_max)
            r->out->price_max = order.price_max;
    }
    order_done(&order);
    return good ? OK
                : yamlfile_refuse(&r->yaml, yamlfile_line(&r->yaml), "%s: %s",
                                  field, why);
}

static enum err read_top_field(struct gf_reader *r, struct seen *seen)
{
    static const char *const more[] = {"components", "links",    "together",
                                       "apart",      "deadline", NULL};
    char field[YAMLFILE_NAME_MAX];
    bool list = false;
    uint32_t i = 0;
    TRY(yamlfile_name(&r->yaml, field));
    while (more[i] != NULL && strcmp(more[i], field) != 0)
        i++;
    if (strlen(field) > 30 || (more[i] == NULL && !order_field(field, &list)))
        return refuse_field(r, field, more);
    TRY(remember(r, seen, field));
    TRY(yamlfile_next(&r->yaml));
    switch (i) {
    case 0:
        return read_parts(r);
    case 1:
        return read_links(r);
    case 2:
        return read_groups(r, &r->together);
    case 3:
        return read_groups(r, &r->apart);
    case 4:
        return read_deadline(r);
    default:
        return is_for_all(field) ? read_for_all(r, field)
                                 : read_value(r, &r->top, field, list);
    }
}

enum err gf_read(struct gf_reader *r)
{
    struct seen seen = {.count = 0};
    TRY(yamlfile_open(&r->yaml, "a graph is a mapping: \"components: ...\""));
    TRY(yamlfile_next(&r->yaml));
    while (yamlfile_type(&r->yaml) != YAML_MAPPING_END_EVENT) {
        TRY(read_top_field(r, &seen));
        TRY(yamlfile_next(&r->yaml));
    }
    return yamlfile_close(&r->yaml);
}
