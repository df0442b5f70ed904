#include "cli/file/graphfile.h"

#include "base/check.h"
#include "cli/file/graphfile_reader.h"
#include "cli/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX (4u * 1024 * 1024)

bool graphfile_is(struct bytes text)
{
    struct yamlfile yaml;
    char error[YAMLFILE_ERROR_MAX];
    unsigned depth = 0;
    bool key = true;
    bool found = false;
    if (yamlfile_init(&yaml, text, "", error) != OK)
        return false;
    if (yamlfile_open(&yaml, "") != OK) {
        yamlfile_done(&yaml);
        return false;
    }
    while (!found && yamlfile_next(&yaml) == OK) {
        yaml_event_type_t type = yamlfile_type(&yaml);
        const char *word = "";
        if (type == YAML_MAPPING_END_EVENT && depth == 0)
            break;
        if (depth == 0 && key && yamlfile_text(&yaml, &word) == OK)
            found = strcmp(word, "components") == 0;
        if (type == YAML_MAPPING_START_EVENT ||
            type == YAML_SEQUENCE_START_EVENT)
            depth++;
        else if (type == YAML_MAPPING_END_EVENT ||
                 type == YAML_SEQUENCE_END_EVENT)
            depth--;
        if (depth == 0)
            key = !key;
    }
    yamlfile_done(&yaml);
    return found;
}

/* ---- orders: what stands at the top, then what the component says ---- */

static bool is_list(const char *field)
{
    bool list = false;
    return order_field(field, &list) && list;
}

/* Does a component's own word take the place of this one of the top's? */
static bool is_replaced(const struct gf_settings *own, const char *field)
{
    if (is_list(field) && strcmp(field, "command") != 0)
        return false;
    for (uint32_t i = 0; i < own->count; i++)
        if (strcmp(own->list[i].field, field) == 0)
            return true;
    return false;
}

static enum err apply(struct gf_reader *r, const struct gf_settings *settings,
                      const struct gf_settings *but, struct order *order)
{
    char why[ORDER_ERROR_MAX];
    for (uint32_t i = 0; i < settings->count; i++) {
        const struct gf_setting *s = &settings->list[i];
        if (but != NULL && is_replaced(but, s->field))
            continue;
        if (!order_set(order, s->field, s->value, r->base_dir, why))
            return yamlfile_refuse(&r->yaml, s->line, "%s: %s", s->field, why);
    }
    return OK;
}

static enum err make_order(struct gf_reader *r, uint32_t part)
{
    struct graphfile_part *p = &r->out->parts[part];
    const char *name = r->out->graph.parts[part].name;
    char why[ORDER_ERROR_MAX];
    TRY(apply(r, &r->top, &r->parts[part].own, &p->order));
    TRY(apply(r, &r->parts[part].own, NULL, &p->order));
    if (!order_set(&p->order, "name", name, NULL, why) ||
        !order_check(&p->order, why))
        return yamlfile_refuse(&r->yaml, p->line, "%s: %s", name, why);
    r->out->graph.parts[part].tasks = p->order.tasks;
    if (p->order.tasks > GRAPH_SEATS_MAX)
        return yamlfile_refuse(&r->yaml, p->line,
                               "%s: a graph has at most %u tasks in all", name,
                               GRAPH_SEATS_MAX);
    return OK;
}

/* ---- what one hands to another ---- */

static enum err find_part(struct gf_reader *r, const struct gf_name *name,
                          uint8_t *out)
{
    uint32_t part = graph_part_of(&r->out->graph, name->text);
    if (part == r->out->graph.part_count)
        return yamlfile_refuse(&r->yaml, name->line,
                               "there is no component \"%.60s\"", name->text);
    *out = (uint8_t)part;
    return OK;
}

static enum err add_link(struct gf_reader *r, size_t line, uint8_t from,
                         uint8_t to, struct graph_link **out)
{
    struct graph *graph = &r->out->graph;
    struct graph_link *link;
    for (uint32_t i = 0; i < graph->link_count; i++) {
        if (graph->links[i].from == from && graph->links[i].to == to) {
            *out = &graph->links[i];
            return OK;
        }
    }
    if (graph->link_count == GRAPH_LINKS_MAX)
        return yamlfile_refuse(&r->yaml, line, "there are more than %u links",
                               GRAPH_LINKS_MAX);
    link = &graph->links[graph->link_count++];
    *link = (struct graph_link){.from = from, .to = to};
    *out = link;
    return OK;
}

