#ifndef CLI_YAMLFILE_H
#define CLI_YAMLFILE_H

/* A YAML file (JSON is YAML's flow form) from anywhere, read event by event:
 * whoever reads walks down what it expects and refuses the rest with its line.
 * Anchors, aliases, tags and a second document are refused here. Memory stays
 * within a constant times the text. */

#include <stdbool.h>
#include <yaml.h>

#include "base/bytes.h"

#define YAMLFILE_BYTES_MAX (512u * 1024)
#define YAMLFILE_ERROR_MAX 512
#define YAMLFILE_NAME_MAX  64 /* a key or name with its zero */

struct yamlfile {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
    const char *file_name; /* lent */
    char *error;           /* lent: "FILE:LINE: what" */
};

/* error[YAMLFILE_ERROR_MAX]. text, file_name and error are lent until
 * yamlfile_done. ERR_NOMEM; ERR_TOO_LARGE with `error` set: yamlfile_done is
 * not needed then. */
MUST_USE enum err yamlfile_init(struct yamlfile *file, struct bytes text,
                                const char *file_name, char *error);
void yamlfile_done(struct yamlfile *file);

/* Steps to the first event of the document, which must be a mapping; `what` is
 * said where it is not: "a job is a mapping: \"command: ...\"". ERR_PARSE,
 * ERR_NOMEM. */
MUST_USE enum err yamlfile_open(struct yamlfile *file, const char *what);
/* After the mapping's end: nothing else may stand in the file. Same errors. */
MUST_USE enum err yamlfile_close(struct yamlfile *file);

/* The next event. ERR_PARSE with `error` set, ERR_NOMEM. */
MUST_USE enum err yamlfile_next(struct yamlfile *file);
static inline yaml_event_type_t yamlfile_type(const struct yamlfile *file)
{
    return file->event.type;
}
/* Of the current event, from 1. */
size_t yamlfile_line(const struct yamlfile *file);
/* The current scalar as a C string without zero bytes, lent until the next
 * event; what else stands there is refused. ERR_PARSE. */
MUST_USE enum err yamlfile_text(struct yamlfile *file, const char **out);
/* The same, copied: a name of 1 to YAMLFILE_NAME_MAX - 1 printable bytes.
 * ERR_PARSE. */
MUST_USE enum err yamlfile_name(struct yamlfile *file,
                                char out[YAMLFILE_NAME_MAX]);
/* The current scalar as a whole number. `field` is for the message.
 * ERR_PARSE. */
MUST_USE enum err yamlfile_count(struct yamlfile *file, const char *field,
                                 uint32_t min, uint32_t max, uint32_t *out);
/* The current scalar as one of `count` <= 32 names: which. A name that is not
 * there, or one whose bit is set in *seen, is refused; the bit is set. The
 * names must be fewer than 300 bytes together. ERR_PARSE. */
MUST_USE enum err yamlfile_key(struct yamlfile *file, const char *const *names,
                               uint32_t count, uint32_t *seen, uint32_t *out);

/* Writes "FILE:LINE: what" and returns ERR_PARSE. */
__attribute__((format(printf, 3, 4))) enum err yamlfile_refuse(
    struct yamlfile *file, size_t line, const char *format, ...);

#endif
