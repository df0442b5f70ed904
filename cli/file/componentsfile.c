#include "cli/file/componentsfile.h"

#include <string.h>

#include "base/check.h"
#include "cli/unit.h"

#define NOWHERE   UINT32_MAX
#define CORES_MAX 4000000u /* thousandths */

struct reader {
    struct yamlfile y;
    struct componentsfile *f;
    bool listed[COMPONENTSFILE_NAMES_MAX];    /* sites */
    bool zone_told[COMPONENTSFILE_NAMES_MAX]; /* of each site */
};

/* ---- values ---- */

static enum err open_map(struct yamlfile *y, const char *what)
{
    if (yamlfile_type(y) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: a mapping belongs here, \"{name: value}\"",
                               what);
    return yamlfile_next(y);
}

/* Cores, devices or Mbit/s; zero may stand where `zero`. */
static enum err read_milli(struct yamlfile *y, const char *field, bool zero,
                           uint32_t max, uint32_t *out)
{
    const char *text = "";
    uint32_t number = 0;
    TRY(yamlfile_text(y, &text));
    if (zero && strcmp(text, "0") == 0) {
        *out = 0;
        return OK;
    }
    if (unit_parse_milli(text, &number) != OK || number > max)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: \"%.40s\" is not a number such as 1.5, of "
                               "at most three decimals and at most %u",
                               field, text, max / 1000);
    *out = number;
    return OK;
}

static enum err read_mib(struct yamlfile *y, const char *field, uint32_t *out)
{
    const char *text = "";
    uint64_t mib = 0;
    TRY(yamlfile_text(y, &text));
    if (unit_parse_mib(text, &mib) != OK || mib > UINT32_MAX)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: \"%.40s\" is not a size such as 32G", field,
                               text);
    *out = (uint32_t)mib;
    return OK;
}

static enum err read_bool(struct yamlfile *y, const char *field, bool *out)
{
    const char *text = "";
    TRY(yamlfile_text(y, &text));
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: \"%.40s\" is not true or false", field,
                               text);
    *out = strcmp(text, "true") == 0;
    return OK;
}

/* The number of a name, new or known. */
static enum err read_name(struct yamlfile *y,
                          struct componentsfile_names *names, uint32_t max,
                          const char *what, uint32_t *out)
{
    componentsfile_name name;
    uint32_t id = 0;
    TRY(yamlfile_name(y, name));
    while (id < names->count && strcmp(names->text[id], name) != 0)
        id++;
    if (id == max)
        return yamlfile_refuse(y, yamlfile_line(y), "there are more than %u %s",
                               max, what);
    if (id == names->count)
        memcpy(names->text[names->count++], name, sizeof(name));
    *out = id;
    return OK;
}

static enum err read_site(struct reader *r, uint32_t *out)
{
    return read_name(&r->y, &r->f->sites, CUT_SITES_MAX, "sites", out);
}

static enum err read_zone(struct reader *r, uint32_t *out)
{
    return read_name(&r->y, &r->f->zones, COMPONENTSFILE_NAMES_MAX, "zones",
                     out);
}

static enum err read_zones(struct reader *r, uint64_t *out)
{
    struct yamlfile *y = &r->y;
    uint32_t zone = 0;
    *out = 0;
    if (yamlfile_type(y) != YAML_SEQUENCE_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "zones: a list belongs here, \"[home]\"");
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_SEQUENCE_END_EVENT) {
        TRY(read_zone(r, &zone));
        *out |= UINT64_C(1) << zone;
        TRY(yamlfile_next(y));
    }
    if (*out == 0)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "zones: none is left, it could be nowhere");
    return OK;
}

