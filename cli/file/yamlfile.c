#include "cli/file/yamlfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/unit.h"

enum err yamlfile_refuse(struct yamlfile *file, size_t line, const char *format,
                         ...)
{
    char what[YAMLFILE_ERROR_MAX - 128];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(file->error, YAMLFILE_ERROR_MAX, "%.96s:%zu: %s", file->file_name,
             line, what);
    return ERR_PARSE;
}

size_t yamlfile_line(const struct yamlfile *file)
{
    return file->event.start_mark.line + 1;
}

static void drop(struct yamlfile *file)
{
    if (file->has_event)
        yaml_event_delete(&file->event);
    file->has_event = false;
}

static enum err syntax_error(struct yamlfile *file)
{
    const yaml_parser_t *p = &file->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return ERR_NOMEM;
    return yamlfile_refuse(file, p->problem_mark.line + 1, "%s",
                           p->problem == NULL ? "this is not YAML"
                                              : p->problem);
}

/* What these files have no use for, and what only serves to surprise. */
static enum err plain_only(struct yamlfile *file)
{
    const yaml_event_t *e = &file->event;
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (e->type == YAML_ALIAS_EVENT)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "aliases (*name) are not used here");
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor != NULL)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "anchors (&name) are not used here");
    if (tag != NULL)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "tags (!name) are not used here");
    return OK;
}

enum err yamlfile_next(struct yamlfile *file)
{
    drop(file);
    if (!yaml_parser_parse(&file->parser, &file->event))
        return syntax_error(file);
    file->has_event = true;
    return plain_only(file);
}

enum err yamlfile_init(struct yamlfile *file, struct bytes text,
                       const char *file_name, char *error)
{
    memset(file, 0, sizeof(*file));
    file->file_name = file_name;
    file->error = error;
    error[0] = '\0';
    if (text.len > YAMLFILE_BYTES_MAX) {
        (void)yamlfile_refuse(file, 1, "the file is larger than %u bytes",
                              YAMLFILE_BYTES_MAX);
        return ERR_TOO_LARGE;
    }
    if (!yaml_parser_initialize(&file->parser))
        return ERR_NOMEM;
    if (text.ptr == NULL) /* of an empty file; libyaml asserts */
        text = bytes_str("");
    yaml_parser_set_input_string(&file->parser, text.ptr, text.len);
    return OK;
}

void yamlfile_done(struct yamlfile *file)
{
    drop(file);
    yaml_parser_delete(&file->parser);
}

enum err yamlfile_open(struct yamlfile *file, const char *what)
{
    TRY(yamlfile_next(file)); /* stream start */
    TRY(yamlfile_next(file));
    if (yamlfile_type(file) != YAML_DOCUMENT_START_EVENT)
        return yamlfile_refuse(file, 1, "the file is empty");
    TRY(yamlfile_next(file));
    if (yamlfile_type(file) != YAML_MAPPING_START_EVENT)
        return yamlfile_refuse(file, yamlfile_line(file), "%s", what);
    return OK;
}

enum err yamlfile_close(struct yamlfile *file)
{
    TRY(yamlfile_next(file)); /* document end */
    TRY(yamlfile_next(file));
    if (yamlfile_type(file) != YAML_STREAM_END_EVENT)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "a second document starts here; a file has one");
    return OK;
}

enum err yamlfile_text(struct yamlfile *file, const char **out)
{
    const char *text;
    if (yamlfile_type(file) != YAML_SCALAR_EVENT)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "a plain value belongs here");
    /* libyaml's characters are unsigned. */
    text = (const char *)file->event.data.scalar.value;
    if (strlen(text) != file->event.data.scalar.length)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "a zero byte stands in the text");
    *out = text;
    return OK;
}

enum err yamlfile_name(struct yamlfile *file, char out[YAMLFILE_NAME_MAX])
{
    const char *text = "";
    TRY(yamlfile_text(file, &text));
    if (text[0] == '\0')
        return yamlfile_refuse(file, yamlfile_line(file), "a name is empty");
    if (strlen(text) >= YAMLFILE_NAME_MAX)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "the name \"%.20s...\" is longer than %d bytes",
                               text, YAMLFILE_NAME_MAX - 1);
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return yamlfile_refuse(file, yamlfile_line(file),
                                   "a control character stands in a name");
    }
    snprintf(out, YAMLFILE_NAME_MAX, "%s", text);
    return OK;
}

enum err yamlfile_count(struct yamlfile *file, const char *field, uint32_t min,
                        uint32_t max, uint32_t *out)
{
    const char *text = "";
    uint64_t count = 0;
    TRY(yamlfile_text(file, &text));
    if (unit_parse_count(text, min, max, &count) != OK)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "%s: \"%.40s\" is not a whole number from %u to "
                               "%u",
                               field, text, min, max);
    *out = (uint32_t)count;
    return OK;
}

enum err yamlfile_key(struct yamlfile *file, const char *const *names,
                      uint32_t count, uint32_t *seen, uint32_t *out)
{
    const char *text = "";
    uint32_t i = 0;
    char all[300] = "";
    size_t len = 0;
    TRY(yamlfile_text(file, &text));
    while (i < count && strcmp(names[i], text) != 0)
        i++;
    for (uint32_t k = 0; i == count && k < count && len < sizeof(all); k++)
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
                                k == 0 ? "" : ", ", names[k]);
    if (i == count)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "there is no field \"%.40s\" here; there are %s",
                               text, all);
    if ((*seen >> i & 1) != 0)
        return yamlfile_refuse(file, yamlfile_line(file),
                               "%s stands here a second time", names[i]);
    *seen |= 1u << i;
    *out = i;
    return OK;
}
