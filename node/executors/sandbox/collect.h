#ifndef NODE_EXECUTORS_SANDBOX_COLLECT_H
#define NODE_EXECUTORS_SANDBOX_COLLECT_H

/* Takes a job's outputs out of its hands: files it wrote, in directories it
 * wrote, with names it chose. Only plain files with one name are taken; nothing
 * is ever followed (links, mounts, ".."), opened for waiting (fifos), or read
 * beyond the limit (sparse files). To be called when no process of the job is
 * left. */

#include "node/executors/sandbox/fail.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COLLECT_PATTERNS_MAX 256u
#define COLLECT_DEPTH_MAX    32u
#define COLLECT_SEEN_MAX     200000u /* directory entries looked at */
#define COLLECT_REFUSED_MAX  256u    /* refusals told one by one */

struct collect {
    const char *const *patterns; /* what to take; see collect_matches */
    size_t patternc;
    uint64_t bytes_max; /* of all files together, as their sizes say */
    uint64_t files_max;
};

/* Whether a path relative to /job/out is wanted: '*' and '?' stay within one
 * name, "**" crosses directories, a leading "out/", "/job/out/" or "./" of the
 * pattern is dropped, and a pattern that names a directory takes all in it.
 * Pure. */
bool collect_matches(const char *pattern, const char *path);

/* Copies from the directory `name` below `root_fd` into `dest`, which is made.
 * out_result, given: {"files": [{path, size, mode}], "refused": [{path,
 * reason}], "bytes": n}. A missing `name` is an empty directory; a file that
 * does not fit is refused and the rest goes on. Fails only when `dest` cannot
 * be written. */
MUST_USE enum err collect_run(int root_fd, const char *name, const char *dest,
                              const struct collect *want, json_t **out_result,
                              struct fail *fail);

#endif
