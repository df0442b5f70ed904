#include "cli/file/availfile.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/share.h"

#define BACKUPS_DEFAULT 2u
#define NOT_SAID        (-1.0)

static enum err read_share(struct yamlfile *y, const char *what, double *out)
{
    const char *text = "";
    enum err err;
    TRY(yamlfile_text(y, &text));
    if (strcmp(text, "default") == 0) {
        *out = NOT_SAID;
        return OK;
    }
    err = share_parse(text, out);
    if (err == ERR_RANGE)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: \"%.40s\" is not above 0 and at most 1; "
                               "is %.40s%% meant?",
                               what, text, text);
    if (err != OK)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: \"%.40s\" is not an availability such as "
                               "99.9%% or 0.999",
                               what, text);
    return OK;
}

/* ---- submodules ---- */

static enum err add_part(struct yamlfile *y, struct availfile_module *m,
                         struct availfile_part **out)
{
    struct availfile_part *part;
    if (m->count == AVAIL_PARTS_MAX)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s has more than %u submodules", m->name,
                               AVAIL_PARTS_MAX);
    part = &m->parts[m->count];
    TRY(yamlfile_name(y, part->name));
    part->down = NOT_SAID;
    for (uint32_t j = 0; j < m->count; j++) {
        if (strcmp(m->parts[j].name, part->name) == 0)
            return yamlfile_refuse(y, yamlfile_line(y),
                                   "%s has the submodule %s a second time",
                                   m->name, part->name);
    }
    m->count++;
    *out = part;
    return OK;
}

static enum err read_parts(struct yamlfile *y, struct availfile_module *m)
{
    bool list = yamlfile_type(y) == YAML_SEQUENCE_START_EVENT;
    struct availfile_part *part = NULL;
    if (!list && yamlfile_type(y) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: a list of submodules belongs here, or "
                               "\"submodule: availability\"",
                               m->name);
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_SEQUENCE_END_EVENT &&
           yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(add_part(y, m, &part));
        TRY(yamlfile_next(y));
        if (list)
            continue;
        TRY(read_share(y, part->name, &part->down));
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- modules ---- */

enum module_field { BACKUPS, COST, AVAILABILITY, SUBMODULES, MODULE_FIELDS };

static enum err module_value(struct yamlfile *y, struct availfile_module *m,
                             enum module_field field)
{
    switch (field) {
    case BACKUPS:
        m->has_backups = true;
        return yamlfile_count(y, "backups", 0, AVAIL_INSTANCES_MAX - 1,
                              &m->backups);
    case COST:
        return yamlfile_count(y, "cost", 1, AVAIL_COST_MAX, &m->cost);
    case AVAILABILITY:
        return read_share(y, "availability", &m->down);
    case SUBMODULES:
        return read_parts(y, m);
    case MODULE_FIELDS:
        break;
    }
    CHECK(false);
    return OK;
}

static enum err read_fields(struct yamlfile *y, struct availfile_module *m)
{
    static const char *const names[] = {"backups", "cost", "availability",
                                        "submodules"};
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, MODULE_FIELDS, &seen, &field));
        TRY(yamlfile_next(y));
        TRY(module_value(y, m, (enum module_field)field));
        TRY(yamlfile_next(y));
    }
    return OK;
}

static enum err read_module(struct yamlfile *y, struct availfile *out)
{
    struct availfile_module *m;
    if (out->count == AVAIL_MODULES_MAX)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "there are more than %u modules",
                               AVAIL_MODULES_MAX);
    m = &out->modules[out->count];
    TRY(yamlfile_name(y, m->name));
    m->line = yamlfile_line(y);
    m->down = NOT_SAID;
    for (uint32_t i = 0; i < out->count; i++) {
        if (strcmp(out->modules[i].name, m->name) == 0)
            return yamlfile_refuse(
                y, m->line, "the module %s stands here a second time", m->name);
    }
    TRY(yamlfile_next(y));
    if (yamlfile_type(y) == YAML_MAPPING_START_EVENT)
        TRY(read_fields(y, m));
    else
        TRY(read_parts(y, m));
    if (m->count == 0)
        return yamlfile_refuse(y, m->line,
                               "the module %s has no submodules; a module that "
                               "is not divided is one: [%s]",
                               m->name, m->name);
    out->count++;
    return OK;
}

static enum err read_modules(struct yamlfile *y, struct availfile *out)
{
    if (yamlfile_type(y) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "modules: a mapping belongs here, \"trading: "
                               "[market, matching]\"");
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(read_module(y, out));
        TRY(yamlfile_next(y));
    }
    return OK;
}

/* ---- the file ---- */

enum file_field {
    FILE_AVAILABILITY,
    FILE_BACKUPS,
    FILE_DOMAINS,
    FILE_DOMAIN_AVAILABILITY,
    FILE_MODULES,
    FILE_FIELDS
};

static enum err file_value(struct yamlfile *y, struct availfile *out,
                           enum file_field field)
{
    switch (field) {
    case FILE_AVAILABILITY:
        return read_share(y, "availability", &out->down);
    case FILE_BACKUPS:
        out->has_backups = true;
        return yamlfile_count(y, "backups", 0, AVAIL_INSTANCES_MAX - 1,
                              &out->backups);
    case FILE_DOMAINS:
        return yamlfile_count(y, "domains", 1, 1000000, &out->domains);
    case FILE_DOMAIN_AVAILABILITY:
        TRY(read_share(y, "domain_availability", &out->domain_down));
        if (out->domain_down < 0) /* default */
            out->domain_down = 0;
        return OK;
    case FILE_MODULES:
        return read_modules(y, out);
    case FILE_FIELDS:
        break;
    }
    CHECK(false);
    return OK;
}

