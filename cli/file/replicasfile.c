#include "cli/file/replicasfile.h"

#include <string.h>

#include "base/amount.h"
#include "base/check.h"
#include "cli/share.h"

/* All candidates together stay below what an amount holds. */
#define PRICE_MAX amount_micro(UINT64_MAX / REPLICAS_CANDIDATES_MAX)

enum field { AVAILABILITY, PRICE, DOMAIN, FIELDS };

static enum err read_down(struct yamlfile *y, double *out)
{
    const char *text = "";
    TRY(yamlfile_text(y, &text));
    if (share_parse(text, out) != OK)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "availability: \"%.40s\" is not an availability "
                               "such as 99.9%% or 0.999",
                               text);
    return OK;
}

static enum err read_price(struct yamlfile *y, struct amount *out)
{
    const char *text = "";
    TRY(yamlfile_text(y, &text));
    if (amount_parse(text, out) != OK || amount_cmp(*out, PRICE_MAX) > 0)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "price: \"%.40s\" is not an amount of credits "
                               "such as 0.12",
                               text);
    return OK;
}

static enum err read_domain(struct yamlfile *y, struct replicasfile *file,
                            uint32_t *out)
{
    char name[YAMLFILE_NAME_MAX];
    uint32_t id = 0;
    TRY(yamlfile_name(y, name));
    while (id < file->domains && strcmp(file->domain_names[id], name) != 0)
        id++;
    if (id == file->domains) {
        CHECK(file->domains < REPLICAS_CANDIDATES_MAX);
        memcpy(file->domain_names[file->domains++], name, sizeof(name));
    }
    *out = id + 1;
    return OK;
}

static enum err read_fields(struct yamlfile *y, struct replicasfile *file,
                            struct replicas_candidate *c)
{
    static const char *const names[] = {"availability", "price", "domain"};
    size_t line = yamlfile_line(y);
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, FIELDS, &seen, &field));
        TRY(yamlfile_next(y));
        switch ((enum field)field) {
        case AVAILABILITY:
            TRY(read_down(y, &c->down));
            break;
        case PRICE:
            TRY(read_price(y, &c->price));
            break;
        case DOMAIN:
            TRY(read_domain(y, file, &c->domain));
            break;
        case FIELDS:
            CHECK(false);
        }
        TRY(yamlfile_next(y));
    }
    if ((seen >> AVAILABILITY & 1) == 0)
        return yamlfile_refuse(y, line, "a candidate has no availability");
    file->has_prices = file->has_prices || (seen >> PRICE & 1) != 0;
    return OK;
}

static enum err read_candidate(struct yamlfile *y, struct replicasfile *file)
{
    struct replicas_candidate *c;
    char *name;
    if (file->count == REPLICAS_CANDIDATES_MAX)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "there are more than %u candidates",
                               REPLICAS_CANDIDATES_MAX);
    c = &file->candidates[file->count];
    name = file->names[file->count];
    TRY(yamlfile_name(y, name));
    for (uint32_t i = 0; i < file->count; i++) {
        if (strcmp(file->names[i], name) == 0)
            return yamlfile_refuse(y, yamlfile_line(y),
                                   "the candidate %s stands here a second time",
                                   name);
    }
    TRY(yamlfile_next(y));
    if (yamlfile_type(y) == YAML_MAPPING_START_EVENT)
        TRY(read_fields(y, file, c));
    else
        TRY(read_down(y, &c->down));
    file->count++;
    return OK;
}

static enum err read_file(struct yamlfile *y, struct replicasfile *file)
{
    static const char *const names[] = {"candidates"};
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(yamlfile_open(y, "candidates are a mapping: \"candidates: ...\""));
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, 1, &seen, &field));
        TRY(yamlfile_next(y));
        if (yamlfile_type(y) != YAML_MAPPING_START_EVENT)
            return yamlfile_refuse(y, yamlfile_line(y),
                                   "candidates: a mapping belongs here, "
                                   "\"alder: 99%%\"");
        TRY(yamlfile_next(y));
        while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
            TRY(read_candidate(y, file));
            TRY(yamlfile_next(y));
        }
        TRY(yamlfile_next(y));
    }
    TRY(yamlfile_close(y));
    if (file->count == 0)
        return yamlfile_refuse(y, 1,
                               "there are no candidates: \"candidates: {alder: "
                               "99%%}\"");
    return OK;
}

enum err replicasfile_parse(struct bytes text, const char *file_name,
                            struct replicasfile *out, char *error)
{
    struct yamlfile y;
    enum err err;
    memset(out, 0, sizeof(*out));
    TRY(yamlfile_init(&y, text, file_name, error));
    err = read_file(&y, out);
    yamlfile_done(&y);
    return err;
}
