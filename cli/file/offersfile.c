#include "cli/file/offersfile.h"

#include <string.h>

#include "base/amount.h"
#include "base/check.h"
#include "cli/unit.h"

#define PRICE_MAX amount_micro(OFFERSET_PRICE_MAX)

/* ---- values ---- */

static enum err read_thousandths(struct yamlfile *y, const char *field,
                                 const char *example, bool zero, uint32_t max,
                                 uint32_t *out)
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
                               "%s: \"%.40s\" is not a number such as %s, of "
                               "at most three decimals and at most %u",
                               field, text, example, max / 1000);
    *out = number;
    return OK;
}

static enum err read_price(struct yamlfile *y, const char *field, uint64_t *out)
{
    const char *text = "";
    struct amount price;
    TRY(yamlfile_text(y, &text));
    if (amount_parse(text, &price) != OK || amount_cmp(price, PRICE_MAX) > 0)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: \"%.40s\" is not an amount of credits such "
                               "as 0.04",
                               field, text);
    *out = price.micro; /* lint: micro (a solver's integer) */
    return OK;
}

static enum err read_memory(struct yamlfile *y, uint32_t *out)
{
    const char *text = "";
    uint64_t mib = 0;
    TRY(yamlfile_text(y, &text));
    if (unit_parse_mib(text, &mib) != OK || mib > UINT32_MAX)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "memory: \"%.40s\" is not a size such as 32G",
                               text);
    *out = (uint32_t)mib;
    return OK;
}

/* The number of a name, new or known. */
static enum err read_name(struct yamlfile *y, char (*names)[YAMLFILE_NAME_MAX],
                          uint32_t *count, uint32_t max, const char *what,
                          uint32_t *out)
{
    char name[YAMLFILE_NAME_MAX];
    uint32_t id = 0;
    TRY(yamlfile_name(y, name));
    while (id < *count && strcmp(names[id], name) != 0)
        id++;
    if (id == max)
        return yamlfile_refuse(y, yamlfile_line(y), "there are more than %u %s",
                               max, what);
    if (id == *count)
        memcpy(names[(*count)++], name, sizeof(name));
    *out = id;
    return OK;
}

static enum err read_site(struct yamlfile *y, struct offersfile *f,
                          uint32_t *out)
{
    return read_name(y, f->sites, &f->site_count, OFFERSFILE_SITES_MAX, "sites",
                     out);
}

static enum err read_zone(struct yamlfile *y, struct offersfile *f,
                          uint32_t *out)
{
    return read_name(y, f->zones, &f->zone_count, OFFERSET_ZONES_MAX, "zones",
                     out);
}

static enum err open_map(struct yamlfile *y, const char *what)
{
    if (yamlfile_type(y) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: a mapping belongs here, \"{name: value}\"",
                               what);
    return yamlfile_next(y);
}

/* ---- links ---- */

enum link_field { FROM, TO, RTT, BANDWIDTH, EGRESS, ONEWAY, LINK_FIELDS };

struct told_link {
    struct offerset_link link;
    uint32_t from, to;
    bool oneway;
};

static enum err read_oneway(struct yamlfile *y, bool *out)
{
    const char *text = "";
    TRY(yamlfile_text(y, &text));
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "oneway: \"%.40s\" is not true or false", text);
    *out = strcmp(text, "true") == 0;
    return OK;
}

