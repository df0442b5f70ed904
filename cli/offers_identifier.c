#include "cli/offers_identifier.h"

#include "sched/meter/identifier.h"

#include <stdio.h>
#include <string.h>

/* The fields of a path that offers carry as labels: those up to the first
 * number. */
#define FIELDS     6u
#define ARENA      65536u
#define LABEL_MAX  64u
#define CODE_LABEL "id.code"

static bool is_whole(const char *text)
{
    return strncmp(text, IDENTIFIER_PREFIX "1",
                   strlen(IDENTIFIER_PREFIX) + 1) == 0;
}

static enum err code_of(const char *text, char code[IDENTIFIER_CODE_MAX])
{
    struct identifier id;
    struct arena arena;
    enum err err;
    arena_init(&arena, ARENA);
    err = identifier_parse(text, &arena, &id);
    if (err == OK)
        identifier_code(&id, code);
    arena_done(&arena);
    return err;
}

static void label_of(unsigned field, char out[LABEL_MAX])
{
    snprintf(out, LABEL_MAX, "id.%s", identifier_field_name(field));
}

static void add(json_t *list, const char *label, const char *value, size_t len)
{
    char text[LABEL_MAX + IDENTIFIER_CODE_MAX + IDENTIFIER_NAME_MAX];
    snprintf(text, sizeof(text), "%s=%.*s", label, (int)len, value);
    json_array_append_new(list, json_string(text));
}

/* Every field that a '/' ends; the last one may be a part. */
static bool ask_path(const char *path, json_t *list)
{
    char label[LABEL_MAX];
    for (unsigned field = 0; *path != '\0'; field++) {
        size_t len = strcspn(path, "/");
        if (field == FIELDS || len == 0 || len >= IDENTIFIER_NAME_MAX ||
            strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789.-") < len)
            return false;
        label_of(field, label);
        if (path[len] == '/')
            add(list, label, path, len);
        path += len + (path[len] == '/');
    }
    return true;
}

int offers_identifier_ask(struct cli *cli, const char *text, json_t *params)
{
    json_t *list = json_object_get(params, "labels");
    char code[IDENTIFIER_CODE_MAX] = "";
    enum err err = OK;
    if (list == NULL) {
        json_object_set_new(params, "labels", json_array());
        list = json_object_get(params, "labels");
    }
    if (is_whole(text)) {
        err = code_of(text, code);
        if (err != OK)
            return cli_fail_err(cli, err, "suan sell identifier --check",
                                "this is no whole identifier");
        add(list, CODE_LABEL, code, strlen(code));
        return 0;
    }
    if (text[0] != '\0' && ask_path(text, list))
        return 0;
    return cli_usage(cli, "--identifier beijing/telecom/acme",
                     "--identifier \"%.60s\" is neither suanid1... nor the "
                     "beginning of a path: city/industry/enterprise/resource/"
                     "centre/service",
                     text);
}

static bool has_path(const json_t *labels, const char *path)
{
    char label[LABEL_MAX];
    for (unsigned field = 0; *path != '\0'; field++) {
        size_t len = strcspn(path, "/");
        const char *value;
        label_of(field, label);
        value = json_string_value(json_object_get(labels, label));
        if (value == NULL || strncmp(value, path, len) != 0 ||
            (path[len] == '/' && value[len] != '\0'))
            return false;
        path += len + (path[len] == '/');
    }
    return true;
}

static bool is_kept(const json_t *labels, const char *text)
{
    char code[IDENTIFIER_CODE_MAX] = "";
    if (!is_whole(text))
        return has_path(labels, text);
    const char *value = json_string_value(json_object_get(labels, CODE_LABEL));
    return value != NULL && code_of(text, code) == OK &&
           strcmp(value, code) == 0;
}

void offers_identifier_keep(const char *text, json_t *result)
{
    json_t *offers = json_object_get(result, "offers");
    for (size_t i = json_array_size(offers); i > 0; i--) {
        const json_t *offer = json_array_get(offers, i - 1);
        if (!is_kept(json_object_get(offer, "labels"), text))
            (void)json_array_remove(offers, i - 1);
    }
}