static bool dest_is_new(const struct graphfile_part *part, const char *dest)
{
    for (uint32_t i = 0; i < part->from_count; i++)
        if (part->from[i].dest != NULL && strcmp(part->from[i].dest, dest) == 0)
            return false;
    for (uint32_t i = 0; i < part->order.use_count; i++)
        if (strcmp(part->order.uses[i].dest, dest) == 0)
            return false;
    return true;
}

static enum err resolve_from(struct gf_reader *r, uint32_t part,
                             const struct gf_from *from)
{
    struct graphfile_part *p = &r->out->parts[part];
    struct graph_link *link = NULL;
    uint8_t source = 0;
    TRY(find_part(r, &from->name, &source));
    if (source == part)
        return yamlfile_refuse(&r->yaml, from->name.line,
                               "%s cannot wait for itself", from->name.text);
    TRY(add_link(r, from->name.line, source, (uint8_t)part, &link));
    CHECK(link != NULL);
    link->order = true;
    if (from->dest == NULL)
        return OK;
    if (!dest_is_new(p, from->dest))
        return yamlfile_refuse(&r->yaml, from->name.line,
                               "two results cannot both be at /job/in/%.60s",
                               from->dest);
    if (p->from_count == SPEC_USES_MAX)
        return yamlfile_refuse(&r->yaml, from->name.line,
                               "from: there are more than %u", SPEC_USES_MAX);
    p->from[p->from_count++] = (struct graphfile_from){source, from->dest};
    return OK;
}

static enum err resolve_link(struct gf_reader *r, const struct gf_link *from)
{
    struct graph_link *link = NULL;
    uint8_t a = GRAPH_BUYER;
    uint8_t b = 0;
    if (strcmp(from->from.text, "buyer") != 0 ||
        graph_part_of(&r->out->graph, "buyer") != r->out->graph.part_count)
        TRY(find_part(r, &from->from, &a));
    TRY(find_part(r, &from->to, &b));
    if (a == b)
        return yamlfile_refuse(&r->yaml, from->from.line,
                               "a link leads from one component to another");
    TRY(add_link(r, from->from.line, a, b, &link));
    CHECK(link != NULL);
    link->kbps = from->kbps;
    link->bytes = from->bytes;
    link->delay_us_max = from->delay_us_max;
    link->risk_nn_max = from->risk_nn_max;
    return OK;
}

static enum err resolve_groups(struct gf_reader *r, bool together)
{
    const struct gf_groups *groups = together ? &r->together : &r->apart;
    for (uint32_t i = 0; i < groups->count; i++) {
        uint8_t part = 0;
        uint8_t *group;
        TRY(find_part(r, &groups->list[i].name, &part));
        group = together ? &r->out->graph.parts[part].together
                         : &r->out->graph.parts[part].apart;
        if (*group != 0)
            return yamlfile_refuse(
                &r->yaml, groups->list[i].name.line, "%s is in two %s groups",
                groups->list[i].name.text, together ? "together" : "apart");
        *group = groups->list[i].group;
    }
    return OK;
}

/* Data may not leave where it has to stay: whoever reads it, and whoever reads
 * what those made of it, is bound by it. */
static enum err spread_residency(struct gf_reader *r)
{
    char why[ORDER_ERROR_MAX];
    const struct graph *graph = &r->out->graph;
    for (uint32_t i = 0; i < graph->part_count; i++) {
        const struct gf_settings *rules = &r->parts[i].residency;
        uint32_t bound = 1u << i;
        for (uint32_t round = 0; round < graph->part_count; round++)
            for (uint32_t k = 0; k < graph->part_count; k++)
                for (uint32_t f = 0; f < r->out->parts[k].from_count; f++)
                    if (bound >> r->out->parts[k].from[f].part & 1)
                        bound |= 1u << k;
        for (uint32_t k = 0; k < graph->part_count; k++)
            for (uint32_t n = 0; n < rules->count && (bound >> k & 1); n++)
                if (!order_set(&r->out->parts[k].order, "constraints",
                               rules->list[n].value, NULL, why))
                    return yamlfile_refuse(&r->yaml, rules->list[n].line,
                                           "residency: %s", why);
    }
    return OK;
}

/* ---- all of it ---- */

static enum err refuse_circle(struct gf_reader *r)
{
    const struct graph *graph = &r->out->graph;
    uint8_t circle[GRAPH_PARTS_MAX];
    uint32_t count = graph_circle(graph, circle);
    char text[300] = "";
    size_t len = 0;
    for (uint32_t i = 0; i <= count && len < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
                                i == 0 ? "" : " -> ",
                                graph->parts[circle[i % count]].name);
    return yamlfile_refuse(&r->yaml, r->out->parts[circle[0]].line,
                           "the components wait for each other: %s", text);
}

