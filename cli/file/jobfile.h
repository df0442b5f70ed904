#ifndef CLI_JOBFILE_H
#define CLI_JOBFILE_H

/* A job file: an order in YAML, or in JSON, which is read as YAML's flow form.
 * One mapping of the order's fields; see docs/buyer.md.
 *
 *   name: tiles
 *   command: [povray, +Iscene.pov, +K%t]
 *   cpus: 0.5
 *   mem: 256M
 *   env: {QUALITY: 9}
 *   in: [scene.pov, textures:tex]
 *
 * command as one text runs under "sh -c". env is a mapping or a list of
 * NAME=VALUE; in, out and constraints are lists or a single text. Anchors,
 * aliases, tags, a second document and a repeated field are refused. */

#include "cli/order.h"

#define JOBFILE_BYTES_MAX (256u * 1024)
#define JOBFILE_ERROR_MAX 512

/* Reads text into an order that order_init has set up.
 *
 * file_name  for messages
 * base_dir   relative `in` paths start there
 *
 * ERR_TOO_LARGE or ERR_PARSE with "FILE:LINE: FIELD: what" in `error`;
 * ERR_NOMEM. The order is to be thrown away then. */
MUST_USE enum err jobfile_parse(struct bytes text, const char *file_name,
                                const char *base_dir, struct order *order,
                                char error[JOBFILE_ERROR_MAX]);

#endif