static enum err read_file(struct yamlfile *y, struct availfile *out)
{
    static const char *const names[] = {"availability", "backups", "domains",
                                        "domain_availability", "modules"};
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(yamlfile_open(y, "a system is a mapping: \"modules: ...\""));
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, FILE_FIELDS, &seen, &field));
        TRY(yamlfile_next(y));
        TRY(file_value(y, out, (enum file_field)field));
        TRY(yamlfile_next(y));
    }
    TRY(yamlfile_close(y));
    if (out->count == 0)
        return yamlfile_refuse(y, 1,
                               "the system has no modules: \"modules: "
                               "{trading: [market, matching]}\"");
    return OK;
}

enum err availfile_parse(struct bytes text, const char *file_name,
                         struct availfile *out, char *error)
{
    struct yamlfile y;
    enum err err;
    memset(out, 0, sizeof(*out));
    out->down = NOT_SAID;
    TRY(yamlfile_init(&y, text, file_name, error));
    err = read_file(&y, out);
    yamlfile_done(&y);
    return err;
}

/* ---- the system ---- */

bool availfile_has_costs(const struct availfile *file)
{
    for (uint32_t m = 0; m < file->count; m++) {
        if (file->modules[m].cost != 0)
            return true;
    }
    return false;
}

static const double *said(const double *part, const double *module,
                          const double *file)
{
    return *part >= 0 ? part : *module >= 0 ? module : file;
}

static enum err fill_downs(struct availfile *file, uint32_t m,
                           const char *file_name, char *error)
{
    const struct availfile_module *module = &file->modules[m];
    for (uint32_t j = 0; j < module->count; j++) {
        const struct availfile_part *part = &module->parts[j];
        file->downs[m][j] = *said(&part->down, &module->down, &file->down);
        if (file->downs[m][j] >= 0)
            continue;
        snprintf(error, YAMLFILE_ERROR_MAX,
                 "%.96s:%zu: %s of %s has no availability; \"availability: "
                 "99.9%%\" at the top of the file is for all",
                 file_name, module->line, part->name, module->name);
        return ERR_PARSE;
    }
    return OK;
}

/* Where domains fail, every service has one instance in each. */
static enum err check_domains(const struct availfile *file,
                              const char *file_name, char *error)
{
    for (uint32_t m = 0; file->domain_down > 0 && m < file->count; m++) {
        uint32_t n = file->made[m].instances;
        if (n <= AVAIL_DOMAINS_MAX && n == file->made[0].instances)
            continue;
        snprintf(error, YAMLFILE_ERROR_MAX,
                 "%.96s:%zu: %s has %u instances; where domains fail all "
                 "modules have as many, at most %u",
                 file_name, file->modules[m].line, file->modules[m].name, n,
                 AVAIL_DOMAINS_MAX);
        return ERR_PARSE;
    }
    return OK;
}

static enum err refuse_system(const struct availfile *file, enum err err,
                              uint32_t m, const char *file_name, char *error)
{
    if (err == ERR_CAPACITY)
        snprintf(error, YAMLFILE_ERROR_MAX,
                 "%.96s:%zu: %s wants %u instances in domains of their own, "
                 "and there are %u domains",
                 file_name, file->modules[m].line, file->modules[m].name,
                 file->made[m].instances, file->domains);
    else
        snprintf(error, YAMLFILE_ERROR_MAX,
                 "%.96s:1: fully split the instances cost more than %u; take a "
                 "larger unit of cost",
                 file_name, AVAIL_COST_MAX);
    return err == ERR_CAPACITY ? ERR_CAPACITY : ERR_PARSE;
}

enum err availfile_system(struct availfile *file, const char *file_name,
                          struct avail_system *out, char *error)
{
    bool costs = availfile_has_costs(file);
    uint32_t backups = file->has_backups ? file->backups : BACKUPS_DEFAULT;
    uint32_t at = 0;
    enum err err;
    CHECK(file->count >= 1 && file->count <= AVAIL_MODULES_MAX);
    for (uint32_t m = 0; m < file->count; m++) {
        const struct availfile_module *module = &file->modules[m];
        uint32_t n = (module->has_backups ? module->backups : backups) + 1;
        uint32_t one = module->cost == 0 ? 1 : module->cost;
        TRY(fill_downs(file, m, file_name, error));
        file->made[m] = (struct avail_module){.down = file->downs[m],
                                              .count = module->count,
                                              .instances = n,
                                              .cost = 1};
        if (costs && one > AVAIL_COST_MAX / n)
            return refuse_system(file, ERR_TOO_LARGE, m, file_name, error);
        if (costs)
            file->made[m].cost = one * n;
    }
    *out = (struct avail_system){
        .modules = file->made, .count = file->count, .domains = file->domains};
    err = avail_check(out, &at);
    if (err != OK)
        return refuse_system(file, err, at, file_name, error);
    return check_domains(file, file_name, error);
}