/* ends: from, to and oneway may stand here too. */
/* NOLINTNEXTLINE(readability-function-size): a table of fields, in C */
static enum err read_link_fields(struct yamlfile *y, struct offersfile *f,
                                 bool ends, struct told_link *told)
{
    static const char *const names[] = {"from",      "to",     "rtt",
                                        "bandwidth", "egress", "oneway"};
    uint32_t skip = ends ? 0 : 2;
    uint32_t count = ends ? LINK_FIELDS : 3;
    size_t line = yamlfile_line(y);
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(open_map(y, "a link"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names + skip, count, &seen, &field));
        TRY(yamlfile_next(y));
        switch ((enum link_field)(field + skip)) {
        case FROM:
            TRY(read_site(y, f, &told->from));
            break;
        case TO:
            TRY(read_site(y, f, &told->to));
            break;
        case RTT:
            TRY(read_thousandths(y, "rtt", "9.5 (ms)", true, 60000000,
                                 &told->link.rtt_us));
            break;
        case BANDWIDTH:
            TRY(read_thousandths(y, "bandwidth", "1000 (Mbit/s)", false,
                                 UINT32_MAX, &told->link.kbps));
            break;
        case EGRESS:
            TRY(read_price(y, "egress", &told->link.egress_micro));
            break;
        case ONEWAY:
            TRY(read_oneway(y, &told->oneway));
            break;
        case LINK_FIELDS:
            CHECK(false);
        }
        TRY(yamlfile_next(y));
    }
    seen <<= skip;
    if ((seen >> RTT & 1) == 0 || (seen >> BANDWIDTH & 1) == 0)
        return yamlfile_refuse(y, line,
                               "a link has no %s: what is unknown cannot be "
                               "planned with",
                               (seen >> RTT & 1) == 0 ? "rtt" : "bandwidth");
    if (ends && ((seen >> FROM & 1) == 0 || (seen >> TO & 1) == 0))
        return yamlfile_refuse(y, line, "a link needs from and to");
    return OK;
}

static enum err add_link(struct yamlfile *y, struct offersfile *f, size_t line,
                         uint32_t from, uint32_t to,
                         const struct offerset_link *link)
{
    struct offerset_link *at = &f->links[from * OFFERSFILE_SITES_MAX + to];
    if (at->kbps != 0)
        return yamlfile_refuse(y, line,
                               "the link from %s to %s stands here a second "
                               "time",
                               f->sites[from], f->sites[to]);
    *at = *link;
    return OK;
}

