#ifndef CLI_TEXTFILE_H
#define CLI_TEXTFILE_H

/* Small files that a verb is given, read and written whole. */

#include "cli/cli.h"

/* Reads the file, "-" is standard input, into a buffer that buf_init has
 * bounded. what: for messages, "the proof". Returns 0, or the exit code after
 * saying what is wrong. */
int textfile_read(struct cli *cli, const char *path, const char *what,
                  struct buf *out);
/* Writes the bytes over the file; "-" is standard output. Same result. */
int textfile_write(struct cli *cli, const char *path, const char *what,
                   struct bytes bytes);

#endif
