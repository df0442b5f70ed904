#include "cli/file/jobfile.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define FIELDS_MAX 32

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; valid between next and drop */
    bool has_event;
    const char *file_name;
    const char *base_dir;
    struct order *order;
    char *error;
    char seen[FIELDS_MAX][32];
    unsigned seen_count;
};

__attribute__((format(printf, 3, 4))) static enum err refuse(struct reader *r,
                                                             size_t line,
                                                             const char *format,
                                                             ...)
{
    char what[JOBFILE_ERROR_MAX - 128];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(r->error, JOBFILE_ERROR_MAX, "%.96s:%zu: %s", r->file_name, line,
             what);
    return ERR_PARSE;
}

static size_t line_of(const struct reader *r)
{
    return r->event.start_mark.line + 1;
}

static void drop(struct reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = false;
}

static enum err syntax_error(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return ERR_NOMEM;
    return refuse(r, p->problem_mark.line + 1, "%s",
                  p->problem == NULL ? "this is not YAML" : p->problem);
}

/* What a job file has no use for, and what only serves to surprise. */
static enum err plain_only(struct reader *r)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (r->event.type == YAML_ALIAS_EVENT)
        return refuse(r, line_of(r), "aliases (*name) are not used here");
    if (r->event.type == YAML_SCALAR_EVENT) {
        anchor = r->event.data.scalar.anchor;
        tag = r->event.data.scalar.tag;
    } else if (r->event.type == YAML_SEQUENCE_START_EVENT) {
        anchor = r->event.data.sequence_start.anchor;
        tag = r->event.data.sequence_start.tag;
    } else if (r->event.type == YAML_MAPPING_START_EVENT) {
        anchor = r->event.data.mapping_start.anchor;
        tag = r->event.data.mapping_start.tag;
    }
    if (anchor != NULL)
        return refuse(r, line_of(r), "anchors (&name) are not used here");
    if (tag != NULL)
        return refuse(r, line_of(r), "tags (!name) are not used here");
    return OK;
}

static enum err next(struct reader *r)
{
    drop(r);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return syntax_error(r);
    r->has_event = true;
    return plain_only(r);
}

/* The current scalar as a C string; zero bytes inside are refused. */
static enum err scalar(struct reader *r, const char **out)
{
    const char *text;
    if (r->event.type != YAML_SCALAR_EVENT)
        return refuse(r, line_of(r), "a plain value belongs here");
    /* libyaml's characters are unsigned. */
    text = (const char *)r->event.data.scalar.value;
    if (strlen(text) != r->event.data.scalar.length)
        return refuse(r, line_of(r), "a zero byte stands in the text");
    *out = text;
    return OK;
}

static enum err set(struct reader *r, const char *field, const char *value)
{
    char why[ORDER_ERROR_MAX];
    if (order_set(r->order, field, value, r->base_dir, why))
        return OK;
    return refuse(r, line_of(r), "%s: %s", field, why);
}

static enum err set_scalar(struct reader *r, const char *field)
{
    const char *text = NULL;
    TRY(scalar(r, &text));
    return set(r, field, text);
}

/* command: "text" runs under the shell. */
static enum err set_shell(struct reader *r)
{
    TRY(set(r, "command", "sh"));
    TRY(set(r, "command", "-c"));
    return set_scalar(r, "command");
}

static enum err read_list(struct reader *r, const char *field)
{
    TRY(next(r));
    while (r->event.type != YAML_SEQUENCE_END_EVENT) {
        if (r->event.type != YAML_SCALAR_EVENT)
            return refuse(r, line_of(r),
                          "%s: a list of plain values belongs "
                          "here",
                          field);
        TRY(set_scalar(r, field));
        TRY(next(r));
    }
    return OK;
}