static enum err read_sites(struct yamlfile *y, struct offersfile *f)
{
    TRY(open_map(y, "sites"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        struct told_link told = {0};
        uint32_t site = 0;
        size_t line = yamlfile_line(y);
        TRY(read_site(y, f, &site));
        TRY(yamlfile_next(y));
        TRY(read_link_fields(y, f, false, &told));
        TRY(add_link(y, f, line, site, site, &told.link));
        TRY(yamlfile_next(y));
    }
    return OK;
}

static enum err read_links(struct yamlfile *y, struct offersfile *f)
{
    if (yamlfile_type(y) != YAML_SEQUENCE_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "links: a list belongs here, \"- {from: ...}\"");
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_SEQUENCE_END_EVENT) {
        struct told_link told = {0};
        size_t line = yamlfile_line(y);
        TRY(read_link_fields(y, f, true, &told));
        TRY(add_link(y, f, line, told.from, told.to, &told.link));
        if (!told.oneway && told.from != told.to)
            TRY(add_link(y, f, line, told.to, told.from, &told.link));
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- offers ---- */

enum offer_field { SITE, SPEED, CORES, MEMORY, PRICE, ZONE, OFFER_FIELDS };

/* NOLINTNEXTLINE(readability-function-size): a table of fields, in C */
static enum err read_offer_fields(struct yamlfile *y, struct offersfile *f,
                                  struct offerset_offer *o, bool *out_zone)
{
    static const char *const names[] = {"site",   "speed", "cores",
                                        "memory", "price", "zone"};
    size_t line = yamlfile_line(y);
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(open_map(y, "an offer"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, OFFER_FIELDS, &seen, &field));
        TRY(yamlfile_next(y));
        switch ((enum offer_field)field) {
        case SITE:
            TRY(read_site(y, f, &o->site));
            break;
        case SPEED:
            TRY(read_thousandths(y, "speed", "1.2", false, OFFERSET_SPEED_MAX,
                                 &o->speed_permille));
            break;
        case CORES:
            TRY(yamlfile_count(y, "cores", 1, WORKFLOW_CORES_MAX, &o->cores));
            break;
        case MEMORY:
            TRY(read_memory(y, &o->memory_mib));
            break;
        case PRICE:
            TRY(read_price(y, "price", &o->price_micro));
            break;
        case ZONE:
            TRY(read_zone(y, f, &o->zone));
            break;
        case OFFER_FIELDS:
            CHECK(false);
        }
        TRY(yamlfile_next(y));
    }
    for (field = SITE; field <= PRICE; field++) {
        if ((seen >> field & 1) == 0)
            return yamlfile_refuse(y, line, "an offer has no %s", names[field]);
    }
    *out_zone = (seen >> ZONE & 1) != 0;
    return OK;
}

/* An offer without a zone is in one that is named as its site. */
static enum err zone_of_site(struct yamlfile *y, struct offersfile *f,
                             size_t line, uint32_t site, uint32_t *out)
{
    uint32_t id = 0;
    while (id < f->zone_count && strcmp(f->zones[id], f->sites[site]) != 0)
        id++;
    if (id == OFFERSET_ZONES_MAX)
        return yamlfile_refuse(y, line, "there are more than %u zones", id);
    if (id == f->zone_count)
        memcpy(f->zones[f->zone_count++], f->sites[site], YAMLFILE_NAME_MAX);
    *out = id;
    return OK;
}

static enum err read_offers(struct yamlfile *y, struct offersfile *f)
{
    TRY(open_map(y, "offers"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        size_t line = yamlfile_line(y);
        uint32_t count = f->offer_count;
        struct offerset_offer *o;
        bool has_zone = false;
        uint32_t id = 0;
        TRY(read_name(y, f->names, &f->offer_count, OFFERSFILE_OFFERS_MAX,
                      "offers", &id));
        if (id < count)
            return yamlfile_refuse(y, line,
                                   "the offer %s stands here a second time",
                                   f->names[id]);
        o = &f->offers[id];
        TRY(yamlfile_next(y));
        TRY(read_offer_fields(y, f, o, &has_zone));
        if (!has_zone)
            TRY(zone_of_site(y, f, line, o->site, &o->zone));
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- inputs ---- */

static enum err read_zones(struct yamlfile *y, struct offersfile *f,
                           uint64_t *out)
{
    uint32_t zone = 0;
    *out = 0;
    if (yamlfile_type(y) != YAML_SEQUENCE_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "zones: a list belongs here, \"[home]\"");
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_SEQUENCE_END_EVENT) {
        TRY(read_zone(y, f, &zone));
        *out |= UINT64_C(1) << zone;
        TRY(yamlfile_next(y));
    }
    if (*out == 0)
        return yamlfile_refuse(
            y, yamlfile_line(y),
            "zones: none is left, the data could be nowhere");
    return OK;
}

static enum err read_input(struct yamlfile *y, struct offersfile *f)
{
    static const char *const names[] = {"site", "zones"};
    struct offersfile_input *input;
    const char *name = "";
    uint32_t seen = 0;
    uint32_t field = 0;
    if (f->input_count == OFFERSFILE_INPUTS_MAX)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "there are more than %u inputs",
                               OFFERSFILE_INPUTS_MAX);
    input = &f->inputs[f->input_count];
    TRY(yamlfile_text(y, &name));
    if (strlen(name) >= sizeof(input->name))
        return yamlfile_refuse(y, yamlfile_line(y),
                               "the name of an input is longer than %zu bytes",
                               sizeof(input->name) - 1);
    memcpy(input->name, name, strlen(name) + 1);
    input->line = (uint32_t)yamlfile_line(y);
    input->site = WORKFLOW_NONE;
    input->zones = WORKFLOW_ZONES_ALL;
    for (uint32_t i = 0; i < f->input_count; i++) {
        if (strcmp(f->inputs[i].name, input->name) == 0)
            return yamlfile_refuse(y, yamlfile_line(y),
                                   "the input %.80s stands here a second time",
                                   input->name);
    }
    TRY(yamlfile_next(y));
    TRY(open_map(y, "an input"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, 2, &seen, &field));
        TRY(yamlfile_next(y));
        TRY(field == 0 ? read_site(y, f, &input->site)
                       : read_zones(y, f, &input->zones));
        TRY(yamlfile_next(y));
    }
    f->input_count++;
    return OK;
}

static enum err read_inputs(struct yamlfile *y, struct offersfile *f)
{
    TRY(open_map(y, "inputs"));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(read_input(y, f));
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- the whole ---- */

static enum err read_file(struct yamlfile *y, struct offersfile *f)
{
    static const char *const names[] = {"offers", "sites", "links", "inputs"};
    static enum err (*const readers[])(
        struct yamlfile *, struct offersfile *) = {read_offers, read_sites,
                                                   read_links, read_inputs};
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(yamlfile_open(y, "offers are a mapping: \"offers: ...\""));
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, 4, &seen, &field));
        TRY(yamlfile_next(y));
        TRY(readers[field](y, f));
        TRY(yamlfile_next(y));
    }
    TRY(yamlfile_close(y));
    if (f->offer_count == 0)
        return yamlfile_refuse(y, 1,
                               "there are no offers: \"offers: {alder: "
                               "{site: ...}}\"");
    return OK;
}