/* {a100: 2, fpga: 0.5}: into the stock, by model. */
static enum err read_accelerators(struct reader *r, uint32_t *of)
{
    struct yamlfile *y = &r->y;
    TRY(open_map(y, "accelerators"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        uint32_t model = 0;
        TRY(read_name(y, &r->f->models, ACCEL_MODELS_MAX,
                      "models of accelerators", &model));
        TRY(yamlfile_next(y));
        TRY(read_milli(y, "accelerators", true, CORES_MAX,
                       &of[RES_ACCEL + model]));
        TRY(yamlfile_next(y));
    }
    return OK;
}

enum stock_field { CORES, MEMORY, DISK, ACCELERATORS, STOCK_FIELDS };
#define STOCK_NAMES "cores", "memory", "disk", "accelerators"

static enum err read_stock_field(struct reader *r, uint32_t field, uint32_t *of)
{
    switch ((enum stock_field)field) {
    case CORES:
        return read_milli(&r->y, "cores", true, CORES_MAX, &of[RES_CPU]);
    case MEMORY:
        return read_mib(&r->y, "memory", &of[RES_MEM]);
    case DISK:
        return read_mib(&r->y, "disk", &of[RES_DISK]);
    case ACCELERATORS:
        return read_accelerators(r, of);
    case STOCK_FIELDS:
        break;
    }
    CHECK(false);
    return ERR_RANGE;
}

/* ---- sites ---- */

static enum err read_sites(struct reader *r)
{
    static const char *const names[] = {"zone"};
    struct yamlfile *y = &r->y;
    TRY(open_map(y, "sites"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        uint32_t seen = 0;
        uint32_t field = 0;
        uint32_t site = 0;
        TRY(read_site(r, &site));
        if (r->listed[site])
            return yamlfile_refuse(y, yamlfile_line(y),
                                   "the site %s stands here a second time",
                                   r->f->sites.text[site]);
        r->listed[site] = true;
        TRY(yamlfile_next(y));
        TRY(open_map(y, "a site"));
        while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
            TRY(yamlfile_key(y, names, 1, &seen, &field));
            TRY(yamlfile_next(y));
            TRY(read_zone(r, &r->f->zone_of[site]));
            r->zone_told[site] = true;
            TRY(yamlfile_next(y));
        }
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- offers ---- */

static void widen(const uint32_t *of, uint64_t *room)
{
    for (uint32_t i = 0; i < RES_COUNT; i++)
        room[i] = of[i];
}

static enum err read_devices(struct reader *r, struct componentsfile_offer *o)
{
    static const char *const names[] = {STOCK_NAMES};
    uint32_t of[RES_COUNT] = {0};
    uint32_t seen = 0;
    uint32_t field = 0;
    size_t line = yamlfile_line(&r->y);
    TRY(open_map(&r->y, "devices"));
    while (yamlfile_type(&r->y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(&r->y, names, STOCK_FIELDS, &seen, &field));
        TRY(yamlfile_next(&r->y));
        TRY(read_stock_field(r, field, of));
        TRY(yamlfile_next(&r->y));
    }
    if (of[RES_CPU] == 0)
        return yamlfile_refuse(&r->y, line, "devices need cores");
    widen(of, o->offer.device);
    return OK;
}

static enum err read_offer_fields(struct reader *r,
                                  struct componentsfile_offer *o)
{
    enum { SITE = STOCK_FIELDS, COUNT, DEVICES, FIELDS };
    static const char *const names[] = {STOCK_NAMES, "site", "count",
                                        "devices"};
    struct yamlfile *y = &r->y;
    uint32_t of[RES_COUNT] = {0};
    uint32_t seen = 0;
    uint32_t field = 0;
    size_t line = yamlfile_line(y);
    o->count = 1;
    TRY(open_map(y, "an offer"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, FIELDS, &seen, &field));
        TRY(yamlfile_next(y));
        if (field == SITE)
            TRY(read_site(r, &o->offer.site));
        else if (field == COUNT)
            TRY(yamlfile_count(y, "count", 1, 1000000, &o->count));
        else if (field == DEVICES)
            TRY(read_devices(r, o));
        else
            TRY(read_stock_field(r, field, of));
        TRY(yamlfile_next(y));
    }
    if ((seen >> SITE & 1) == 0 || of[RES_CPU] == 0)
        return yamlfile_refuse(y, line, "an offer needs %s",
                               of[RES_CPU] == 0 ? "cores" : "a site");
    widen(of, o->offer.room);
    for (uint32_t i = 0; i < RES_COUNT; i++) {
        if (o->offer.device[i] > o->offer.room[i])
            return yamlfile_refuse(y, line,
                                   "a device of an offer has more than all of "
                                   "it");
    }
    return OK;
}

static enum err read_offers(struct reader *r)
{
    struct yamlfile *y = &r->y;
    struct componentsfile *f = r->f;
    TRY(open_map(y, "offers"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        struct componentsfile_offer *o = &f->offers[f->offer_count];
        size_t line = yamlfile_line(y);
        enum err err;
        if (f->offer_count == COMPONENTSFILE_OFFERS_MAX)
            return yamlfile_refuse(y, line, "there are more than %u offers",
                                   COMPONENTSFILE_OFFERS_MAX);
        TRY(yamlfile_name(y, o->name));
        for (uint32_t i = 0; i < f->offer_count; i++) {
            if (strcmp(f->offers[i].name, o->name) == 0)
                return yamlfile_refuse(
                    y, line, "the offer %s stands here a second time", o->name);
        }
        TRY(yamlfile_next(y));
        TRY(read_offer_fields(r, o));
        err = cut_places_add(&f->places, &o->offer, o->count);
        if (err != OK)
            return yamlfile_refuse(y, line,
                                   "there are more than %u kinds of offers",
                                   CUT_KINDS_MAX);
        f->offer_count++;
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- components ---- */

enum component_field { ZONES = STOCK_FIELDS, AT, TOGETHER, APART, DATA, ALL };

static enum err read_component_field(struct reader *r, uint32_t field,
                                     struct componentsfile_component *c)
{
    struct yamlfile *y = &r->y;
    if (field < STOCK_FIELDS)
        return read_stock_field(r, field, c->want.of);
    switch ((enum component_field)field) {
    case ZONES:
        return read_zones(r, &c->zones);
    case AT:
        return read_site(r, &c->at);
    case TOGETHER:
        TRY(read_name(y, &r->f->together, COMPONENTSFILE_NAMES_MAX, "groups",
                      &c->together));
        c->together++;
        return OK;
    case APART:
        TRY(read_name(y, &r->f->apart, CUT_APART_MAX, "groups of replicas",
                      &c->apart));
        c->apart++;
        return OK;
    case DATA:
        return read_bool(y, "data", &c->data);
    case ALL:
        break;
    }
    CHECK(false);
    return ERR_RANGE;
}

static bool wants_nothing(const struct stock *want)
{
    for (uint32_t i = 0; i < RES_COUNT; i++) {
        if (want->of[i] > 0)
            return false;
    }
    return true;
}

static enum err read_component(struct reader *r,
                               struct componentsfile_component *c)
{
    static const char *const names[] = {STOCK_NAMES, "zones", "at",
                                        "together",  "apart", "data"};
    struct yamlfile *y = &r->y;
    uint32_t seen = 0;
    uint32_t field = 0;
    size_t line = yamlfile_line(y);
    c->zones = UINT64_MAX;
    c->at = NOWHERE;
    TRY(open_map(y, "a component"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, ALL, &seen, &field));
        TRY(yamlfile_next(y));
        TRY(read_component_field(r, field, c));
        TRY(yamlfile_next(y));
    }
    if (c->data && !wants_nothing(&c->want))
        return yamlfile_refuse(y, line, "data wants no cores, memory or disk");
    return OK;
}

static enum err read_components(struct reader *r)
{
    struct yamlfile *y = &r->y;
    struct componentsfile *f = r->f;
    TRY(open_map(y, "components"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        struct componentsfile_component *c = &f->components[f->component_count];
        size_t line = yamlfile_line(y);
        if (f->component_count == COMPONENTSFILE_COMPONENTS_MAX)
            return yamlfile_refuse(y, line, "there are more than %u components",
                                   COMPONENTSFILE_COMPONENTS_MAX);
        TRY(yamlfile_name(y, c->name));
        for (uint32_t i = 0; i < f->component_count; i++) {
            if (strcmp(f->components[i].name, c->name) == 0)
                return yamlfile_refuse(
                    y, line, "the component %s stands here a second time",
                    c->name);
        }
        TRY(yamlfile_next(y));
        TRY(read_component(r, c));
        f->component_count++;
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- links ---- */

static enum err read_end(struct reader *r, uint32_t *out)
{
    const char *text = "";
    uint32_t i = 0;
    TRY(yamlfile_text(&r->y, &text));
    while (i < r->f->component_count &&
           strcmp(r->f->components[i].name, text) != 0)
        i++;
    if (i == r->f->component_count)
        return yamlfile_refuse(&r->y, yamlfile_line(&r->y),
                               "there is no component \"%.40s\" above", text);
    *out = i;
    return OK;
}

static enum err read_keep(struct yamlfile *y, uint32_t *out)
{
    const char *text = "";
    enum cut_level level;
    TRY(yamlfile_text(y, &text));
    if (cut_level_parse(text, &level) != OK)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "keep: \"%.40s\" is not site, offer or device",
                               text);
    *out = cut_level_bit(level);
    return OK;
}

enum link_field { FROM, TO, BANDWIDTH, FLOW, KEEP, LINK_FIELDS };

static enum err read_link_field(struct reader *r, enum link_field field,
                                struct cut_link *link)
{
    uint32_t kbps = 0;
    switch (field) {
    case FROM:
        return read_end(r, &link->from);
    case TO:
        return read_end(r, &link->to);
    case BANDWIDTH:
        TRY(read_milli(&r->y, "bandwidth", true, UINT32_MAX, &kbps));
        link->weight = kbps;
        return OK;
    case FLOW:
        return read_bool(&r->y, "flow", &link->flow);
    case KEEP:
        return read_keep(&r->y, &link->kept);
    case LINK_FIELDS:
        break;
    }
    CHECK(false);
    return ERR_RANGE;
}

static enum err read_link(struct reader *r, struct cut_link *link)
{
    static const char *const names[] = {"from", "to", "bandwidth", "flow",
                                        "keep"};
    struct yamlfile *y = &r->y;
    uint32_t seen = 0;
    uint32_t field = 0;
    size_t line = yamlfile_line(y);
    link->flow = true;
    TRY(open_map(y, "a link"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, LINK_FIELDS, &seen, &field));
        TRY(yamlfile_next(y));
        TRY(read_link_field(r, (enum link_field)field, link));
        TRY(yamlfile_next(y));
    }
    for (field = FROM; field <= BANDWIDTH; field++) {
        if ((seen >> field & 1) == 0)
            return yamlfile_refuse(y, line, "a link needs %s", names[field]);
    }
    if (link->from == link->to)
        return yamlfile_refuse(y, line, "a link leads from %s to itself",
                               r->f->components[link->from].name);
    return OK;
}

static enum err read_links(struct reader *r)
{
    struct yamlfile *y = &r->y;
    for (uint32_t c = 0; c < r->f->component_count; c++) {
        const struct componentsfile_component *from = &r->f->components[c];
        struct cut_component component = {.want = from->want,
                                          .sites = 1, /* filled later */
                                          .together = from->together,
                                          .apart = from->apart};
        uint32_t id = 0;
        TRY(cutgraph_add(&r->f->graph, &component, &id));
    }
    if (yamlfile_type(y) != YAML_SEQUENCE_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "links: a list belongs here, \"- {from: ...}\"");
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_SEQUENCE_END_EVENT) {
        struct cut_link link = {0};
        TRY(read_link(r, &link));
        TRY(cutgraph_join(&r->f->graph, &link));
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- where each may be ---- */

static enum err name_zones(struct reader *r)
{
    struct componentsfile *f = r->f;
    for (uint32_t s = 0; s < f->sites.count; s++) {
        uint32_t id = 0;
        if (r->zone_told[s])
            continue;
        while (id < f->zones.count &&
               strcmp(f->zones.text[id], f->sites.text[s]) != 0)
            id++;
        if (id == COMPONENTSFILE_NAMES_MAX)
            return yamlfile_refuse(&r->y, 1, "there are more than %u zones",
                                   id);
        if (id == f->zones.count)
            memcpy(f->zones.text[f->zones.count++], f->sites.text[s],
                   sizeof(componentsfile_name));
        f->zone_of[s] = id;
    }
    return OK;
}

/* Zones that the content of data may be in, passed on along the links. */
static void spread_content(struct componentsfile *f, uint64_t *content)
{
    bool changed = true;
    for (uint32_t c = 0; c < f->component_count; c++)
        content[c] =
            f->components[c].data ? f->components[c].zones : UINT64_MAX;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < f->graph.link_count; i++) {
            const struct cut_link *link = &f->graph.links[i];
            uint64_t both = content[link->from] & content[link->to];
            changed = changed || both != content[link->to];
            content[link->to] = both;
        }
    }
}

static enum err find_sites(struct reader *r)
{
    struct componentsfile *f = r->f;
    uint64_t content[COMPONENTSFILE_COMPONENTS_MAX];
    spread_content(f, content);
    for (uint32_t c = 0; c < f->component_count; c++) {
        const struct componentsfile_component *component = &f->components[c];
        uint64_t sites = 0;
        for (uint32_t s = 0; s < f->sites.count; s++) {
            uint64_t zone = UINT64_C(1) << f->zone_of[s];
            if ((component->zones & content[c] & zone) != 0 &&
                (component->at == NOWHERE || component->at == s))
                sites |= UINT64_C(1) << s;
        }
        if (sites == 0)
            return yamlfile_refuse(
                &r->y, 1, "the component %s may be at no site%s",
                component->name,
                component->zones == UINT64_MAX && component->at == NOWHERE
                    ? ": the data that reaches it may be in none of them"
                    : ": no site is in its zones, and in those of the data "
                      "that reaches it");
        f->graph.components[c].sites = sites;
    }
    return OK;
}

/* ---- the whole ---- */

static enum err read_file(struct reader *r)
{
    static const char *const names[] = {"sites", "offers", "components",
                                        "links"};
    static enum err (*const readers[])(struct reader *) = {
        read_sites, read_offers, read_components, read_links};
    struct yamlfile *y = &r->y;
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(yamlfile_open(y, "a graph is a mapping: \"components: ...\""));
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, 4, &seen, &field));
        if (field == 3 && (seen >> 2 & 1) == 0)
            return yamlfile_refuse(y, yamlfile_line(y),
                                   "links stand after the components");
        TRY(yamlfile_next(y));
        TRY(readers[field](r));
        TRY(yamlfile_next(y));
    }
    TRY(yamlfile_close(y));
    if (r->f->offer_count == 0 || r->f->component_count == 0)
        return yamlfile_refuse(y, 1, "there are no %s",
                               r->f->offer_count == 0
                                   ? "offers: \"offers: {alder: {site: ...}}\""
                                   : "components: \"components: {a: {cores: "
                                     "1}}\"");
    if ((seen >> 3 & 1) == 0)
        return yamlfile_refuse(y, 1,
                               "there are no links: \"links: []\" says "
                               "that there are none");
    TRY(name_zones(r));
    return find_sites(r);
}

enum err componentsfile_parse(struct bytes text, const char *file_name,
                              struct componentsfile *out, char *error)
{
    struct reader r;
    enum err err;
    memset(&r, 0, sizeof(r));
    memset(out, 0, sizeof(*out));
    r.f = out;
    cutgraph_init(&out->graph);
    cut_places_init(&out->places);
    TRY(yamlfile_init(&r.y, text, file_name, error));
    err = read_file(&r);
    yamlfile_done(&r.y);
    if (err != OK)
        componentsfile_done(out);
    return err;
}

void componentsfile_done(struct componentsfile *file)
{
    cutgraph_done(&file->graph);
}