/* env: {NAME: VALUE} */
static enum err read_env(struct reader *r)
{
    char pair[SPEC_TEXT_MAX + 256];
    TRY(next(r));
    while (r->event.type != YAML_MAPPING_END_EVENT) {
        const char *text = NULL;
        size_t len;
        TRY(scalar(r, &text));
        len = strlen(text);
        if (len == 0 || len > 200 || strchr(text, '=') != NULL)
            return refuse(r, line_of(r),
                          "env: \"%.60s\" is not a name of a "
                          "variable",
                          text);
        memcpy(pair, text, len);
        pair[len++] = '=';
        TRY(next(r));
        TRY(scalar(r, &text));
        if (strlen(text) >= sizeof(pair) - len)
            return refuse(r, line_of(r), "env: a text is longer than %u bytes",
                          SPEC_TEXT_MAX);
        memcpy(pair + len, text, strlen(text) + 1);
        TRY(set(r, "env", pair));
        TRY(next(r));
    }
    return OK;
}

static enum err read_value(struct reader *r, const char *field, bool list)
{
    size_t line = line_of(r);
    switch ((int)r->event.type) {
    case YAML_SCALAR_EVENT:
        if (strcmp(field, "command") == 0)
            return set_shell(r);
        return set_scalar(r, field);
    case YAML_SEQUENCE_START_EVENT:
        if (!list)
            return refuse(r, line, "%s: one value belongs here, not a list",
                          field);
        return read_list(r, field);
    case YAML_MAPPING_START_EVENT:
        if (strcmp(field, "env") != 0)
            return refuse(r, line, "%s: a mapping does not belong here", field);
        return read_env(r);
    default:
        return refuse(r, line, "%s: a value belongs here", field);
    }
}

static enum err remember(struct reader *r, const char *field)
{
    for (unsigned i = 0; i < r->seen_count; i++) {
        if (strcmp(r->seen[i], field) == 0)
            return refuse(r, line_of(r), "%s stands here a second time", field);
    }
    CHECK(r->seen_count < FIELDS_MAX && strlen(field) < sizeof(r->seen[0]));
    snprintf(r->seen[r->seen_count++], sizeof(r->seen[0]), "%s", field);
    return OK;
}

static enum err read_field(struct reader *r)
{
    const char *text = "";
    const char *near;
    char field[32];
    bool list = false;
    TRY(scalar(r, &text));
    if (strlen(text) >= sizeof(field) || !order_field(text, &list)) {
        near = order_field_near(text);
        if (near != NULL)
            return refuse(r, line_of(r),
                          "there is no field \"%.60s\"; did you mean \"%s\"?",
                          text, near);
        return refuse(r, line_of(r), "there is no field \"%.60s\"", text);
    }
    snprintf(field, sizeof(field), "%s", text);
    TRY(remember(r, field));
    TRY(next(r));
    return read_value(r, field, list);
}

static enum err read_document(struct reader *r)
{
    char why[ORDER_ERROR_MAX];
    TRY(next(r)); /* stream start */
    TRY(next(r));
    if (r->event.type != YAML_DOCUMENT_START_EVENT)
        return refuse(r, 1, "the file is empty");
    TRY(next(r));
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return refuse(r, line_of(r), "a job is a mapping: \"command: ...\"");
    TRY(next(r));
    while (r->event.type != YAML_MAPPING_END_EVENT) {
        TRY(read_field(r));
        TRY(next(r));
    }
    TRY(next(r)); /* document end */
    TRY(next(r));
    if (r->event.type != YAML_STREAM_END_EVENT)
        return refuse(r, line_of(r),
                      "a second document starts here; one file "
                      "is one job");
    if (!order_check(r->order, why))
        return refuse(r, 1, "%s", why);
    return OK;
}

enum err jobfile_parse(struct bytes text, const char *file_name,
                       const char *base_dir, struct order *order,
                       char error[JOBFILE_ERROR_MAX])
{
    struct reader r = {.file_name = file_name,
                       .base_dir = base_dir,
                       .order = order,
                       .error = error};
    enum err err;
    error[0] = '\0';
    if (text.len > JOBFILE_BYTES_MAX) {
        (void)refuse(&r, 1, "the file is larger than %u bytes",
                     JOBFILE_BYTES_MAX);
        return ERR_TOO_LARGE;
    }
    if (!yaml_parser_initialize(&r.parser))
        return ERR_NOMEM;
    if (text.ptr == NULL) /* of an empty file; libyaml asserts */
        text = bytes_str("");
    yaml_parser_set_input_string(&r.parser, text.ptr, text.len);
    err = read_document(&r);
    drop(&r);
    yaml_parser_delete(&r.parser);
    return err;
}