enum err offersfile_parse(struct bytes text, const char *file_name,
                          struct offersfile *out, char *error)
{
    struct yamlfile y;
    enum err err;
    memset(out, 0, sizeof(*out));
    TRY(yamlfile_init(&y, text, file_name, error));
    err = read_file(&y, out);
    yamlfile_done(&y);
    return err;
}

enum err offersfile_offers(const struct offersfile *f, struct offerset *out)
{
    struct offerset set;
    enum err err;
    TRY(offerset_init(&set, f->site_count));
    for (uint32_t a = 0; a < f->site_count; a++) {
        for (uint32_t b = 0; b < f->site_count; b++)
            CHECK(offerset_link(&set, a, b,
                                &f->links[a * OFFERSFILE_SITES_MAX + b]) == OK);
    }
    for (uint32_t o = 0; o < f->offer_count; o++) {
        err = offerset_add(&set, &f->offers[o]);
        CHECK(err == OK || err == ERR_NOMEM); /* the reader keeps the bounds */
        if (err != OK) {
            offerset_done(&set);
            return err;
        }
    }
    *out = set;
    return OK;
}

/* The line of a file: its own, else "*". NULL: none. */
static const struct offersfile_input *input_of(const struct offersfile *f,
                                               const char *name, bool *used)
{
    const struct offersfile_input *found = NULL;
    for (uint32_t i = 0; i < f->input_count; i++) {
        if (strcmp(f->inputs[i].name, name) == 0) {
            used[i] = true;
            return &f->inputs[i];
        }
        if (strcmp(f->inputs[i].name, "*") == 0)
            found = &f->inputs[i];
    }
    return found;
}

uint32_t offersfile_pin(const struct offersfile *f, struct wfformat *wf,
                        uint32_t out_strange[OFFERSFILE_INPUTS_MAX])
{
    uint32_t count = 0;
    bool used[OFFERSFILE_INPUTS_MAX] = {false};
    for (uint32_t k = 0; k < wf->workflow.file_count; k++) {
        struct workflow_file *file = &wf->workflow.files[k];
        const struct offersfile_input *input;
        if (file->producer != WORKFLOW_NONE)
            continue;
        input = input_of(f, wf->file_names[k], used);
        if (input != NULL) {
            file->site = input->site;
            file->zones = input->zones;
        }
    }
    for (uint32_t i = 0; i < f->input_count; i++)
        if (!used[i] && strcmp(f->inputs[i].name, "*") != 0)
            out_strange[count++] = i;
    return count;
}

void offersfile_pin_told(struct cli *cli, const char *path,
                         const struct offersfile *f, struct wfformat *wf)
{
    uint32_t strange[OFFERSFILE_INPUTS_MAX];
    uint32_t count = offersfile_pin(f, wf, strange);
    for (uint32_t i = 0; i < count; i++)
        cli_warn(cli, "%s:%u: the workflow has no input \"%.80s\"", path,
                 f->inputs[strange[i]].line, f->inputs[strange[i]].name);
}
