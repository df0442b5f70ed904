#ifndef CLI_HELP_H
#define CLI_HELP_H

/* What the table of verbs becomes: help on the terminal, the reference in
 * docs/cli.md, completion for three shells. All are plain functions of the
 * table; a test compares the reference with the file. */

#include "base/bytes.h"
#include "cli/verb/verb.h"

#define HELP_BYTES_MAX (512u * 1024)

/* `suan --help`: groups, verbs, where to look. */
void help_program(struct buf *out);
/* `suan wallet --help`: the verbs of a group, or NULL group name in it. */
void help_group(const char *group, struct buf *out);
/* `suan wallet send --help`. */
void help_verb(const struct verb *verb, struct buf *out);
/* The options every verb takes. */
void help_globals(struct buf *out);

/* docs/cli.md. */
void help_markdown(struct buf *out);

void complete_bash(struct buf *out);
void complete_zsh(struct buf *out);
void complete_fish(struct buf *out);

#endif