void graphfile_tails(const struct graphfile *file,
                     uint64_t out_ms[GRAPH_PARTS_MAX])
{
    const struct graph *graph = &file->graph;
    uint32_t level[GRAPH_PARTS_MAX];
    CHECK(graph_levels(graph, level));
    for (uint32_t at = GRAPH_PARTS_MAX; at-- > 0;) {
        for (uint32_t i = 0; i < graph->part_count; i++) {
            uint64_t most = 0;
            if (level[i] != at)
                continue;
            for (uint32_t k = 0; k < graph->link_count; k++)
                if (graph->links[k].from == i && graph->links[k].order &&
                    out_ms[graph->links[k].to] > most)
                    most = out_ms[graph->links[k].to];
            out_ms[i] = most + file->parts[i].order.time_ms;
        }
    }
}

static enum err check_deadline(struct gf_reader *r)
{
    const struct graphfile *file = r->out;
    uint64_t tails[GRAPH_PARTS_MAX];
    char all[UNIT_TEXT_MAX];
    graphfile_tails(file, tails);
    for (uint32_t i = 0; i < file->graph.part_count; i++) {
        if (!file->has_deadline || tails[i] < file->deadline_ms)
            continue;
        unit_format_span(tails[i], all);
        return yamlfile_refuse(&r->yaml, r->deadline_line,
                               "deadline: from the begin of %s on it may take "
                               "%s by the time limits",
                               file->graph.parts[i].name, all);
    }
    return OK;
}

/* Everything but the ids of requests, which stand for themselves here. */
static enum err check_form(struct gf_reader *r)
{
    struct graph *copy = calloc(1, sizeof(*copy));
    enum err err;
    if (copy == NULL)
        return ERR_NOMEM;
    *copy = r->out->graph;
    for (uint32_t i = 0; i < copy->part_count; i++)
        copy->parts[i].request.b[0] = 1;
    err = graph_form(copy);
    free(copy);
    if (err == OK)
        return OK;
    if (err == ERR_DEPTH)
        return refuse_circle(r);
    if (err == ERR_TOO_LARGE)
        return yamlfile_refuse(&r->yaml, 1,
                               "a graph has at most %u components, %u tasks "
                               "and %u ways from task to task",
                               GRAPH_PARTS_MAX, GRAPH_SEATS_MAX,
                               GRAPH_WAYS_MAX);
    return yamlfile_refuse(&r->yaml, 1,
                           "a component with several tasks cannot be in a "
                           "together and an apart group");
}

static enum err resolve(struct gf_reader *r)
{
    struct graph *graph = &r->out->graph;
    if (graph->part_count == 0)
        return yamlfile_refuse(&r->yaml, 1, "components: there is none");
    for (uint32_t i = 0; i < graph->part_count; i++)
        TRY(make_order(r, i));
    for (uint32_t i = 0; i < graph->part_count; i++)
        for (uint32_t k = 0; k < r->parts[i].from_count; k++)
            TRY(resolve_from(r, i, &r->parts[i].from[k]));
    for (uint32_t i = 0; i < r->link_count; i++)
        TRY(resolve_link(r, &r->links[i]));
    TRY(resolve_groups(r, true));
    TRY(resolve_groups(r, false));
    TRY(check_form(r));
    TRY(spread_residency(r));
    return check_deadline(r);
}

enum err graphfile_parse(struct bytes text, const char *file_name,
                         const char *base_dir, struct graphfile *out,
                         char error[YAMLFILE_ERROR_MAX])
{
    struct gf_reader *r = calloc(1, sizeof(*r));
    enum err err;
    memset(out, 0, sizeof(*out));
    arena_init(&out->arena, TEXTS_MAX);
    out->expires_ms = 86400000;
    out->parts = calloc(GRAPH_PARTS_MAX, sizeof(*out->parts));
    if (r == NULL || out->parts == NULL) {
        free(r);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < GRAPH_PARTS_MAX; i++)
        order_init(&out->parts[i].order);
    r->base_dir = base_dir;
    r->out = out;
    err = yamlfile_init(&r->yaml, text, file_name, error);
    if (err == OK) {
        err = gf_read(r);
        if (err == OK)
            err = resolve(r);
        yamlfile_done(&r->yaml);
    }
    free(r);
    return err;
}

void graphfile_done(struct graphfile *file)
{
    for (uint32_t i = 0; file->parts != NULL && i < GRAPH_PARTS_MAX; i++)
        order_done(&file->parts[i].order);
    free(file->parts);
    arena_done(&file->arena);
}
