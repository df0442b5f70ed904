#ifndef CLI_TAPEFILE_H
#define CLI_TAPEFILE_H

/* A recorded market as a file: JSON lines, docs/policies.md has the format.
 *
 *   {"suan_market": 1, "node": "tsuan1..."}
 *   {"t": 0, "offer": {"provider": "tsuan1...", "total": {...}, ...}}
 *   {"t": 900, "request": {"id": "7f3a...", "tasks": 3, ...}}
 *   {"t": 4000, "ran": "7f3a...", "ms": 3050}
 *   {"t": 9000, "gone": "tsuan1..."}
 *
 * t is in ms and never falls. Numbers are whole and not negative. What is not
 * named in an offer or request is zero or none; names that are not known are
 * passed over, so that later versions may add some. */

#include <jansson.h>

#include "market/tape.h"

#define TAPEFILE_VERSION   1
#define TAPEFILE_LINE_MAX  (64u * 1024)
#define TAPEFILE_BYTES_MAX (128u * 1024 * 1024)
#define TAPEFILE_ERROR_MAX 320

/* Reads a whole file into a tape that tape_init has set up.
 * ERR_PARSE, ERR_TOO_LARGE with "FILE:LINE: what" in error; ERR_NOMEM. */
MUST_USE enum err tapefile_parse(struct bytes text, const char *file_name,
                                 struct tape *tape,
                                 char error[TAPEFILE_ERROR_MAX]);

/* One policy's row of what tape_play found, with means. Given. */
json_t *tapefile_result_json(const char *name,
                             const struct tape_result *result);

#endif
