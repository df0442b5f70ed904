#include "cli/file/policyfile.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const char *const names[] = {
    "name",   "kind",   "enabled", "weight", "speed", "near",
    "divide", "copies", "gang",    "least",  "share", "availability"};
enum field { NAME, KIND, ENABLED, WEIGHT, TERM };
#define FIELDS (sizeof(names) / sizeof(names[0]))

static enum err set_term(struct yamlfile *y, const char *field,
                         const char *value, struct policy_terms *terms)
{
    if (policy_terms_set(terms, field, value) == OK)
        return OK;
    return yamlfile_refuse(y, yamlfile_line(y), "%s: \"%.60s\" is not %s",
                           field, value, policy_terms_shape(field));
}

static enum err read_name(struct yamlfile *y, struct policy_object *out)
{
    const char *text = "";
    TRY(yamlfile_text(y, &text));
    if (!policy_object_name_ok(text))
        return yamlfile_refuse(y, yamlfile_line(y),
                               "name: \"%.60s\" is not a name of letters, "
                               "digits, '-', '_' and '.', or it is the name "
                               "of a kind",
                               text);
    memset(out->name, 0, sizeof(out->name));
    memcpy(out->name, text, strlen(text));
    return OK;
}

static enum err read_kind(struct yamlfile *y, struct policy_object *out)
{
    const char *text = "";
    TRY(yamlfile_text(y, &text));
    if (policy_parse(text, &out->policy) != OK)
        return yamlfile_refuse(y, yamlfile_line(y),
                               "kind: \"%.30s\" is not one of cheapest, "
                               "nearest, fastest, balanced, composite, "
                               "fragmentation, spread, pack",
                               text);
    return OK;
}

/* YAML's words for it. */
static bool yes_or_no(const char *text, const char **out)
{
    bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    *out = yes ? "yes" : "no";
    return yes || strcmp(text, "no") == 0 || strcmp(text, "false") == 0;
}

static enum err read_switch(struct yamlfile *y, const char *field,
                            const char **out)
{
    const char *text = "";
    TRY(yamlfile_text(y, &text));
    if (!yes_or_no(text, out))
        return yamlfile_refuse(y, yamlfile_line(y),
                               "%s: \"%.30s\" is not yes or no", field, text);
    return OK;
}

/* {price: 2, rtt: 1} */
static enum err read_weights(struct yamlfile *y, struct policy_terms *terms)
{
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        char pair[2 * YAMLFILE_NAME_MAX];
        char name[YAMLFILE_NAME_MAX];
        const char *text = "";
        TRY(yamlfile_name(y, name));
        TRY(yamlfile_next(y));
        TRY(yamlfile_text(y, &text));
        snprintf(pair, sizeof(pair), "%s=%.30s", name, text);
        TRY(set_term(y, "weight", pair, terms));
        TRY(yamlfile_next(y));
    }
    return OK;
}

static enum err read_list(struct yamlfile *y, const char *field,
                          struct policy_terms *terms)
{
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_SEQUENCE_END_EVENT) {
        const char *text = "";
        TRY(yamlfile_text(y, &text));
        TRY(set_term(y, field, text, terms));
        TRY(yamlfile_next(y));
    }
    return OK;
}

static enum err read_term(struct yamlfile *y, const char *field,
                          struct policy_terms *terms)
{
    const char *text = "";
    if (strcmp(field, "gang") == 0) {
        TRY(read_switch(y, field, &text));
        return set_term(y, field, text, terms);
    }
    if (strcmp(field, "weight") == 0 &&
        yamlfile_type(y) == YAML_MAPPING_START_EVENT)
        return read_weights(y, terms);
    if (strcmp(field, "share") == 0 &&
        yamlfile_type(y) == YAML_SEQUENCE_START_EVENT)
        return read_list(y, field, terms);
    TRY(yamlfile_text(y, &text));
    return set_term(y, field, text, terms);
}

static enum err read_field(struct yamlfile *y, uint32_t field,
                           struct policy_object *out)
{
    const char *text = "";
    if (field == NAME)
        return read_name(y, out);
    if (field == KIND)
        return read_kind(y, out);
    if (field != ENABLED)
        return read_term(y, names[field], &out->terms);
    TRY(read_switch(y, "enabled", &text));
    out->enabled = text[0] == 'y';
    return OK;
}

static enum err read_file(struct yamlfile *y, struct policy_object *out)
{
    uint32_t seen = 0;
    uint32_t field = 0;
    TRY(yamlfile_open(y, "a policy is a mapping: \"kind: ...\""));
    size_t line = yamlfile_line(y);
    TRY(yamlfile_next(y));
    while (yamlfile_type(y) != YAML_MAPPING_END_EVENT) {
        TRY(yamlfile_key(y, names, FIELDS, &seen, &field));
        TRY(yamlfile_next(y));
        TRY(read_field(y, field, out));
        TRY(yamlfile_next(y));
    }
    TRY(yamlfile_close(y));
    if (out->policy == (enum policy)0)
        return yamlfile_refuse(y, line, "it has no kind");
    if (policy_terms_check(out->policy, &out->terms) != OK)
        return yamlfile_refuse(y, line,
                               "these terms do not belong to %s, or some are "
                               "missing: see suan policy set --help",
                               policy_text(out->policy));
    return OK;
}

enum err policyfile_parse(struct bytes text, const char *file_name,
                          struct policy_object *out, char *error)
{
    struct policy_object object = {.enabled = true};
    struct yamlfile y;
    enum err err;
    memcpy(object.name, out->name, sizeof(object.name));
    TRY(yamlfile_init(&y, text, file_name, error));
    err = read_file(&y, &object);
    yamlfile_done(&y);
    if (err == OK)
        *out = object;
    return err;
}
